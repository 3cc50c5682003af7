package redrive

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/standin"
)

// begins is where the log of the letters begins.
func (w *world) begins() int64 { return w.kafka.PartitionInfo(letterTopic, 0).LogStartOffset }

// What lies before the first letter that stays is deleted, and nothing else.
func TestDeletesUpToTheFirstThatStays(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 0)
	letters := w.refusals(t, SinkKafka, records(0, 10))
	for i := range letters {
		letters[i].Cause.Type = "chosen"
		if i == 4 || i == 7 {
			letters[i].Cause.Type = "other"
		}
	}
	w.fill(t, letters...)
	report, err := w.redrive(t, TopicOptions{FromStart: true}, func(c *Config) { c.Filter.Causes = []string{"chosen"} })
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 8, Skipped: 2}, report.Outcomes)
	assert.Equal(t, []string{"4 offsets were deleted from letters: each partition begins with its first letter that stays"}, report.Notes)
	assert.EqualValues(t, 4, w.begins())

	report, err = w.redrive(t, TopicOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 2}, report.Outcomes)
	assert.EqualValues(t, 10, w.begins())
	assert.Len(t, w.messages(t, targetTopic), 10)
}

// Why letters cannot be deleted is said once; the run goes on with commits.
func TestCannotDelete(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		err   *kerr.Error
		want  string
		asked int
	}{
		"no right":          {kerr.TopicAuthorizationFailed, "the user of kafka_user has no right to delete from it (operation Delete on the topic)", 1},
		"no right at all":   {kerr.ClusterAuthorizationFailed, "the user of kafka_user has no right to delete from it", 1},
		"compacted":         {kerr.PolicyViolation, "cleanup.policy=compact", 1},
		"a managed cluster": {kerr.UnsupportedVersion, "the brokers do not delete records when they are asked to", 1},
		"broken":            {kerr.UnknownServerError, "UNKNOWN_SERVER_ERROR", 5}, // tried again with the next batch
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onePartition(t, 8)
			fault := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DeleteRecords}, Err: x.err, Count: -1})
			topic := w.topic(t)
			topic.size, topic.deleteAfter = 2, 0
			report, err := Run(t.Context(), Config{Source: topic, Sinks: w.sinks(t, SinkOptions{})})
			require.NoError(t, err)
			assert.Equal(t, map[string]int{Stored: 8}, report.Outcomes)
			require.Len(t, report.Notes, 1)
			assert.True(t, strings.HasPrefix(report.Notes[0], "letters that are done are still in letters: "), report.Notes[0])
			assert.Contains(t, report.Notes[0], x.want)
			assert.Equal(t, x.asked, fault.Hits())

			// As soon as it works, a run deletes what earlier ones have left.
			fault.Remove()
			report, err = w.redrive(t, TopicOptions{})
			require.NoError(t, err)
			assert.Zero(t, report.Read)
			assert.EqualValues(t, 8, w.begins())
			assert.Len(t, w.messages(t, targetTopic), 8)
		})
	}
}

// Brokers before 0.11 do not know the request.
func TestBrokersThatKnowNoDeletion(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 3)
	w.kafka.ControlKey(int16(kmsg.ApiVersions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		resp := req.ResponseKind().(*kmsg.ApiVersionsResponse)
		for key := range int16(80) {
			if key != int16(kmsg.DeleteRecords) {
				resp.ApiKeys = append(resp.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key, MaxVersion: oldest(key)})
			}
		}
		return resp, nil, true
	})
	report, err := w.redrive(t, TopicOptions{FromStart: true})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 3}, report.Outcomes)
	require.Len(t, report.Notes, 1)
	assert.Contains(t, report.Notes[0], "the brokers are older than Kafka 0.11 and cannot delete records")
}

// oldest is the version of a request that all that matters here is in.
func oldest(key int16) int16 {
	switch kmsg.Key(key) {
	case kmsg.Produce:
		return 8
	case kmsg.Fetch:
		return 10
	case kmsg.Metadata:
		return 8
	case kmsg.ListOffsets, kmsg.OffsetFetch:
		return 5
	case kmsg.OffsetCommit:
		return 6
	default:
		return 0
	}
}

// A leader that has moved is asked again.
func TestDeletionIsTriedAgain(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 3)
	w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DeleteRecords}, Err: kerr.NotLeaderForPartition, Count: 2})
	report, err := w.redrive(t, TopicOptions{FromStart: true})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 3}, report.Outcomes)
	assert.EqualValues(t, 3, w.begins())
}

