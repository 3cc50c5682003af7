package envfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// files are files of variables and what they hold, for the table and as seeds
// of the fuzz target.
var files = []struct {
	name, text string
	want       []Variable
	line       int // of the error, 0: none
	err        error
}{
	{name: "empty"},
	{name: "comments and blank lines", text: "# A=1\n\n  \t\n  # B=2\r\n"},
	{name: "pairs", text: "A=1\nB = 2 \n", want: []Variable{{"A", "1", 1}, {"B", "2", 2}}},
	{name: "no line end", text: "A=1", want: []Variable{{"A", "1", 1}}},
	{name: "line ends of Windows", text: "A=1\r\nB='2'\r\nC=\"3\r\n4\"\r\n", want: []Variable{{"A", "1", 1}, {"B", "2", 2}, {"C", "3\n4", 3}}},
	{name: "byte order mark", text: "\ufeffA=1", want: []Variable{{"A", "1", 1}}},
	{name: "export", text: "export A=1\nexport\tB=2\nexported=3\nexport=4", want: []Variable{{"A", "1", 1}, {"B", "2", 2}, {"exported", "3", 3}, {"export", "4", 4}}},
	{name: "empty values", text: "A=\nB=''\nC=\"\"", want: []Variable{{"A", "", 1}, {"B", "", 2}, {"C", "", 3}}},
	{name: "signs that mean nothing", text: "A=inst#user $B `x` a=b \"c\" it's \\n", want: []Variable{{"A", "inst#user $B `x` a=b \"c\" it's \\n", 1}}},
	{name: "single quotes", text: `A=' b\n"c" $D # '`, want: []Variable{{"A", ` b\n"c" $D # `, 1}}},
	{name: "double quotes", text: `A=" \"b\" \\ \$C \n \t 'd' # "`, want: []Variable{{"A", " \"b\" \\ $C \n \\t 'd' # ", 1}}},
	{name: "comment behind quotes", text: "A='1' # one\nB=\"2\"# two", want: []Variable{{"A", "1", 1}, {"B", "2", 2}}},
	{name: "several lines", text: "A=\"-----BEGIN\n# in it\n-----END\"\nB=2", want: []Variable{{"A", "-----BEGIN\n# in it\n-----END", 1}, {"B", "2", 4}}},
	{name: "the same twice", text: "A=1\nA=2", want: []Variable{{"A", "1", 1}, {"A", "2", 2}}},

	{name: "no pair", text: "A=1\n\nsecret", line: 3, err: errNoPair},
	{name: "no name", text: "=secret", line: 1, err: errNoPair},
	{name: "blank in a name", text: "A B=secret", line: 1, err: errNoPair},
	{name: "quotes around all", text: `"A=secret"`, line: 1, err: errNoPair},
	{name: "open double quote", text: "A=1\nB=\"secret\nC=3\n", line: 2, err: errOpenQuote},
	{name: "open single quote", text: `A='secret\'`, want: []Variable{{"A", `secret\`, 1}}},
	{name: "escaped to the end", text: `A="secret\"`, line: 1, err: errOpenQuote},
	{name: "behind quotes", text: "A=1\nB='it's'", line: 2, err: errAfterQuote},
	{name: "behind quotes of several lines", text: "A='1\n2' secret", line: 1, err: errAfterQuote},
	{name: "byte 0", text: "A=1\nB=\x00", line: 2, err: errNUL},
}

func TestParse(t *testing.T) {
	for _, tt := range files {
		t.Run(tt.name, func(t *testing.T) {
			got, line, err := parse(tt.text)
			require.ErrorIs(t, err, tt.err)
			assert.Equal(t, tt.line, line)
			assert.Equal(t, tt.want, got)
			if err != nil {
				assert.NotContains(t, err.Error(), "secret")
			}
		})
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.env")
	require.NoError(t, os.WriteFile(path, []byte("A=1\nsecret"), 0o600))
	_, err := Read(path)
	require.EqualError(t, err, path+":2: not of the form NAME=VALUE")
	require.NoError(t, os.WriteFile(path, []byte(strings.Repeat("#", maxFile+1)), 0o600))
	_, err = Read(path)
	require.EqualError(t, err, path+": more than 1 MB")
	_, err = Read(filepath.Join(dir, "none"))
	require.ErrorContains(t, err, "no such file")
}

// inDoubleQuotes writes a value as it is read.
func inDoubleQuotes(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "\n", `\n`).Replace(value) + `"`
}

// What is written in quotes is read as it was.
func TestRoundTrip(t *testing.T) {
	value := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune("\\\"'$n \t\r\n#=a"))))
	rapid.Check(t, func(t *rapid.T) {
		var b strings.Builder
		var want []Variable
		line := 1
		for range rapid.IntRange(0, 5).Draw(t, "variables") {
			v := Variable{rapid.StringMatching(`[A-Za-z_][A-Za-z0-9_]{0,9}`).Draw(t, "name"), value.Draw(t, "value"), line}
			v.Value = strings.ReplaceAll(v.Value, "\x00", "")
			text := inDoubleQuotes(v.Value)
			if !strings.ContainsAny(v.Value, "'\r") && rapid.Bool().Draw(t, "single") {
				text = "'" + v.Value + "'"
			}
			want = append(want, v)
			b.WriteString(v.Name + "=" + text + "\n")
			line += strings.Count(text, "\n") + 1
		}
		got, _, err := parse(b.String())
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
}

// Whatever a file holds, it is read or refused at one of its lines, and what was
// read can be written and read again.
func FuzzParse(f *testing.F) {
	for _, tt := range files {
		f.Add(tt.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		vars, line, err := parse(text)
		if err != nil {
			require.Empty(t, vars)
			require.Positive(t, line)
			require.LessOrEqual(t, line, strings.Count(text, "\n")+1)
			return
		}
		require.Zero(t, line)
		var b strings.Builder
		for _, v := range vars {
			require.NotEmpty(t, v.Name)
			require.NotContains(t, v.Value, "\x00")
			b.WriteString(v.Name + "=" + inDoubleQuotes(v.Value) + "\n")
		}
		again, _, err := parse(b.String())
		require.NoError(t, err)
		require.Len(t, again, len(vars))
		for i := range vars {
			require.Equal(t, vars[i].Name, again[i].Name)
			require.Equal(t, vars[i].Value, again[i].Value)
		}
	})
}
