package main

import (
	"strconv"
	"strings"

	"ckafka-etl/internal/verify"
)

// column is a column of a table, its name first. It stands to the right.
type column []string

func (c column) width() (n int) {
	for _, cell := range c {
		n = max(n, width(cell))
	}
	return n
}

// table has columns of the same length.
type table []column

const columnGap = 2

func (t table) width() int {
	n := 0
	for _, c := range t {
		n += columnGap + c.width()
	}
	return n
}

func (t table) text() string {
	var b strings.Builder
	for row := range t[0] {
		blanks := 0 // that are owed: none stand at the end of a line
		for _, c := range t {
			if blanks += columnGap + c.width() - width(c[row]); c[row] != "" {
				b.WriteString(strings.Repeat(" ", blanks) + c[row])
				blanks = 0
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// countColumns are the counts in the order in which they are told.
var countColumns = [...]struct {
	name   string
	always bool // else only where there is something to count
	of     func(c *verify.Counts) int64
}{
	{"source", true, func(c *verify.Counts) int64 { return c.Source }},
	{"target", true, func(c *verify.Counts) int64 { return c.Target }},
	{"equal", true, func(c *verify.Counts) int64 { return c.Equal }},
	{"missing", false, func(c *verify.Counts) int64 { return c.Missing }},
	{"extra", false, func(c *verify.Counts) int64 { return c.Extra }},
	{"twice", false, func(c *verify.Counts) int64 { return c.Twice }},
	{"changed", false, func(c *verify.Counts) int64 { return c.Changed }},
	{"misplaced", false, func(c *verify.Counts) int64 { return c.Misplaced }},
	{"out of order", false, func(c *verify.Counts) int64 { return c.OutOfOrder }},
	{"gone", false, func(c *verify.Counts) int64 { return c.Gone }},
}

// verifyTables are the counts of the partitions and of all, with a row each.
// Columns of zeros are left out, and what is too wide goes on in another table.
// Of many partitions those are told in which something is wrong, up to most.
func verifyTables(r *verify.Report, most int) []table {
	shown, names := shownPartitions(r, most)
	rows := make([]*verify.Counts, 0, len(shown)+1)
	for _, p := range shown {
		rows = append(rows, &p.Counts)
	}
	rows = append(rows, &r.Total)

	tables := []table{{names}}
	for _, c := range countColumns {
		if !c.always && c.of(&r.Total) == 0 {
			continue
		}
		col := column{c.name}
		for i, row := range rows {
			if i == len(rows)-1 && len(names) > len(rows)+1 {
				col = append(col, "") // beside the line that stands for others
			}
			col = append(col, thousands(c.of(row)))
		}
		last := &tables[len(tables)-1]
		if last.width()+columnGap+col.width() > columns {
			tables = append(tables, table{names})
			last = &tables[len(tables)-1]
		}
		*last = append(*last, col)
	}
	return tables
}

// shownPartitions chooses partitions, and names the rows.
func shownPartitions(r *verify.Report, most int) (shown []*verify.PartitionReport, names column) {
	all := len(r.Partitions) <= most
	names = column{"partition"}
	for i := range r.Partitions {
		p := &r.Partitions[i]
		if wrong := p.Missing + p.Extra + p.Changed + p.Twice + p.Misplaced + p.OutOfOrder; !all && (wrong == 0 || len(shown) == most) {
			continue
		}
		shown = append(shown, p)
		names = append(names, strconv.Itoa(int(p.Partition)))
	}
	if n := len(r.Partitions) - len(shown); n > 0 {
		names = append(names, thousands(n)+" more")
	}
	return shown, append(names, "all")
}
