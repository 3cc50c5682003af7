package transform

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// The reference for text is a reader who wants the secrets: it undoes escapes by
// regular expressions, one writer at a time and in any order, and then looks for
// the plainest forms of a name and a value. In what the masking leaves it must
// find nothing.

// refUndo are the escapes of the writers that the reader knows.
var refUndo = []func(string) string{
	refUndoing(regexp.MustCompile(`\\u00([0-7][0-9a-fA-F])|\\x([0-7][0-9a-fA-F])|\\([\\"'/])`), func(m []string) string {
		if m[3] != "" {
			return m[3]
		}
		return refCode(m[1]+m[2], 16)
	}),
	refUndoing(regexp.MustCompile(`%([0-7][0-9a-fA-F])`), func(m []string) string { return refCode(m[1], 16) }),
	refUndoing(regexp.MustCompile(`&(quot|amp|apos|lt|gt);|&#(\d{2,3});`), func(m []string) string {
		if m[2] != "" {
			return refCode(m[2], 10)
		}
		return map[string]string{"quot": `"`, "amp": "&", "apos": "'", "lt": "<", "gt": ">"}[m[1]]
	}),
	refUndoing(regexp.MustCompile("\x1b\\[[0-9;]*m"), func([]string) string { return "" }),
}

func refUndoing(what *regexp.Regexp, by func(m []string) string) func(string) string {
	return func(s string) string {
		return what.ReplaceAllStringFunc(s, func(e string) string { return by(what.FindStringSubmatch(e)) })
	}
}

func refCode(digits string, base int) string {
	n := refMust(strconv.ParseUint(digits, base, 8))
	return string(rune(n))
}

// refLeaks returns the values that the reader finds behind one of the words.
func refLeaks(text string, words ...string) (found []string) {
	const mostWriters = 3
	seen := map[string]bool{text: true}
	all := []string{text}
	for from, depth := 0, 0; depth < mostWriters; depth++ {
		to := len(all)
		for ; from < to; from++ {
			for _, undo := range refUndo {
				if s := undo(all[from]); !seen[s] {
					seen[s] = true
					all = append(all, s)
				}
			}
		}
	}
	name := regexp.MustCompile(`(?i)(?:^|[ \t\n,;&{(?])["']?(?:` + strings.Join(words, "|") + `)["']?[ \t]*[:=][ \t]*(?:"([^"\\\n]{3,})"|'([^'\\\n]{3,})'|([A-Za-z0-9]{3,}))`)
	for _, s := range all {
		if !utf8.ValidString(s) {
			continue
		}
		for _, m := range name.FindAllStringSubmatch(s, -1) {
			value := m[1] + m[2] + m[3]
			isName := slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, value) })
			if !isName && !strings.Contains(value, masked) {
				found = append(found, value)
			}
		}
	}
	return found
}

// The reader finds what is there to be found.
func TestTheReaderFindsSecrets(t *testing.T) {
	for text, want := range map[string]string{
		`a password=hunter b`:                        "hunter",
		`{\"password\":\"hunter two\"}`:              "hunter two",
		`{\x22password\x22:\x22hunter two\x22}`:      "hunter two",
		`%7B%22password%22%3A%22hunter%22%7D`:        "hunter",
		`{&quot;password&quot;: &#39;hunter&#39;}`:   "hunter",
		"\x1b[36mPassword\x1b[0m=\x1b[31mhunter":     "hunter",
		`{\\\x22password\\\x22:\\\x22hunter\\\x22}`:  "hunter",
		`/?a=1%26password%3Dhunter%26b&x={"user":1}`: "hunter",
	} {
		require.Contains(t, refLeaks(text, "password"), want, text)
	}
	for _, c := range shapes() {
		require.Empty(t, refLeaks(c.want, "password", "token", "authorization", "cookie", "密码"), c.text)
	}
}
