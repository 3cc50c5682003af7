package standin

import (
	"fmt"
	"strings"
	"testing"
)

// BenchmarkBulk stores 10,000 access-log documents of some 350 bytes.
func BenchmarkBulk(b *testing.B) {
	var body strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&body, "{\"create\":{\"_index\":\"logs-2026-01-02\",\"_id\":\"access-0-%d-1a2b3c4d\"}}\n", i)
		fmt.Fprintf(&body, `{"time":"2026-01-02T15:04:05.%03dZ","client":"10.1.2.%d","method":"GET","path":"/api/v1/items/%d","status":200,"bytes":%d,"duration":0.%03d,"agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","user":{"id":%d,"name":"user-%d","tags":["a","b"]}}`+"\n", i%1000, i%256, i, i*7, i%1000, i, i)
	}
	b.SetBytes(int64(body.Len()))
	for b.Loop() {
		s := New()
		if w := do(s, "POST", "/_bulk?filter_path=errors,items.*.status,items.*.error", body.String()); w.Code != 200 || s.Count("") != 10_000 {
			b.Fatal(w.Code, s.Count(""))
		}
	}
}
