package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"ckafka-etl/internal/verify"
)

// printVerify prints what came of a comparison.
func printVerify(w io.Writer, paint paint, cfg *verify.Config, r *verify.Report, flags *verifyFlags) error {
	if flags.json {
		return json.NewEncoder(w).Encode(struct {
			Source string `json:"source_topic"`
			Target string `json:"target_topic"`
			Same   bool   `json:"same"`
			*verify.Report
		}{cfg.Source.Name, cfg.Target.Name, r.Same(flags.allowTwice), r})
	}
	var b strings.Builder
	tab := tabwriter.NewWriter(&b, 0, 8, 2, ' ', tabwriter.AlignRight)
	cells := func(c *verify.Counts, first string) {
		for i, n := range []int64{c.Source, c.Target, c.Equal, c.Missing, c.Extra, c.Twice, c.Changed, c.Misplaced, c.OutOfOrder, c.Gone} {
			if i == 0 {
				printf(tab, "%s\t", first)
			}
			printf(tab, "%s\t", thousands(n))
		}
		printf(tab, "\n")
	}
	printf(tab, "partition\tsource\ttarget\tequal\tmissing\textra\ttwice\tchanged\tmisplaced\tout of order\tgone\t\n")
	for i := range r.Partitions {
		cells(&r.Partitions[i].Counts, strconv.Itoa(int(r.Partitions[i].Partition)))
	}
	cells(&r.Total, "all")
	_ = tab.Flush()
	for _, line := range verifyNotes(r) {
		b.WriteString(line + "\n")
	}
	if len(r.Findings) > 0 {
		b.WriteByte('\n')
	}
	for _, f := range r.Findings {
		b.WriteString(findingText(paint, &f) + "\n")
	}
	if r.Same(flags.allowTwice) {
		verdict := fmt.Sprintf("%s is a copy of %s.", cfg.Target.Name, cfg.Source.Name)
		if r.Total.Twice > 0 {
			verdict = fmt.Sprintf("%s is a copy of %s, with %s there twice.", cfg.Target.Name, cfg.Source.Name, number(int(r.Total.Twice), "record"))
		}
		b.WriteString("\n" + paint.green(verdict) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// verifyNotes says what the numbers do not.
func verifyNotes(r *verify.Report) []string {
	var notes []string
	say := func(n int64, format string) {
		if n > 0 {
			notes = append(notes, fmt.Sprintf(format, thousands(n)))
		}
	}
	for _, p := range r.Partitions {
		say(p.From, fmt.Sprintf("source partition %d is compared from offset %%s on", p.Partition))
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

func findingText(paint paint, f *verify.Finding) string {
	parts := []string{paint.red(fmt.Sprintf("%-12s", f.Kind))}
	for _, side := range []struct {
		name  string
		place *verify.Place
	}{{"source", f.Source}, {"target", f.Target}} {
		if side.place != nil {
			parts = append(parts, side.name+" "+placeText(side.place))
		}
	}
	text := strings.Join(parts, "  ")
	if f.What != "" {
		text += "  " + f.What + " differs"
	}
	if f.After != nil {
		text += fmt.Sprintf("  behind source offset %d", *f.After)
	}
	return text
}

func placeText(p *verify.Place) string {
	text := fmt.Sprintf("%d/%d", p.Partition, p.Offset)
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
