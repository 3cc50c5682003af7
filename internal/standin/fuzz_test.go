package standin

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzBulk: no body brings the server down, and whatever is stored is JSON.
func FuzzBulk(f *testing.F) {
	for _, c := range realCases() {
		for _, step := range c.steps {
			if step.method == "POST" && strings.HasSuffix(step.path, "_bulk") && len(step.body) < 4000 {
				f.Add([]byte(strings.ReplaceAll(step.body, typeMark, "")), uint8(0), "errors,items.*.error")
				f.Add([]byte(strings.ReplaceAll(step.body, typeMark, `,"_type":"_doc"`)), uint8(1), "-**.reason")
			}
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, version uint8, filter string) {
		s := New(WithVersion(Version(version % 5)))
		for range 2 { // the second time fields and documents are known
			w := do(s, "POST", "/_bulk", string(body))
			if w.Body.Len() > 0 && !json.Valid(w.Body.Bytes()) {
				t.Fatalf("the answer is no JSON: %s", w.Body)
			}
			if w.Code == 200 {
				if kept := parseFilterPath(filter).apply(w.Body.Bytes()); !json.Valid(kept) {
					t.Fatalf("filtered by %q the answer is no JSON: %s", filter, kept)
				}
			}
		}
		for _, d := range s.All() {
			if !json.Valid(d.Source) || !utf8.Valid(d.Source) {
				t.Fatalf("stored, but no JSON: %q", d.Source)
			}
			if d.ID == "" || len(d.ID) > 512 || checkIndexName(s.version, d.Index) != nil {
				t.Fatalf("stored under an impossible name: %q %q", d.Index, d.ID)
			}
		}
		if got := do(s, "GET", "/_mapping", ""); !json.Valid(got.Body.Bytes()) {
			t.Fatalf("the mapping is no JSON: %s", got.Body)
		}
	})
}
