package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// requireNarrow checks that no line is wider than a terminal.
func requireNarrow(t require.TestingT, text string) {
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, width(strings.TrimSuffix(line, "\n")), columns, line)
	}
}

// Help fits into a terminal, options with long names and texts included.
func TestHelpIsNarrow(t *testing.T) {
	for _, command := range []string{"redrive", "verify"} {
		out, _, code := runTool(t, nil, command, "--help")
		require.Equal(t, exitOK, code)
		require.Contains(t, out, "Usage:\n  etlctl "+command)
		require.Contains(t, out, "--env-file FILE")
		requireNarrow(t, out)
	}
}

func TestWrapped(t *testing.T) {
	for name, x := range map[string]struct {
		parts []string
		want  string
	}{
		"none":     {nil, ""},
		"one line": {[]string{"a", "b"}, "a  b"},
		"full": {
			[]string{strings.Repeat("a", 38), strings.Repeat("b", 40), "c"},
			strings.Repeat("a", 38) + "  " + strings.Repeat("b", 40) + "\n> c",
		},
		"a wide one": {
			[]string{"a", strings.Repeat("b", 50) + strings.Repeat("c", 50)},
			"a\n> " + strings.Repeat("b", 38) + "…" + strings.Repeat("c", 39),
		},
	} {
		assert.Equal(t, x.want, wrapped(x.parts, "  ", "> "), name)
	}
	assert.Equal(t, "all in one line", paragraph(" all  in one\nline ", "  "))
}

// Whatever is wrapped is narrow, and nothing of what fits is lost.
func TestWrappedIsNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.StringMatching(`[a-zé…]{1,120}`)).Draw(t, "parts")
		text := wrapped(parts, "  ", "    ")
		requireNarrow(t, text)
		for _, p := range parts {
			if width(p) <= columns-4 {
				require.Contains(t, text, p)
			}
		}
	})
}
