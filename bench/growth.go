package main

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"ckafka-etl/internal/sample"
)

// growth is what our path costs as something about an event grows.
type growth struct {
	what   string
	unit   string
	points []point
}

type point struct {
	n     int // of the unit
	bytes int // of the event
	cpu   time.Duration
}

// perByte is in nanoseconds.
func (p point) perByte() float64 { return float64(p.cpu) / float64(p.bytes) }

// worst returns the largest cost of a byte in relation to a smaller event's:
// what costs more than linear grows, what has a fixed cost falls.
func (g growth) worst() float64 {
	worst, least := 1.0, g.points[0].perByte()
	for _, p := range g.points[1:] {
		worst = max(worst, p.perByte()/least)
		least = min(least, p.perByte())
	}
	return worst
}

// shape is a way in which events grow.
type shape struct {
	what, unit string
	sizes      []int
	event      func(n int) []byte
}

func shapes() []shape {
	one := func(body string) []byte { return payload("growth", [][]byte{[]byte(body)}) }
	return []shape{
		{
			"more access-log records", "records",
			[]int{1, 10, 100, 1_000, 10_000},
			func(n int) []byte { return payload("growth", sample.AccessBodies(n)) },
		},
		{
			"larger bodies, 1 MB of them", "bytes",
			[]int{40, 400, 4_000, 40_000, 400_000, 1_000_000},
			func(n int) []byte { return payload("growth", repeated(lines(n), 1_000_000/n)) },
		},
		{"more members", "members", []int{10, 100, 1_000, 10_000, 100_000}, sample.WideEvent},
		{
			"duplicates of one name", "members",
			[]int{10, 100, 1_000, 10_000, 100_000},
			func(n int) []byte { return one(`{"a":1` + strings.Repeat(`,"a":1`, n-1) + `}`) },
		},
		{
			"deeper objects, 1 MB of them", "levels",
			[]int{2, 10, 100, 990},
			func(n int) []byte {
				body := strings.Repeat(`{"a":`, n) + "1" + strings.Repeat("}", n)
				return payload("growth", repeated([]byte(body), 1_000_000/len(body)))
			},
		},
		{
			"arrays too deep to be taken", "levels",
			[]int{1_100, 10_000, 100_000, 1_000_000},
			func(n int) []byte { return one(`{"a":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}") },
		},
		{
			"a longer run of escapes", "escapes",
			[]int{100, 1_000, 10_000, 100_000},
			func(n int) []byte { return one(`{"a":"` + strings.Repeat(`\u00e9\n`, n/2) + `"}`) },
		},
		{
			"JSON in more JSON strings", "layers",
			[]int{1, 2, 4, 6, 8},
			func(n int) []byte { return one(layers(`{"a":"b","c":[1,2,3]}`, n)) },
		},
		{
			"text with more ignored words", "words",
			[]int{10, 100, 1_000, 10_000, 100_000},
			func(n int) []byte { return one(strings.Repeat("password=secret, ", n)) },
		},
		{
			"text that only opens", "brackets",
			[]int{10, 100, 1_000, 10_000, 100_000},
			func(n int) []byte { return one(strings.Repeat(`password={"\" `, n)) },
		},
	}
}

// growth measures our path alone: the least of several times, since noise only
// ever adds.
func (b *bench) growth() ([]growth, error) {
	const tries = 5
	ours := b.lanes[0].one
	var all []growth
	for k, s := range shapes() {
		g := growth{what: s.what, unit: s.unit}
		for _, n := range s.sizes {
			event := s.event(n)
			file, err := b.write(fmt.Sprintf("growth-%d-%d.json", k, n), event)
			if err != nil {
				return nil, err
			}
			p := point{n: n, bytes: len(event)}
			c, err := ours.run(2, file)
			if err != nil {
				return nil, fmt.Errorf("%s, %d: %w", s.what, n, err)
			}
			times := int(b.atLeast/4/max(c.cpu/2, time.Microsecond)) + 1
			for range tries {
				if c, err = ours.run(times, file); err != nil {
					return nil, fmt.Errorf("%s, %d: %w", s.what, n, err)
				}
				if each := c.cpu / time.Duration(times); p.cpu == 0 || each < p.cpu {
					p.cpu = each
				}
			}
			g.points = append(g.points, p)
		}
		all = append(all, g)
	}
	return all, nil
}

// lines returns a document of size bytes, at least 40, with one member: lines of
// a log.
func lines(size int) []byte {
	const head, tail, line = `{"lines":"`, `"}`, `一行日志 \"GET /\" 200 a line of a log\n`
	room := size - len(head) - len(tail)
	body := append([]byte(head), bytes.Repeat([]byte(line), room/len(line))...)
	body = append(body, bytes.Repeat([]byte("x"), room%len(line))...)
	return append(body, tail...)
}

func repeated(body []byte, n int) [][]byte {
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = body
	}
	return bodies
}

// layers wraps a text in n JSON strings.
func layers(text string, n int) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`)
	for range n {
		text = `"` + escape.Replace(text) + `"`
	}
	return text
}
