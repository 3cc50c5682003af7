package outcome_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/outcome"
)

func TestRead(t *testing.T) {
	a, err := outcome.Read([]byte(`{"records":10,"stored":4,"duplicate":3,"filtered":2,"dead":1,"unsettled":0,"recalled":7,"sinks":{"kafka":{"records":10,"stored":10}}}`))
	require.NoError(t, err)
	want := outcome.Account{
		Counts: outcome.Counts{Records: 10, Stored: 4, Duplicate: 3, Filtered: 2, Dead: 1},
		Sinks:  map[string]outcome.Counts{"kafka": {Records: 10, Stored: 10}},
	}
	assert.Equal(t, want, a)

	var sum outcome.Account
	sum.Add(a)
	sum.Add(a)
	assert.Equal(t, int64(20), sum.Records)
	assert.Equal(t, outcome.Counts{Records: 20, Stored: 20}, sum.Sinks["kafka"])

	for text, want := range map[string]string{
		`"done"`:                      "no account",
		``:                            "no account",
		`{"records":2,"unsettled":1}`: "success although 1 records are unsettled",
	} {
		_, err := outcome.Read([]byte(text))
		assert.ErrorContains(t, err, want)
	}
}

// lines are lines of a function's log, and what of it is unsettled, by sink. They
// are the seeds of the fuzz target, too.
var lines = []struct {
	text      string
	ok        bool
	unsettled int64
	sinks     map[string]int64
}{
	{text: `{"level":"ERROR","msg":"batch","request_id":"r","records":5,"stored":2,"unsettled":3}`, ok: true, unsettled: 3},
	{
		text: `{"msg":"batch","request_id":"r","unsettled":3,"elasticsearch_unsettled":3,"kafka_unsettled":0}`,
		ok:   true, unsettled: 3, sinks: map[string]int64{"elasticsearch": 3, "kafka": 0},
	},
	{text: `{"msg":"batch","request_id":"r","records":5,"stored":5,"unsettled":0}`},
	{text: `{"msg":"records are unsettled","count":3}`},
	{text: `{"msg":"batch","unsettled":3`}, // cut
	{text: `"msg":"batch"`},
	{text: ``},
}

func TestReadLine(t *testing.T) {
	for _, tt := range lines {
		f, ok := outcome.ReadLine([]byte(tt.text))
		require.Equal(t, tt.ok, ok, tt.text)
		if ok {
			assert.Equal(t, "r", f.RequestID)
			assert.Equal(t, tt.unsettled, f.Unsettled)
			assert.Equal(t, tt.sinks, f.Sinks)
		}
	}
}

// Whatever stands in a line: it is an account of a failure or it is none.
func FuzzReadLine(f *testing.F) {
	for _, tt := range lines {
		f.Add([]byte(tt.text))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		batch, ok := outcome.ReadLine(line)
		require.Equal(t, ok, batch.Unsettled != 0)
	})
}
