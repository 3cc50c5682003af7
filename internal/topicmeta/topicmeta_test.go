package topicmeta_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/internal/topicmeta"
)

// start makes a topic of two partitions, with two records in the second.
func start(t *testing.T) (*kfake.Cluster, *kgo.Client) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "logs"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	for range 2 {
		require.NoError(t, client.ProduceSync(t.Context(), &kgo.Record{Topic: "logs", Partition: 1, Value: []byte("v")}).FirstErr())
	}
	return c, client
}

func TestDescribe(t *testing.T) {
	_, client := start(t)
	topic, err := topicmeta.Describe(t.Context(), client, "logs")
	require.NoError(t, err)
	require.Len(t, topic.Partitions, 2)
	_, err = topicmeta.Describe(t.Context(), client, "none")
	require.ErrorIs(t, err, kerr.UnknownTopicOrPartition)
}

// Kafka 0.10.2 makes a topic of whose name it is asked, where it may: a mistyped
// name became a topic.
func TestDescribeMakesNoTopic(t *testing.T) {
	for name, x := range map[string]struct {
		versions *kversion.Versions
		named    bool
	}{
		"0.10.2": {kversion.V0_10_2(), false},
		"0.11":   {kversion.V0_11_0(), true},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "logs"), kfake.MaxVersions(x.versions), kfake.AllowAutoTopicCreation())
			require.NoError(t, err)
			t.Cleanup(c.Close)
			client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
			require.NoError(t, err)
			t.Cleanup(client.Close)
			named := false
			c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				m, _ := req.(*kmsg.MetadataRequest)
				named = named || len(m.Topics) > 0
				return nil, nil, false
			})
			topic, err := topicmeta.Describe(t.Context(), client, "logs")
			require.NoError(t, err)
			require.Len(t, topic.Partitions, 2)
			_, err = topicmeta.Describe(t.Context(), client, "none")
			require.ErrorIs(t, err, kerr.UnknownTopicOrPartition)
			require.Nil(t, c.TopicInfo("none"))
			require.Equal(t, x.named, named)
		})
	}
}

func TestOffsets(t *testing.T) {
	_, client := start(t)
	for _, tt := range []struct {
		name  string
		query int64
		want  map[int32]int64
	}{
		{"start", topicmeta.Start, map[int32]int64{0: 0, 1: 0}},
		{"end", topicmeta.End, map[int32]int64{0: 0, 1: 2}},
		{"a time before all", 1, map[int32]int64{0: -1, 1: 0}},
		{"a time after all", 1 << 60, map[int32]int64{0: -1, 1: -1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			found, err := topicmeta.Offsets(t.Context(), client, "logs", topicmeta.Partitions(2), tt.query)
			require.NoError(t, err)
			require.Equal(t, tt.want, found)
		})
	}
}

// refuse answers questions for offsets with an error, so many times.
func refuse(c *kfake.Cluster, code int16, times int) (asked *int) {
	asked = new(int)
	c.ControlKey(int16(kmsg.ListOffsets), func(req kmsg.Request) (kmsg.Response, error, bool) {
		if *asked++; *asked > times {
			return nil, nil, false
		}
		c.KeepControl()
		resp, _ := req.ResponseKind().(*kmsg.ListOffsetsResponse)
		question, _ := req.(*kmsg.ListOffsetsRequest)
		for _, t := range question.Topics {
			rt := kmsg.NewListOffsetsResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewListOffsetsResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
	return asked
}

// A topic that had just been made was refused: its brokers did not all know yet
// that they lead its partitions.
func TestOffsetsAwaitLeaders(t *testing.T) {
	c, client := start(t)
	asked := refuse(c, kerr.NotLeaderForPartition.Code, 3)
	found, err := topicmeta.Offsets(t.Context(), client, "logs", topicmeta.Partitions(2), topicmeta.End)
	require.NoError(t, err)
	require.Equal(t, map[int32]int64{0: 0, 1: 2}, found)
	require.Greater(t, *asked, 3)
}

func TestOffsetsOfWhoMayNotKnow(t *testing.T) {
	c, client := start(t)
	asked := refuse(c, kerr.TopicAuthorizationFailed.Code, 1000)
	_, err := topicmeta.Offsets(t.Context(), client, "logs", topicmeta.Partitions(2), topicmeta.End)
	require.ErrorIs(t, err, kerr.TopicAuthorizationFailed)
	require.ErrorContains(t, err, "partition 1")
	require.LessOrEqual(t, *asked, 2)
}
