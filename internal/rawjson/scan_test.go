package rawjson

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/jsoncases"
)

func TestScannerAcceptsExactlyJSON(t *testing.T) {
	var s Scanner
	for _, c := range jsoncases.All() {
		assert.Equal(t, c.Valid, s.Valid([]byte(c.Text)), "%s: %q", c.Name, c.Text)
		checkScanner(t, c.Text)
	}
}

// depthOf returns how deeply the arrays and objects of JSON text are nested.
func depthOf(text string) (deepest int) {
	depth, inString := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

// checkScanner holds the scanner against encoding/json. The text must be valid
// UTF-8, as the scanner demands.
func checkScanner(t require.TestingT, text string) {
	data := []byte(text)
	valid := json.Valid(data) && depthOf(text) <= MaxDepth
	var s Scanner
	require.Equal(t, valid, s.Valid(data), "Valid %q", text)

	members, ok := s.Object(data, nil)
	first := strings.TrimLeft(text, " \t\r\n")
	require.Equal(t, valid && first[0] == '{', ok, "Object %q", text)
	if ok {
		checkMembers(t, text, members)
	}

	var elements []json.RawMessage
	ok = s.Array(data, func(e []byte) bool {
		elements = append(elements, bytes.Clone(e))
		return true
	})
	require.Equal(t, valid && first[0] == '[', ok, "Array %q", text)
	if ok {
		want := []json.RawMessage{}
		require.NoError(t, json.Unmarshal(data, &want))
		require.Equal(t, want, append([]json.RawMessage{}, elements...), "%q", text)
	}

	// What stands before a value and behind it is not Prefix's.
	if end := s.Prefix([]byte("x"+first), 1); valid {
		require.Equal(t, len(strings.TrimRight(first, " \t\r\n")), end-1, "Prefix %q", text)
	} else if end > 0 {
		require.True(t, json.Valid([]byte(first[:end-1])), "Prefix %q", text)
	}
}

// checkMembers holds the members of an object against what a decoder of
// encoding/json reads.
func checkMembers(t require.TestingT, text string, members []Member) {
	dec := json.NewDecoder(strings.NewReader(text))
	_, err := dec.Token()
	require.NoError(t, err)
	for i, m := range members {
		require.True(t, dec.More(), "member %d of %q is made up", i, text)
		from := dec.InputOffset()
		name, err := dec.Token()
		require.NoError(t, err)
		key := strings.TrimLeft(text[from:dec.InputOffset()], ", \t\r\n")
		require.Equal(t, key, `"`+string(m.Key)+`"`, "%q", text)
		require.Equal(t, strings.Contains(key, `\`), m.KeyEscaped, "%q", text)
		plain, _ := AppendUnescaped(nil, m.Key)
		require.Equal(t, name, string(plain), "%q", text)
		var value json.RawMessage
		require.NoError(t, dec.Decode(&value))
		require.Equal(t, string(value), string(m.Value), "%q", text)
		require.Equal(t, bytes.ContainsAny(value, "\r\n"), m.Broken, "%q", text)
	}
	require.False(t, dec.More(), "members are missing of %q", text)
}

func FuzzScanner(f *testing.F) {
	for i, c := range jsoncases.All() {
		if i%10 == 0 && len(c.Text) < 200 {
			f.Add(c.Text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) {
			checkScanner(t, text)
		}
	})
}

func TestScannerDepth(t *testing.T) {
	for _, c := range []struct {
		name, before, inner, after string
		levels                     int // of the inner text
	}{
		{"arrays", "[", "", "]", 0},
		{"objects", `{"a":`, "1", "}", 0},
		{"objects around arrays", `{"a":`, "[[]]", "}", 2},
		{"arrays around objects", `[`, `{"a":{}}`, "]", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, levels := range []int{MaxDepth, MaxDepth + 1} {
				n := levels - c.levels
				text := []byte(strings.Repeat(c.before, n) + c.inner + strings.Repeat(c.after, n))
				var s Scanner
				require.Equal(t, levels == MaxDepth, s.Valid(text))
				_, isObject := s.Object(text, nil)
				isArray := s.Array(text, func([]byte) bool { return true })
				require.Equal(t, levels == MaxDepth, isObject || isArray)
				require.Equal(t, levels == MaxDepth, s.Prefix(text, 0) == len(text))
			}
		})
	}
	var s Scanner
	require.False(t, s.Valid(bytes.Repeat([]byte{'['}, 1_000_000)), "no input can exhaust the stack")
}

func TestScannerKeepsEarlierMembers(t *testing.T) {
	var s Scanner
	members, ok := s.Object([]byte(`{"a":1}`), nil)
	require.True(t, ok)
	members, ok = s.Object([]byte(` {"b":2,"c":3} `), members)
	require.True(t, ok)
	require.Len(t, members, 3)
	require.Equal(t, "a", string(members[0].Key))
	require.Equal(t, "3", string(members[2].Value))
}

// A list that is long enough is not made longer: what is behind is checked all
// the same, and counted.
func TestScannerListsNoMoreThanMost(t *testing.T) {
	const text = `{"a":1,"b":{"x":1,"y":2},"c":3,"a":4}`
	var all Scanner
	want, ok := all.Object([]byte(text), nil)
	require.True(t, ok)
	require.Equal(t, 4, all.Members)
	for most := range 6 {
		for before := range 3 {
			s := Scanner{Most: most}
			members, ok := s.Object([]byte(text), make([]Member, before))
			require.True(t, ok)
			require.Equal(t, 4, s.Members)
			kept := 4
			if most > 0 {
				kept = min(max(most-before, 0), 4)
			}
			require.Equal(t, want[:kept:kept], members[before:len(members):len(members)])
			_, ok = s.Object([]byte(text[:len(text)-1]+`,"d":}`), nil)
			require.False(t, ok)
			_, ok = s.Object([]byte(`{}`), nil)
			require.True(t, ok)
			require.Zero(t, s.Members)
		}
	}
}

func TestArrayStopsWhenTold(t *testing.T) {
	var s Scanner
	var seen []string
	ok := s.Array([]byte(`[1, "two" ,[3],4`), func(e []byte) bool {
		seen = append(seen, string(e))
		return len(seen) < 3
	})
	require.True(t, ok)
	require.Equal(t, []string{"1", `"two"`, "[3]"}, seen)

	seen = nil
	ok = s.Array([]byte(`[1,2,x]`), func(e []byte) bool {
		seen = append(seen, string(e))
		return true
	})
	require.False(t, ok)
	require.Equal(t, []string{"1", "2"}, seen)
}
