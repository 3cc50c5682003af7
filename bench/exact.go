package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"

	"ckafka-etl/bench/job"
)

// recorded is an application's log with numbers that no float64 holds.
const recorded = "../testdata/events/app-200.json"

// exact is how a candidate's documents compare with ours.
type exact struct {
	candidate
	input    string
	total    int
	meaning  int // equal as JSON: the same members with the same values
	verbatim int // equal byte for byte
}

// exactness compares what comes out of the candidates. Documents count as
// equal if their action lines are, too, except for the template, which names
// neither indices nor ids as we do and overwrites the time.
func (b *bench) exactness() ([]exact, error) {
	app, err := os.ReadFile(filepath.FromSlash(recorded))
	if err != nil {
		return nil, err
	}
	payloads := map[string][]byte{"recorded": app}
	names := []string{}
	for _, in := range inputs() {
		names = append(names, in.name)
		payloads[in.name] = payload(in.name, in.bodies(in.n/10))
	}
	var all []exact
	for _, name := range append(names, "recorded") {
		file, err := b.write("exact-"+name+".json", payloads[name])
		if err != nil {
			return nil, err
		}
		var ours []document
		for i, l := range b.lanes {
			body, err := l.one.body(file)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", l.name, name, err)
			}
			documents := split(body)
			if i == 0 {
				ours = documents
			}
			e := exact{candidate: l.candidate, input: name, total: len(ours)}
			if len(documents) != len(ours) {
				return nil, fmt.Errorf("%s, %s: %d documents instead of %d", l.name, name, len(documents), len(ours))
			}
			for k := range ours {
				same, verbatim := compare(documents[k], ours[k], l.isTemplate())
				e.meaning += same
				e.verbatim += verbatim
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// document is an action line and a source line.
type document struct{ action, source []byte }

func split(body []byte) []document {
	var documents []document
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	for i := 0; i+1 < len(lines); i += 2 {
		documents = append(documents, document{lines[i], lines[i+1]})
	}
	return documents
}

// compare returns 1 for yes.
func compare(d, want document, isTemplate bool) (meaning, verbatim int) {
	if !isTemplate {
		if !bytes.Equal(d.action, want.action) {
			return 0, 0
		}
		if bytes.Equal(d.source, want.source) {
			return 1, 1
		}
	}
	a, okA := decode(d.source)
	b, okB := decode(want.source)
	if !okA || !okB {
		return 0, 0
	}
	if isTemplate {
		for _, v := range []any{a, b} {
			if fields, ok := v.(map[string]any); ok {
				delete(fields, job.TimeField)
			}
		}
	}
	if equal(a, b) {
		return 1, 0
	}
	return 0, 0
}

// decode reads one JSON text, numbers as they are written.
func decode(text []byte) (any, bool) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	_, err := d.Token()
	return v, err == io.EOF
}

// equal compares values as JSON does: the order of members does not matter,
// nor how a number is written.
func equal(a, b any) bool {
	switch a := a.(type) {
	case map[string]any:
		b, ok := b.(map[string]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for name, value := range a {
			other, ok := b[name]
			if !ok || !equal(value, other) {
				return false
			}
		}
		return true
	case []any:
		b, ok := b.([]any)
		if !ok || len(a) != len(b) {
			return false
		}
		for i := range a {
			if !equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case json.Number:
		b, ok := b.(json.Number)
		return ok && equalNumbers(string(a), string(b))
	default:
		return a == b
	}
}

func equalNumbers(a, b string) bool {
	if a == b {
		return true
	}
	x, okX := new(big.Rat).SetString(a)
	y, okY := new(big.Rat).SetString(b)
	return okX && okY && x.Cmp(y) == 0
}
