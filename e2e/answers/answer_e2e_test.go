//go:build e2e

package answers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// answer is a file of testdata/answers.
type answer struct {
	Case    string `json:"case"`
	Class   string `json:"class"`   // what the refusal speaks of
	Verdict string `json:"verdict"` // what becomes of the documents that it refuses
	// Cut says what is shorter than it was.
	Cut  string `json:"cut,omitempty"`
	Path string `json:"path,omitempty"` // default /_bulk
	// Request has the bulk body's lines; a string where one is no JSON.
	Request []json.RawMessage `json:"request"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"` // without a Content-Type of JSON
	// Answer is the body as it came; a string if that was no JSON.
	Answer json.RawMessage `json:"answer"`
}

// longest is how many times a character stands in a row in a file.
const longest = 40

// cut shortens the long values. What a server says of their length stays.
func (a *answer) cut() {
	cut := false
	short := func(s []byte) []byte {
		var out []byte
		for i := 0; i < len(s); {
			n := 1
			for i+n < len(s) && s[i+n] == s[i] {
				n++
			}
			out = append(out, s[i:i+min(n, longest)]...)
			cut = cut || n > longest
			i += n
		}
		return out
	}
	for i, line := range a.Request {
		a.Request[i] = short(line)
	}
	a.Answer = short(a.Answer)
	if len(a.Answer) > 0 && !json.Valid(a.Answer) {
		panic("cutting broke the answer of " + a.Case)
	}
	if cut {
		a.Cut = fmt.Sprintf("of a character that stood more than %d times in a row, %d are left", longest, longest)
	}
}

// write makes the file, a line a field, so that a change shows as one.
func (a *answer) write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return err
	}
	var out bytes.Buffer
	out.WriteByte('{')
	add := func(name string, value any) error {
		text := new(bytes.Buffer)
		enc := json.NewEncoder(text)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(value); err != nil {
			return err
		}
		if out.Len() > 1 {
			out.WriteByte(',')
		}
		fmt.Fprintf(&out, "\n%q: %s", name, bytes.TrimSpace(text.Bytes()))
		return nil
	}
	// Encoding raw messages would change their escapes.
	request := bytes.Join(a.lines(), []byte(",\n  "))
	fields := []struct {
		name  string
		value any
	}{
		{"case", a.Case},
		{"class", a.Class},
		{"verdict", a.Verdict},
		{"cut", a.Cut},
		{"path", a.Path},
		{"status", a.Status},
		{"headers", a.Headers},
	}
	for _, f := range fields {
		if f.value == "" {
			continue
		}
		if err := add(f.name, f.value); err != nil {
			return err
		}
	}
	fmt.Fprintf(&out, ",\n\"request\": [\n  %s],\n\"answer\": %s\n}\n", request, a.Answer)
	return os.WriteFile(path, out.Bytes(), 0o600)
}

func (a *answer) lines() [][]byte {
	lines := make([][]byte, len(a.Request))
	for i, line := range a.Request {
		lines[i] = line
	}
	return lines
}

// rawLine returns a line as it stands in a file.
func rawLine(line string) json.RawMessage {
	if json.Valid([]byte(line)) {
		return json.RawMessage(line)
	}
	text, err := json.Marshal(line)
	if err != nil {
		panic(err) // a string can be encoded
	}
	return text
}

func readAnswer(path string) (*answer, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	a := new(answer)
	return a, json.Unmarshal(raw, a)
}

// failure is why a server refuses, with what caused it.
type failure struct {
	Type   string   `json:"type"`
	Reason string   `json:"reason"`
	Cause  *failure `json:"caused_by"`
}

type item struct {
	Status int      `json:"status"`
	Error  *failure `json:"error"`
}

// items are the answers to the documents; none if the request was refused.
func (a *answer) items() (items []item) {
	var body struct {
		Items []map[string]item `json:"items"`
	}
	if a.Status != http.StatusOK || json.Unmarshal(a.Answer, &body) != nil {
		return nil
	}
	for _, ops := range body.Items {
		for _, i := range ops {
			items = append(items, i)
		}
	}
	return items
}

// shape is what an answer has in common with one to the same request at
// another time: no ids and times that the server makes, and no order among
// what it keeps in a set.
func (a *answer) shape() string {
	var out strings.Builder
	fmt.Fprintf(&out, "HTTP %d %v\n", a.Status, a.Headers)
	items := a.items()
	if items == nil {
		var body struct {
			Error *failure `json:"error"`
		}
		if json.Unmarshal(a.Answer, &body) != nil {
			fmt.Fprintf(&out, "%s", a.Answer)
		}
		items = append(items, item{a.Status, body.Error})
	}
	for _, i := range items {
		fmt.Fprintf(&out, "%d\n", i.Status)
		for f := i.Error; f != nil; f = f.Cause {
			fmt.Fprintf(&out, "  %s: %s\n", f.Type, words(f.Reason))
		}
	}
	return out.String()
}

var (
	// A queue's refusal describes the server's inner objects.
	rejected  = regexp.MustCompile(`(?s)(rejected execution) of .*`)
	generated = regexp.MustCompile(`@[0-9a-f]+|'[A-Za-z0-9_-]{20}'|\[[A-Za-z0-9_-]{20,}\]`)
	word      = regexp.MustCompile(`[A-Za-z_]{2,}`)
)

func words(reason string) string {
	reason = generated.ReplaceAllString(rejected.ReplaceAllString(reason, "$1"), "")
	all := word.FindAllString(reason, -1)
	slices.Sort(all)
	return strings.Join(all, " ")
}
