package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"ckafka-etl/internal/verify"
)

// printVerify prints what came of a comparison.
func printVerify(w io.Writer, paint paint, cfg *verify.Config, r *verify.Report, flags *verifyFlags) error {
	if flags.json {
		return json.NewEncoder(w).Encode(struct {
			Source string `json:"source_topic"`
			Target string `json:"target_topic"`
			Same   bool   `json:"same"`
			Empty  bool   `json:"empty"`
			*verify.Report
		}{cfg.Source.Name, cfg.Target.Name, r.Same(flags.allowed), r.Empty(), r})
	}
	var sections []string
	for _, table := range verifyTables(r, flags.show) {
		sections = append(sections, table.text())
	}
	var notes strings.Builder
	for _, n := range verifyNotes(r, flags.show) {
		notes.WriteString(paragraph(n, "  ") + "\n")
	}
	sections = append(sections, notes.String(), findingLines(paint, r))
	if r.Same(flags.allowed) && !r.Empty() {
		twice := ""
		if r.Total.Twice > 0 {
			twice = ", with " + number(int(r.Total.Twice), "record") + " there twice"
		}
		sections = append(sections, paint.green(paragraph(cfg.Target.Name+" is a copy of "+cfg.Source.Name+twice+".", ""))+"\n")
	}
	sections = slices.DeleteFunc(sections, func(s string) bool { return s == "" })
	_, err := io.WriteString(w, strings.Join(sections, "\n"))
	return err
}

// verifyNotes says what the numbers do not.
func verifyNotes(r *verify.Report, most int) []string {
	var notes []string
	say := func(n int64, format string) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf(format, thousands(n)))
		}
	}
	later := 0
	for _, p := range r.Partitions {
		if p.From == 0 {
			continue
		}
		if later++; later <= most {
			notes = append(notes, fmt.Sprintf("source partition %d is compared from offset %d on", p.Partition, p.From))
		}
	}
	if later > most {
		notes = append(notes, fmt.Sprintf("and %s of the source from a later offset than 0 on", number(later-most, "more partition")))
	}
	say(r.TargetBegins, "the target does not begin at offset 0: %s offsets are not looked at, and what was there is missing")
	say(r.Unnamed, "%s of the target's records do not say where they come from; they are extra")
	say(r.OtherTopics, "%s of the target's records come from other topics")
	say(r.Outside, "%s of the target's records come from offsets that are not compared")
	if r.OrderSample > 1 {
		say(r.OrderSample, "order was compared for one record in %s")
	}
	if r.KeysOnly {
		notes = append(notes, "bodies were not compared")
	}
	return notes
}

// findingLines tells the findings, each with its coordinates, and how much of a
// kind is not among them.
func findingLines(paint paint, r *verify.Report) string {
	var lines strings.Builder
	listed := make(map[verify.Kind]int64)
	for i, f := range r.Findings {
		lines.WriteString(findingText(paint, &f) + "\n")
		listed[f.Kind] += f.Records
		if i+1 < len(r.Findings) && r.Findings[i+1].Kind == f.Kind {
			continue
		}
		if more := counted(&r.Total, f.Kind) - listed[f.Kind]; more > 0 {
			lines.WriteString(findingHead(paint, f.Kind) + "and " + thousands(more) + " more\n")
		}
	}
	return lines.String()
}

// counted is how many records of a kind there are.
func counted(c *verify.Counts, kind verify.Kind) int64 {
	return map[verify.Kind]int64{
		verify.Missing: c.Missing, verify.Extra: c.Extra, verify.Changed: c.Changed,
		verify.Twice: c.Twice, verify.Misplaced: c.Misplaced, verify.OutOfOrder: c.OutOfOrder,
	}[kind]
}

// findingIndent is how wide the names of kinds are, with what is behind them.
const findingIndent = 14

func findingHead(paint paint, kind verify.Kind) string {
	return paint.red(string(kind)) + strings.Repeat(" ", findingIndent-len(kind))
}

func findingText(paint paint, f *verify.Finding) string {
	// The head is painted after the line is wrapped: colours have no width.
	head := findingHead(false, f.Kind)
	var parts []string
	for _, side := range []struct {
		name  string
		place *verify.Place
	}{{"source", f.Source}, {"target", f.Target}} {
		if side.place != nil {
			parts = append(parts, side.name+" "+placeText(side.place))
		}
	}
	switch {
	case f.Alike:
		parts = append(parts, "("+thousands(f.Records)+" of the records with this key and body)")
	case f.Records > 1:
		parts = append(parts, "("+number(int(f.Records), "record")+")")
	}
	switch {
	case strings.Contains(f.What, " and "):
		parts = append(parts, f.What+" differ")
	case f.What != "":
		parts = append(parts, f.What+" differs")
	}
	if f.After != nil {
		parts = append(parts, fmt.Sprintf("behind source offset %d", *f.After))
	}
	parts[0] = head + parts[0]
	text := wrapped(parts, "  ", strings.Repeat(" ", findingIndent))
	return findingHead(paint, f.Kind) + strings.TrimPrefix(text, head)
}

func placeText(p *verify.Place) string {
	text := strconv.Itoa(int(p.Partition)) + "/" + strconv.FormatInt(p.Offset, 10)
	if p.Last != p.Offset {
		text += "–" + strconv.FormatInt(p.Last, 10)
	}
	if p.Key != nil && p.Body != nil {
		text += fmt.Sprintf(" (key %s, body %s)", sizeText(*p.Key), sizeText(*p.Body))
	}
	return text
}

func sizeText(n int) string {
	if n < 0 {
		return "null"
	}
	return thousands(n) + " B"
}
