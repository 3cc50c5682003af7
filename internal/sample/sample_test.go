package sample_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
)

var kinds = []struct {
	name      string
	event     func(int) []byte
	bodies    func(int) [][]byte
	json      bool
	min, max  int // bytes of a body, on average
	n         int
	minEvent  int // bytes of an event of n records, in 100 KB
	maxEvent  int
	different bool // no two bodies are equal
}{
	{"access", sample.AccessEvent, sample.AccessBodies, true, 415, 440, 10_000, 56, 58, true},
	{"nested", sample.NestedEvent, sample.NestedBodies, true, 5000, 6000, 800, 48, 62, false},
	{"message", sample.MessageEvent, sample.MessageBodies, true, 400, 470, 9_000, 45, 62, false},
	{"tiny", sample.TinyEvent, sample.TinyBodies, true, 40, 40, 10_000, 13, 16, true},
	{"text", sample.TextEvent, sample.TextBodies, false, 180, 230, 10_000, 29, 36, false},
}

func decode(t *testing.T, payload []byte) (bodies []string, offsets []json.Number) {
	t.Helper()
	require.True(t, jsontext.Value(payload).IsValid(), "not valid JSON")
	var e struct {
		Records []struct {
			Ckafka struct {
				Offset  json.Number `json:"offset"` // one file has it as a string
				MsgBody string      `json:"msgBody"`
			} `json:"Ckafka"`
		} `json:"Records"`
	}
	require.NoError(t, json.Unmarshal(payload, &e))
	for _, r := range e.Records {
		bodies = append(bodies, r.Ckafka.MsgBody)
		offsets = append(offsets, r.Ckafka.Offset)
	}
	return bodies, offsets
}

func TestEventsHoldTheirBodies(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			want := kind.bodies(kind.n)
			payload := kind.event(kind.n)
			got, offsets := decode(t, payload)
			require.Len(t, got, kind.n)
			first, err := offsets[0].Int64()
			require.NoError(t, err)
			total, seen := 0, map[string]bool{}
			for i, body := range want {
				if got[i] != string(body) || offsets[i].String() != strconv.FormatInt(first+int64(i), 10) {
					require.Failf(t, "not the body", "record %d at offset %s: %s", i, offsets[i], got[i])
				}
				if jsontext.Value(body).IsValid() != kind.json || strings.Contains(got[i], "\n") {
					require.Failf(t, "not such a body", "record %d: %s", i, body)
				}
				total += len(body)
				seen[got[i]] = true
			}
			if kind.different {
				assert.Equal(t, kind.n, len(seen), "different bodies") // Len would print them all
			}
			assert.GreaterOrEqual(t, total/kind.n, kind.min, "average body")
			assert.LessOrEqual(t, total/kind.n, kind.max, "average body")
			assert.GreaterOrEqual(t, len(payload), kind.minEvent*100_000, "event")
			assert.LessOrEqual(t, len(payload), kind.maxEvent*100_000, "event")
			assert.LessOrEqual(t, len(payload), event.MaxBytes)
		})
	}
}

func TestEventsAreTheSameEveryTime(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			assert.Equal(t, kind.event(300), kind.event(300))
			assert.Equal(t, kind.bodies(300), kind.bodies(500)[:300], "a small event is the beginning of a large one")
			none, _ := decode(t, kind.event(0))
			assert.Empty(t, none)
		})
	}
}

func TestBodiesMayBeChanged(t *testing.T) {
	want := sample.AccessEvent(250)
	for _, body := range sample.AccessBodies(250) {
		clear(body)
	}
	assert.Equal(t, want, sample.AccessEvent(250))
}

func TestSingleEventHasItsSize(t *testing.T) {
	for _, size := range []int{200, 201, 4096, event.MaxBytes} {
		payload := sample.SingleEvent(size)
		assert.Len(t, payload, size)
		bodies, _ := decode(t, payload)
		require.Len(t, bodies, 1)
		assert.True(t, jsontext.Value(bodies[0]).IsValid())
	}
}

func TestWideEventHasItsMembers(t *testing.T) {
	for _, members := range []int{0, 1, 100_000} {
		payload := sample.WideEvent(members)
		assert.LessOrEqual(t, len(payload), event.MaxBytes)
		bodies, _ := decode(t, payload)
		require.Len(t, bodies, 1)
		var document map[string]any
		require.NoError(t, json.Unmarshal([]byte(bodies[0]), &document))
		assert.Len(t, document, members)
	}
}
