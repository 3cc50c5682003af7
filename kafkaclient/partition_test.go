package kafkaclient

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/record"
)

func newClient(t *testing.T) *Client {
	t.Helper()
	c, err := New(Config{Kafka: config.Kafka{Brokers: []string{"127.0.0.1:1"}, Topic: "t", Compression: "none"}})
	require.NoError(t, err)
	return c
}

// The hashes are those of Kafka's own tests of murmur2.
func TestPartitionOfKey(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for key, hash := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		for _, n := range []int{1, 2, 3, 12, 100, 1021} {
			want := (hash & 0x7fffffff) % int32(n)
			r := &record.Record{Key: []byte(key), Partition: 5}
			assert.Equal(t, want, c.partition(r, false, n), "%s of %d", key, n)
		}
	}
}

func TestPartitionWithoutKey(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	assert.EqualValues(t, 5, c.partition(&record.Record{Partition: 5}, false, 6))
	assert.EqualValues(t, 1, c.partition(&record.Record{Partition: 5}, false, 4))
	assert.EqualValues(t, 2, c.partition(&record.Record{Partition: record.Unknown, Batch: &record.Batch{Event: 14}}, false, 4))
}

func TestPartitionKept(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	assert.EqualValues(t, 5, c.partition(&record.Record{Key: []byte("foobar"), Partition: 5}, true, 6))
	assert.EqualValues(t, 5, c.partition(&record.Record{Partition: 5}, true, 6))
}

func TestSequenceWraps(t *testing.T) {
	t.Parallel()
	s := &sequence{next: 1<<31 - 3}
	s.advance(2)
	assert.EqualValues(t, 1<<31-1, s.next)
	s.advance(4)
	assert.EqualValues(t, 3, s.next, "after 2^31-1 comes 0")
	require.True(t, s.restart())
	assert.Equal(t, &sequence{epoch: 1}, s)
	s.epoch = 1<<15 - 1
	assert.False(t, s.restart())
}
