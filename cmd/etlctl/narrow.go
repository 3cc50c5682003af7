package main

import (
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// columns is how wide what is printed for people may be: that of a terminal.
const columns = 80

// narrow wraps a command's help.
func narrow(cmd *cobra.Command) *cobra.Command {
	cmd.SetUsageTemplate(strings.ReplaceAll(cmd.UsageTemplate(), ".FlagUsages ", ".FlagUsagesWrapped 80 "))
	return cmd
}

// width is how many columns a text takes.
func width(s string) int { return utf8.RuneCountInString(s) }

// wrapped joins words, or other parts that belong together, with a separator and
// breaks lines where they would become too wide. All but the first begin with
// indent. A part that is too wide for a line stands on one of its own, and is
// cut in the middle.
func wrapped(parts []string, separator, indent string) string {
	var b strings.Builder
	line := 0
	for i, p := range parts {
		most := columns
		if i > 0 {
			most -= width(indent)
		}
		p = clipped(p, most)
		switch {
		case i == 0:
		case line+width(separator)+width(p) <= columns:
			b.WriteString(separator)
			line += width(separator)
		default:
			b.WriteString("\n" + indent)
			line = width(indent)
		}
		b.WriteString(p)
		line += width(p)
	}
	return b.String()
}

// paragraph wraps a text.
func paragraph(text, indent string) string { return wrapped(strings.Fields(text), " ", indent) }

// clipped cuts a text that is wider than most columns in the middle, as the ends
// of names tell them apart.
func clipped(s string, most int) string {
	if width(s) <= most {
		return s
	}
	runes := []rune(s)
	head := (most - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(most-1-head):])
}
