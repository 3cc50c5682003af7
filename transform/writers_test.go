package transform

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/internal/lab/writers"
)

// Whoever wrote a record, and whoever wrote that into what: nothing of a secret
// is in its document, in its key as a dead letter has it, or in a server's reason,
// and what stands before the secret stays.
func TestNoWriterHidesASecret(t *testing.T) {
	opts := Options{IndexPrefix: "app", Ignore: writers.Names, IDField: "first"}
	w := newWorker(t, opts)
	rapid.Check(t, func(t *rapid.T) {
		r := writers.Draw(t)
		doc := w.Do(newRecord(r.Body))
		source := string(doc.AppendSource(nil))
		require.NotContains(t, source, writers.Marker, "%s\n%s", r.How, r.Body)
		require.Contains(t, source, writers.Kept, "%s\n%s", r.How, r.Body)
		require.Empty(t, refLeaks(source, "password", "token", "authorization", "密码"), r.Body)
		require.NotContains(t, string(doc.ID), writers.Marker)
		key, _ := w.Clean([]byte(r.Body))
		require.NotContains(t, string(key), writers.Marker)
		require.NotContains(t, w.CleanReason("failed to parse: "+r.Body), writers.Marker)
	})
}
