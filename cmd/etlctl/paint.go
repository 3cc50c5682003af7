package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// paint colours text for a terminal. The zero value leaves it as it is.
type paint bool

// newPaint paints if w is a terminal and the user has nothing against it
// (no-color.org).
func newPaint(sys *system, w io.Writer) paint {
	f, ok := w.(interface{ Fd() uintptr })
	return paint(ok && term.IsTerminal(int(f.Fd())) && wantsColour(sys.environ))
}

func wantsColour(environ []string) bool {
	return !slices.Contains(environ, "TERM=dumb") && !slices.ContainsFunc(environ, func(pair string) bool {
		value, ok := strings.CutPrefix(pair, "NO_COLOR=")
		return ok && value != ""
	})
}

func (p paint) with(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p paint) bold(s string) string   { return p.with("1", s) }
func (p paint) dim(s string) string    { return p.with("2", s) }
func (p paint) red(s string) string    { return p.with("31", s) }
func (p paint) green(s string) string  { return p.with("32", s) }
func (p paint) yellow(s string) string { return p.with("33", s) }
func (p paint) cyan(s string) string   { return p.with("36", s) }

// document returns a JSON text over several lines, each after indent. Nothing
// is changed but white space: numbers and escapes stay as they are written.
func (p paint) document(text []byte, indent string) string {
	var spread bytes.Buffer
	if err := json.Indent(&spread, text, indent, "  "); err != nil {
		return string(text) // it is not JSON, which cannot be
	}
	const most = 20_000
	whole := spread.Len()
	if whole > most {
		spread.Truncate(most)
	}
	out := p.tokens(harmless(spread.String()))
	if whole > most {
		out += fmt.Sprintf("… (%s bytes; --json has the whole)", thousands(len(text)))
	}
	return out
}

// tokens colours the names and strings of a spread JSON text.
func (p paint) tokens(text string) string {
	if !p {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		if text[i] != '"' {
			next := strings.IndexByte(text[i:], '"')
			if next < 0 {
				next = len(text) - i
			}
			b.WriteString(text[i : i+next])
			i += next
			continue
		}
		end := i + 1
		for end < len(text) && text[end] != '"' {
			if text[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end+1, len(text))
		if strings.HasPrefix(text[end:], ":") {
			b.WriteString(p.cyan(text[i:end]))
		} else {
			b.WriteString(p.green(text[i:end]))
		}
		i = end
	}
	return b.String()
}

// harmless replaces what could move the cursor or turn the text around, so that
// a record cannot draw on the operator's terminal. In JSON the replacement means
// the same.
func harmless(s string) string {
	odd := func(c rune) bool {
		return c != '\n' && (unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c))
	}
	if !strings.ContainsFunc(s, odd) && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, c := range s {
		if odd(c) {
			fmt.Fprintf(&b, `\u%04x`, c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// oneLine is harmless for a text that is to stay on one line.
func oneLine(s string) string { return harmless(strings.ReplaceAll(s, "\n", `\n`)) }
