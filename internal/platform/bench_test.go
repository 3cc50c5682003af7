package platform

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkInvoke shows what calling costs, for an event of 5.7 MB and a small
// one, over pipes and over a port on loopback.
func BenchmarkInvoke(b *testing.B) {
	for name, size := range map[string]int{"5.7MB": 5_700_000, "1kB": 1_000} {
		for link, listens := range map[string]bool{"pipes": false, "port": true} {
			b.Run(name+"/"+link, func(b *testing.B) {
				i, err := Start(b.Context(), Function{Path: testFunc, Listens: listens})
				require.NoError(b, err)
				defer i.Stop()
				payload := bytes.Repeat([]byte("x"), size)
				b.SetBytes(int64(size))
				before := i.Usage().CPU()
				for b.Loop() {
					_, err := i.Invoke(b.Context(), payload)
					require.NoError(b, err)
				}
				b.ReportMetric(float64((i.Usage().CPU()-before).Microseconds())/float64(b.N), "function-cpu-µs/op")
			})
		}
	}
}
