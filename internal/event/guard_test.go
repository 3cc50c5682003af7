package event

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

// A record on which the decoder panics is malformed, as one that is not to be
// read: its neighbours are unharmed, and what stands in the event is kept, so
// that the bug can be found.
func TestPanicOnOneElement(t *testing.T) {
	t.Parallel()
	payload := []byte(`{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"k","msgBody":"a"}},` +
		`{"Ckafka":{"topic":"t","partition":1,"offset":37,"msgKey":"k","msgBody":"é"}},` +
		`{"Ckafka":{"topic":"t","partition":1,"offset":38,"msgKey":"k","msgBody":"c"}}]}`)
	for pos := range 3 {
		d := Decoder{before: func(p int) {
			if p == pos {
				panic("a bug")
			}
		}}
		recs, err := d.Decode(payload, time.Unix(0, 0), nil)
		require.NoError(t, err)
		require.Len(t, recs, 3)
		for i, r := range recs {
			if i == pos {
				assert.Contains(t, r.Defect, "a panic")
				assert.Contains(t, string(r.Body), `"offset":3`)
				assert.False(t, r.Located())
				assert.False(t, r.ASCII)
				continue
			}
			assert.Equal(t, record.Record{
				Topic: "t", Partition: 1, Offset: int64(36 + i), Key: []byte("k"), Body: []byte([]string{"a", "é", "c"}[i]),
				ASCII: i != 1, Pos: i, Batch: r.Batch,
			}, r)
		}
	}
	d := Decoder{before: func(int) { panic("a bug") }}
	_, err := d.Decode([]byte(`{"Records":[{"Ckafka":`), time.Unix(0, 0), nil)
	var broken *PayloadError
	require.ErrorAs(t, err, &broken, "where the element ends cannot be known")
}
