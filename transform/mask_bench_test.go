package transform

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
)

// What ignored words cost, per record: access logs in which none of them occurs,
// those in which every record has one, and plain text; with one word and with a
// hundred. The first of each kind is without any.
func BenchmarkIgnoredWords(b *testing.B) {
	hundred := make([]string, 100)
	for i := range hundred {
		hundred[i] = fmt.Sprintf("**.secret_%c%c_%d", 'a'+i%26, 'a'+i/26, i)
	}
	for _, kind := range []struct {
		name   string
		events func(int) []byte
	}{{"access", sample.AccessEvent}, {"text", sample.TextEvent}, {"message", sample.MessageEvent}} {
		for _, words := range []struct {
			name string
			list []string
		}{
			{"none", nil},
			{"one", hundred[:1]},
			{"hundred", hundred},
			{"top level", []string{"token", "password"}},
			{"any depth", []string{"**.token", "**.password"}},
		} {
			b.Run(kind.name+"/"+words.name, func(b *testing.B) {
				var d event.Decoder
				recs, err := d.Decode(kind.events(1000), arrival, nil)
				require.NoError(b, err)
				w := newWorker(b, Options{IndexPrefix: "app", TimeField: "time", IDField: "log_id", Ignore: words.list})
				var out []byte
				for b.Loop() {
					for i := range recs {
						out = w.Do(&recs[i]).AppendSource(out[:0])
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(recs)), "ns/record")
			})
		}
	}
}
