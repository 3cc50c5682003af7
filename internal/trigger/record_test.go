package trigger_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/trigger"
)

func recordConfig(c *fakeKafka, got *[]trigger.RecordedEvent) trigger.RecordConfig {
	return trigger.RecordConfig{
		Client: []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}, Topic: topic, Position: trigger.Earliest(),
		Events: 100, MaxMsgNum: 4, MaxWait: trigger.MaxWait,
		Write: func(e trigger.RecordedEvent) error {
			recs, err := new(event.Decoder).Decode(e.Payload, time.Now(), nil)
			if err != nil || len(recs) != e.Records {
				return fmt.Errorf("got %d records, want %d: %w", len(recs), e.Records, err)
			}
			e.Payload = nil
			*got = append(*got, e)
			return nil
		},
		Dropped: func(error) {},
	}
}

func TestRecordToTheEnd(t *testing.T) {
	c := cluster(t, 2)
	produce(t, c, 2, 0, 10)
	var got []trigger.RecordedEvent
	n, err := trigger.Record(within(t), recordConfig(c, &got))
	require.NoError(t, err)
	assert.Equal(t, 6, n)
	want := []trigger.RecordedEvent{}
	for p := range int32(2) {
		want = append(want,
			trigger.RecordedEvent{Partition: p, First: 0, Last: 3, Records: 4},
			trigger.RecordedEvent{Partition: p, First: 4, Last: 7, Records: 4},
			trigger.RecordedEvent{Partition: p, First: 8, Last: 9, Records: 2})
	}
	assert.ElementsMatch(t, want, got)
}

func TestRecordSoMany(t *testing.T) {
	c := cluster(t, 1)
	produce(t, c, 1, 0, 100)
	var got []trigger.RecordedEvent
	cfg := recordConfig(c, &got)
	cfg.Events = 2
	n, err := trigger.Record(within(t), cfg)
	require.NoError(t, err)
	assert.Equal(t, 2, n)
	assert.Equal(t, []trigger.RecordedEvent{{First: 0, Last: 3, Records: 4}, {First: 4, Last: 7, Records: 4}}, got)
}

func TestRecordNothing(t *testing.T) {
	var got []trigger.RecordedEvent
	n, err := trigger.Record(within(t), recordConfig(cluster(t, 1), &got))
	require.NoError(t, err)
	assert.Zero(t, n)
}

// From the end on, what is written while Record waits is recorded.
func TestRecordFromTheEnd(t *testing.T) {
	c := cluster(t, 1)
	produce(t, c, 1, 0, 7)
	var got []trigger.RecordedEvent
	cfg := recordConfig(c, &got)
	cfg.Position, cfg.Events, cfg.MaxWait = trigger.Latest(), 1, 0
	done := make(chan error, 1)
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	go func() {
		_, err := trigger.Record(ctx, cfg)
		done <- err
	}()
	for next := 7; ; next++ {
		produce(t, c, 1, next, 1) // until one comes behind the end that it saw
		select {
		case err := <-done:
			require.NoError(t, err)
			require.Len(t, got, 1)
			assert.GreaterOrEqual(t, got[0].First, int64(7))
			return
		default:
		}
	}
}

func TestRecordErrors(t *testing.T) {
	c := cluster(t, 1)
	produce(t, c, 1, 0, 1)
	var got []trigger.RecordedEvent
	full := errors.New("disk full")
	for name, change := range map[string]func(*trigger.RecordConfig){
		"events: got 0":             func(c *trigger.RecordConfig) { c.Events = 0 },
		"records in an event":       func(c *trigger.RecordConfig) { c.MaxMsgNum = 0 },
		"max-wait: got 1m1s":        func(c *trigger.RecordConfig) { c.MaxWait = 61 * time.Second },
		"topic none: UNKNOWN_TOPIC": func(c *trigger.RecordConfig) { c.Topic = "none" },
		"disk full":                 func(c *trigger.RecordConfig) { c.Write = func(trigger.RecordedEvent) error { return full } },
	} {
		cfg := recordConfig(c, &got)
		change(&cfg)
		_, err := trigger.Record(within(t), cfg)
		require.ErrorContains(t, err, name)
	}
}

func TestRecordDropsWhatFitsIntoNoEvent(t *testing.T) {
	c := cluster(t, 1)
	produceAll(t, c, &kgo.Record{Topic: topic, Value: make([]byte, 2<<20)})
	produce(t, c, 1, 1, 1)
	var got []trigger.RecordedEvent
	cfg := recordConfig(c, &got)
	dropped := 0
	cfg.Dropped = func(err error) {
		dropped++
		assert.ErrorContains(t, err, "record logs-0-0 ")
	}
	n, err := trigger.Record(within(t), cfg)
	require.NoError(t, err)
	assert.Equal(t, 1, n)
	assert.Equal(t, 1, dropped)
	assert.Equal(t, []trigger.RecordedEvent{{First: 1, Last: 1, Records: 1}}, got)
}
