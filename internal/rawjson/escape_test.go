package rawjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestAppendUnescaped(t *testing.T) {
	for _, c := range []struct {
		name, content, want string
		lossy               int
	}{
		{"nothing", "", "", 0},
		{"plain", "abc 中", "abc 中", 0},
		{"short escapes", `\"\\\/\b\f\n\r\t`, "\"\\/\b\f\n\r\t", 0},
		{"unicode", `\u0041\u00e9\u4E2D\u0000\uffff`, "Aé中\x00\uffff", 0},
		{"pair", `\ud83c\udf89\uD83C\uDF89`, "🎉🎉", 0},
		{"U+FFFD itself", `\ufffd`, "\uFFFD", 0},
		{"high alone", `\ud800`, "\uFFFD", 1},
		{"low alone", `\udc00`, "\uFFFD", 1},
		{"high, text", `\ud800x`, "\uFFFDx", 1},
		{"high, other escape", `\ud800\n`, "\uFFFD\n", 1},
		{"high, other unicode", `\ud800\u0041`, "\uFFFDA", 1},
		{"high, high, low", `\ud800\ud83c\udf89`, "\uFFFD🎉", 1},
		{"low, high", `\udf89\ud83c`, "\uFFFD\uFFFD", 2},
		{"invalid UTF-8 stays", "a\xff\\n\xc0", "a\xff\n\xc0", 0},
		{"unknown escape stays", `a\xb\`, `a\xb\`, 0},
		{"broken unicode stays", `\u12\u12g4\u`, `\u12\u12g4\u`, 0},
		{"backslashes", `\\\\\\n`, `\\\n`, 0},
		{"far between", strings.Repeat("x", 40) + `\n` + strings.Repeat("y", 16) + `\n` + strings.Repeat("z", 17) + `\n`, strings.Repeat("x", 40) + "\n" + strings.Repeat("y", 16) + "\n" + strings.Repeat("z", 17) + "\n", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, lossy := AppendUnescaped([]byte("kept"), []byte(c.content))
			require.Equal(t, "kept"+c.want, string(got))
			require.Equal(t, c.lossy, lossy)
		})
	}
}

func TestAppendEscaped(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		replaced         int
	}{
		{"nothing", "", "", 0},
		{"plain", "abc 中🎉\x7f\u2028", "abc 中🎉\x7f\u2028", 0},
		{"quotes and backslashes", `a"b\c/`, `a\"b\\c/`, 0},
		{"controls", "\x00\b\t\n\v\f\r\x1f", `\u0000\b\t\n\u000b\f\r\u001f`, 0},
		{"invalid UTF-8", "a\xffb\xe4\xb8c\xed\xa0\x80", "a\uFFFDb\uFFFD\uFFFDc\uFFFD\uFFFD\uFFFD", 6},
		{"U+FFFD itself", "\uFFFD", "\uFFFD", 0},
		{"cut at the end", "a\xe4\xb8", "a\uFFFD\uFFFD", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, replaced := AppendEscaped([]byte("kept"), c.text)
			require.Equal(t, "kept"+c.want, string(got))
			require.Equal(t, c.replaced, replaced)
			got, replaced = AppendEscaped([]byte("kept"), []byte(c.text))
			require.Equal(t, "kept"+c.want, string(got))
			require.Equal(t, c.replaced, replaced)
		})
	}
}

func TestAppendValid(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		replaced         int
	}{
		{"nothing", "", "", 0},
		{"valid", "a中\uFFFD", "a中\uFFFD", 0},
		{"one", "\xff", "\uFFFD", 1},
		{"between", "a\xffb\xfe", "a\uFFFDb\uFFFD", 2},
		{"cut", "中\xe4\xb8", "中\uFFFD\uFFFD", 2},
		{"too long", "\xc0\x80\xe0\x80\x80", strings.Repeat("\uFFFD", 5), 5},
		{"surrogate", "\xed\xb0\x80", strings.Repeat("\uFFFD", 3), 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, replaced := AppendValid([]byte("kept"), []byte(c.text))
			require.Equal(t, "kept"+c.want, string(got))
			require.Equal(t, c.replaced, replaced)
		})
	}
}

func TestASCII(t *testing.T) {
	for n := range 40 {
		text := []byte(strings.Repeat("\x7f", n))
		require.True(t, ASCII(text))
		for i := range text {
			text[i] = 0x80
			require.False(t, ASCII(text), "%d of %d", i, n)
			text[i] = 0x7f
		}
	}
}

func TestStringEnd(t *testing.T) {
	for _, c := range []struct {
		name, data string
		want       int
	}{
		{"empty", `"`, 0},
		{"plain", `abc"def"`, 3},
		{"escaped quote", `a\"b"`, 4},
		{"escaped backslash", `a\\"`, 3},
		{"odd backslashes", `\\\""`, 4},
		{"what else is wrong does not matter", "a\n\x00\xff\\z\\u12\"", 10},
		{"far", strings.Repeat("x", 100) + `"`, 100},
		{"no end", `abc`, -1},
		{"nothing", ``, -1},
		{"backslash at the end", `abc\`, -1},
		{"only escaped quotes", strings.Repeat(`\"`, 9), -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, StringEnd([]byte(c.data), 0))
			at := StringEnd([]byte(`xx"`+c.data), 3)
			if c.want >= 0 {
				at -= 3
			}
			require.Equal(t, c.want, at)
		})
	}
}

// Whatever is escaped comes back, and any reader of JSON understands it.
func TestEscapingRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.String(),
			rapid.StringOf(rapid.SampledFrom([]rune{'"', '\\', '/', 'u', '0', 'd', '8', '\n', 0, 0x1f, 'n', '中', '🎉', 0xFFFD})),
		).Draw(t, "text")
		escaped, replaced := AppendEscaped(nil, text)
		require.Zero(t, replaced)
		plain, lossy := AppendUnescaped(nil, escaped)
		require.Zero(t, lossy)
		require.Equal(t, text, string(plain))
		var other string
		require.NoError(t, json.Unmarshal([]byte(`"`+string(escaped)+`"`), &other))
		require.Equal(t, text, other)
		require.Equal(t, len(escaped), StringEnd(append(escaped, '"'), 0))
	})
}

// Any string that encoding/json reads is read the same.
func FuzzUnescape(f *testing.F) {
	f.Add([]byte(`a\n\ud83c\udf89\ud800\u0041`))
	f.Fuzz(func(t *testing.T, content []byte) {
		var want string
		if json.Unmarshal([]byte(`"`+string(content)+`"`), &want) != nil {
			return
		}
		plain, lossy := AppendUnescaped(nil, content)
		valid, replaced := AppendValid(nil, plain)
		require.Equal(t, want, string(valid))
		require.Equal(t, utf8.Valid(plain), replaced == 0)
		require.Equal(t, strings.Count(want, "\uFFFD") >= lossy+replaced, true)
	})
}