// Who wants to keep the letters keeps them.
func TestKeep(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 3)
	report, err := w.redrive(t, TopicOptions{FromStart: true, Keep: true})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 3}, report.Outcomes)
	assert.Empty(t, report.Notes)
	assert.Zero(t, w.begins())
	report, err = w.redrive(t, TopicOptions{Keep: true})
	require.NoError(t, err)
	assert.Zero(t, report.Read)
}

// A dry run deletes nothing, though an earlier run has left something to delete.
func TestADryRunDeletesNothing(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 3)
	_, err := w.redrive(t, TopicOptions{FromStart: true, Keep: true})
	require.NoError(t, err)
	commits := w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Observe: true})
	_, err = w.redrive(t, TopicOptions{}, dry)
	require.NoError(t, err)
	assert.Zero(t, w.begins())
	assert.Zero(t, commits.Hits())
}

// While a run goes on its letters are deleted already: it may be killed, and its
// commits may expire before the next one.
func TestDeletesWhileItRuns(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 10)
	topic := w.topic(t)
	topic.size, topic.deleteAfter = 2, 0
	_, err := Run(t.Context(), Config{Source: &killed{Source: topic, in: 3}, Sinks: w.sinks(t, SinkOptions{})})
	require.ErrorIs(t, err, errKilled)
	assert.EqualValues(t, 6, w.begins())
	w.expire(t)
	_, err = w.redrive(t, TopicOptions{})
	require.ErrorContains(t, err, "--from-start")
	report, err := w.redrive(t, TopicOptions{FromStart: true})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 4}, report.Outcomes)
}

// On brokers before 2.1 the offset of a partition expires although others of the
// group are committed, and while a run goes on: so each commit is of all
// partitions, and there is one from time to time even if nothing is sent.
func TestAllIsCommittedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.ES717)
	w.fill(t, w.refusals(t, SinkKafka, records(0, 12))...)
	var commits, partitions atomic.Int32
	w.kafka.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		commits.Add(1)
		for _, t := range req.(*kmsg.OffsetCommitRequest).Topics {
			partitions.Add(int32(len(t.Partitions)))
		}
		return nil, nil, false
	})
	nothing := func(c *Config) { c.Filter.Causes = []string{"none"} }
	topic := w.topic(t)
	topic.size = 3
	cfg := Config{Source: topic, Sinks: w.sinks(t, SinkOptions{})}
	nothing(&cfg)
	_, err := Run(t.Context(), cfg)
	require.NoError(t, err)
	assert.EqualValues(t, 1, commits.Load(), "at the start: later there was nothing new")
	assert.EqualValues(t, 2, partitions.Load())

	topic = w.topic(t)
	topic.size, topic.recommitAfter = 3, 0
	cfg.Source = topic
	_, err = Run(t.Context(), cfg)
	require.NoError(t, err)
	assert.Greater(t, commits.Load(), int32(4))
	assert.Equal(t, 2*commits.Load(), partitions.Load())
}

// Ctrl-C ends the run in good order: what is done is deleted.
func TestInterruptedRunDeletes(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 10)
	topic := w.topic(t)
	topic.size = 4
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := Run(ctx, Config{Source: topic, Sinks: w.sinks(t, SinkOptions{}), Seen: func(*Letter, Fate) { cancel() }})
	require.NoError(t, err)
	assert.True(t, report.Interrupted)
	assert.EqualValues(t, report.Outcomes[Stored], w.begins())
	assert.Less(t, report.Outcomes[Stored], 10)
}

// A broker that does not answer costs a run a bounded time, and is no failure:
// the letters are committed.
func TestDeletionIsNotAwaitedForEver(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 3)
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	w.kafka.ControlKey(int16(kmsg.DeleteRecords), func(kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		w.kafka.SleepControl(func() { <-hang })
		return nil, nil, false
	})
	topic := w.topic(t)
	_, err := topic.start(t.Context(), false)
	require.NoError(t, err)
	letters, err := topic.next(t.Context())
	require.NoError(t, err)
	kept, err := topic.settle(t.Context(), []bool{true, true, true})
	require.NoError(t, err)
	require.Zero(t, kept)
	require.Len(t, letters, 3)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	topic.finish(ctx)
	require.Len(t, topic.notes(), 1)
	assert.Contains(t, topic.notes()[0], "still in letters")
}
