package redrive

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/standin"
)

// ask sends one request to the world's Kafka.
func ask[T kmsg.Response](t fatal, w *world, req kmsg.Request) T {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...))
	require.NoError(t, err)
	defer c.Close()
	resp, err := c.Request(t.Context(), req)
	require.NoError(t, err)
	return resp.(T)
}

// expire has the brokers forget what the group has committed, as they do after
// offsets.retention.minutes.
func (w *world) expire(t fatal) {
	t.Helper()
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = []string{letterGroup}
	resp := ask[*kmsg.DeleteGroupsResponse](t, w, req)
	require.NoError(t, kerr.ErrorForCode(resp.Groups[0].ErrorCode))
}

// commit commits an offset of partition 0, as a program of any kind.
func (w *world) commit(t fatal, offset int64, metadata string) {
	t.Helper()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = letterGroup, -1
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic, rt.TopicID = letterTopic, w.kafka.TopicInfo(letterTopic).TopicID
	rp := kmsg.NewOffsetCommitRequestTopicPartition()
	rp.Offset, rp.Metadata = offset, &metadata
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp := ask[*kmsg.OffsetCommitResponse](t, w, req)
	require.NoError(t, kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode))
}

// noRight takes the right to delete from the topic away.
func (w *world) noRight() *kfake.FaultHandle {
	return w.kafka.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DeleteRecords}, Err: kerr.TopicAuthorizationFailed, Count: -1})
}

// onePartition has the topic of the letters in one partition, so that offsets
// in it are known, and n letters of the Kafka sink in it, which has no ids: what
// is sent twice is seen.
func onePartition(t testing.TB, n int) *world {
	t.Helper()
	w := newWorld(t, standin.ES717)
	require.NoError(t, w.kafka.DeleteTopic(letterTopic))
	require.NoError(t, w.kafka.CreateTopic(letterTopic, 1, nil))
	if n > 0 {
		w.fill(t, w.refusals(t, SinkKafka, records(0, n))...)
	}
	return w
}

func (w *world) redrive(t testing.TB, o TopicOptions, change ...func(*Config)) (*Report, error) {
	t.Helper()
	cfg := Config{Source: w.topicWith(t, o), Sinks: w.sinks(t, SinkOptions{})}
	for _, c := range change {
		c(&cfg)
	}
	return Run(t.Context(), cfg)
}

func dry(cfg *Config) { cfg.DryRun = true }

// requireUncommitted checks that nothing was read, sent or committed.
func (w *world) requireUncommitted(t testing.TB, want UncommittedError, report *Report, err error) {
	t.Helper()
	var got *UncommittedError
	require.ErrorAs(t, err, &got)
	require.Equal(t, want, *got)
	require.Zero(t, report.Read)
}

// A group that never redrove anything looks like one whose offsets have expired:
// the letters are sent only by who says so. From then on the group is known.
func TestAFirstRunIsSaid(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 5)
	unknown := UncommittedError{Group: letterGroup, Topic: letterTopic, Missing: []int32{0}}
	for _, change := range [][]func(*Config){nil, {dry}} {
		report, err := w.redrive(t, TopicOptions{}, change...)
		w.requireUncommitted(t, unknown, report, err)
		require.EqualError(t, err, "no committed offset of group redrive for partition 0 of letters: it may have expired, "+
			"and letters that were redriven before would be sent again; --from-start sends all of them, "+
			"which is right for a first run, and with --since TIME only those that arrived since")
	}
	require.Empty(t, w.messages(t, targetTopic))

	report, err := w.redrive(t, TopicOptions{FromStart: true}, dry)
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Sendable: 5}, report.Outcomes)
	report, err = w.redrive(t, TopicOptions{})
	w.requireUncommitted(t, unknown, report, err) // a dry run commits nothing

	report, err = w.redrive(t, TopicOptions{FromStart: true}, func(c *Config) { c.Limit = 2 })
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 2}, report.Outcomes)
	report, err = w.redrive(t, TopicOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 3}, report.Outcomes)
	assert.Len(t, w.messages(t, targetTopic), 5)
}

// --from-start is no way to send again what the group knows to be done: a script
// that always gives it sends nothing twice.
func TestFromStartIsForWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 5)
	w.noRight()
	for _, want := range []map[string]int{{Stored: 5}, {}} {
		report, err := w.redrive(t, TopicOptions{FromStart: true})
		require.NoError(t, err)
		assert.Equal(t, want, report.Outcomes)
	}
	assert.Len(t, w.messages(t, targetTopic), 5)
}

// An empty topic has nothing that could be sent twice; what comes later does not
// need to be said to be the first.
func TestAnEmptyTopicIsFresh(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 0)
	report, err := w.redrive(t, TopicOptions{}, dry)
	require.NoError(t, err)
	assert.Zero(t, report.Read)
	_, err = w.redrive(t, TopicOptions{})
	require.NoError(t, err)

	w.fill(t, w.refusals(t, SinkKafka, records(0, 3))...)
	report, err = w.redrive(t, TopicOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 3}, report.Outcomes)
}

