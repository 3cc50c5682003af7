package main

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

var colours = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func TestPaint(t *testing.T) {
	const text = `{"a\"b":1.10,"c":["x\\",{"d":"e:"}],"f":{}}`
	plain := paint(false).document([]byte(text), "  ")
	assert.Equal(t, "{\n    \"a\\\"b\": 1.10,\n    \"c\": [\n      \"x\\\\\",\n      {\n        \"d\": \"e:\"\n      }\n    ],\n    \"f\": {}\n  }", plain)
	painted := paint(true).document([]byte(text), "  ")
	assert.Equal(t, plain, colours.ReplaceAllString(painted, ""))
	assert.Contains(t, painted, "\x1b[36m\"a\\\"b\"\x1b[0m: 1.10")
	assert.Contains(t, painted, "\x1b[32m\"x\\\\\"\x1b[0m")
	assert.Contains(t, painted, "\x1b[36m\"d\"\x1b[0m: \x1b[32m\"e:\"\x1b[0m")
	assert.Equal(t, "x", paint(false).red("x"))
}

func TestPaintLongDocuments(t *testing.T) {
	long := `{"a":"` + strings.Repeat("界", 10_000) + `"}`
	got := paint(true).document([]byte(long), "")
	assert.Less(t, len(got), 21_000)
	assert.True(t, strings.HasSuffix(got, "… (30,008 bytes; --json has the whole)"))
	assert.Equal(t, strings.ToValidUTF8(got, ""), got)
}

// TestPaintHarmless: a record must not be able to draw on the terminal, and the
// document that is shown must mean the same all the same.
func TestPaintHarmless(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringOf(rapid.RuneFrom([]rune{'a', '"', '\\', '\n', 0x1b, 0x7f, 0x9b, 0x85, 0x202e, 0x2066, '界', 0x1F600})).Draw(t, "value")
		text, err := json.Marshal(map[string]string{"v": value})
		require.NoError(t, err)
		shown := paint(false).document(text, "")
		for _, c := range shown {
			if c != '\n' {
				require.False(t, unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c), "%q", shown)
			}
		}
		var back map[string]string
		require.NoError(t, json.Unmarshal([]byte(shown), &back))
		require.Equal(t, value, back["v"])
	})
	assert.Equal(t, `a\nb\u001b[31m`, oneLine("a\nb\x1b[31m"))
}

func TestWantsColour(t *testing.T) {
	assert.True(t, wantsColour([]string{"TERM=xterm", "NO_COLOR="}))
	assert.False(t, wantsColour([]string{"NO_COLOR=1"}))
	assert.False(t, wantsColour([]string{"TERM=dumb"}))
}