// All letters were sent a second time when the group's offsets had expired,
// after a day on brokers before 2.0 and a week on later ones.
func TestExpiredCommits(t *testing.T) {
	t.Parallel()
	for name, mayDelete := range map[string]bool{"deleted": true, "no right to delete": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := onePartition(t, 5)
			if !mayDelete {
				w.noRight()
			}
			report, err := w.redrive(t, TopicOptions{FromStart: true})
			require.NoError(t, err)
			require.Equal(t, map[string]int{Stored: 5}, report.Outcomes)
			w.expire(t)

			report, err = w.redrive(t, TopicOptions{})
			if mayDelete {
				require.NoError(t, err)
				assert.Zero(t, report.Read)
			} else {
				w.requireUncommitted(t, UncommittedError{Group: letterGroup, Topic: letterTopic, Missing: []int32{0}}, report, err)
			}
			assert.Len(t, w.messages(t, targetTopic), 5, "none is there twice")
		})
	}
}

// A partition that was added after the last run has letters that nobody has
// sent. One that was there then and has no offset now has lost it.
func TestAddedPartition(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 3)
	w.noRight()
	_, err := w.redrive(t, TopicOptions{FromStart: true})
	require.NoError(t, err)
	more := kmsg.NewPtrCreatePartitionsRequest()
	topic := kmsg.NewCreatePartitionsRequestTopic()
	topic.Topic, topic.Count = letterTopic, 2
	more.Topics = append(more.Topics, topic)
	resp := ask[*kmsg.CreatePartitionsResponse](t, w, more)
	require.NoError(t, kerr.ErrorForCode(resp.Topics[0].ErrorCode))
	w.fill(t, w.refusals(t, SinkKafka, records(10, 40))...)
	require.Positive(t, w.kafka.PartitionInfo(letterTopic, 1).HighWatermark, "some are in the new partition")

	report, err := w.redrive(t, TopicOptions{})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 40}, report.Outcomes)

	forget := kmsg.NewPtrOffsetDeleteRequest()
	forget.Group = letterGroup
	rt := kmsg.NewOffsetDeleteRequestTopic()
	rt.Topic, rt.Partitions = letterTopic, []kmsg.OffsetDeleteRequestTopicPartition{{Partition: 1}}
	forget.Topics = append(forget.Topics, rt)
	require.NoError(t, kerr.ErrorForCode(ask[*kmsg.OffsetDeleteResponse](t, w, forget).ErrorCode))
	report, err = w.redrive(t, TopicOptions{})
	w.requireUncommitted(t, UncommittedError{Group: letterGroup, Topic: letterTopic, Missing: []int32{1}}, report, err)
	assert.Len(t, w.messages(t, targetTopic), 43)
}

// A topic that ends before the committed offset is another one, or has lost
// records: what is in it may have been sent, and may not.
func TestCommitBehindTheEnd(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 3)
	w.commit(t, 100, "")
	report, err := w.redrive(t, TopicOptions{})
	w.requireUncommitted(t, UncommittedError{Group: letterGroup, Topic: letterTopic, Behind: []int32{0}}, report, err)
	require.ErrorContains(t, err, "the committed offset of group redrive lies behind the end of partition 0 of letters: the topic was made anew, or")
	report, err = w.redrive(t, TopicOptions{FromStart: true})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 3}, report.Outcomes)
}

// What another program of the same group has passed over was not redriven: it
// is not sent, as before, and above all it is not deleted.
func TestAnotherProgramsGroup(t *testing.T) {
	t.Parallel()
	w := onePartition(t, 5)
	w.commit(t, 2, "archive-host-1")
	for _, want := range []map[string]int{{Stored: 3}, {}} {
		report, err := w.redrive(t, TopicOptions{})
		require.NoError(t, err)
		assert.Equal(t, want, report.Outcomes)
		require.Len(t, report.Notes, 1)
		assert.Contains(t, report.Notes[0], "partition 0 of letters were passed over by another program")
		assert.Zero(t, w.kafka.PartitionInfo(letterTopic, 0).LogStartOffset)
	}
	// Once those have gone by themselves, the rest is redrive's.
	require.NoError(t, w.kafka.DeleteRecords(letterTopic, 0, 2))
	report, err := w.redrive(t, TopicOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"3 offsets were deleted from letters: each partition begins with its first letter that stays"}, report.Notes)
	assert.EqualValues(t, 5, w.kafka.PartitionInfo(letterTopic, 0).LogStartOffset)

	w.commit(t, 2, "redrive1:")
	_, err = w.redrive(t, TopicOptions{FromStart: true})
	require.ErrorContains(t, err, "group redrive, partition 0: the committed offset's metadata is not readable: give another --group")
}

func TestPartitionList(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "partition 3", partitionList([]int32{3}))
	assert.Equal(t, "partitions 3, 5", partitionList([]int32{3, 5}))
	assert.Equal(t, "partitions 0, 1, 2, 3, 4, 5, 6, 7 and 2 more", partitionList([]int32{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}))
}
