package pipeline_test

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"ckafka-etl/handler"
	"ckafka-etl/pipeline"
)

func TestBuildWithKafka(t *testing.T) {
	t.Parallel()
	const es, brokers = "ES_Address=127.0.0.1:1 ES_Index_KeyWord=log", "kafka_address=127.0.0.1:1"
	for name, x := range map[string]struct {
		environ string
		sinks   string
		letters string
	}{
		"kafka alone":                {brokers + " kafka_topic_name=t", "kafka", "<nil>"},
		"kafka with letters":         {brokers + " kafka_topic_name=t kafka_dead_letter_topic=d", "kafka", "*kafkaclient.DeadLetters"},
		"both":                       {es + " " + brokers + " kafka_topic_name=t", "elasticsearch kafka", "*esclient.DeadLetters"},
		"both with letters":          {es + " " + brokers + " kafka_topic_name=t kafka_dead_letter_topic=d", "elasticsearch kafka", "*handler.bothLetters"},
		"letters to a topic":         {es + " " + brokers + " kafka_dead_letter_topic=d", "elasticsearch", "*handler.bothLetters"},
		"letters to the topic alone": {es + " ES_Dead_Letter_Index=none " + brokers + " kafka_dead_letter_topic=d", "elasticsearch", "*kafkaclient.DeadLetters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := pipeline.Build(strings.Fields(x.environ), slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			defer p.Close()
			var sinks []string
			for _, s := range p.Sinks {
				sinks = append(sinks, s.Name())
			}
			assert.Equal(t, x.sinks, strings.Join(sinks, " "))
			assert.Equal(t, x.letters, fmt.Sprintf("%T", p.Letters))
		})
	}
}

// The pace is the configuration's, and holds if that is not valid, too.
func TestBuildPace(t *testing.T) {
	t.Parallel()
	for environ, want := range map[string]time.Duration{
		"ES_Address=h ES_Index_KeyWord=k":                           time.Minute,
		"ES_Address=h ES_Index_KeyWord=k Retry_Pace=0":              0,
		"ES_Address=h ES_Index_KeyWord=k Retry_Pace=5":              5 * time.Second,
		"ES_Address=h Retry_Pace=5":                                 5 * time.Second,
		"ES_Address=h Retry_Pace=never":                             time.Minute,
		"ES_Address=https://h ES_Index_KeyWord=k ES_CA_Cert=/no/ca": time.Minute,
	} {
		p, err := pipeline.Build(strings.Fields(environ), slog.New(slog.DiscardHandler))
		assert.Equal(t, want, p.Pace, environ)
		if err != nil {
			assert.Empty(t, p.Sinks, environ)
		} else {
			p.Close()
		}
	}
}

// An event goes to the topic, what cannot be written to the dead letters.
func TestEventToKafka(t *testing.T) {
	t.Parallel()
	c, err := kfake.NewCluster(kfake.SeedTopics(4, "target", "letters"))
	require.NoError(t, err)
	defer c.Close()
	h := &handler.Handler{
		Environ: func() []string {
			return []string{
				"kafka_address=" + strings.Join(c.ListenAddrs(), ","), "kafka_topic_name=target",
				"kafka_dead_letter_topic=letters", "kafka_partition=keep",
			}
		},
		Build: pipeline.Build,
		Log:   io.Discard,
	}
	event, err := os.ReadFile("../testdata/events/access-100.json")
	require.NoError(t, err)
	answer, err := h.Invoke(t.Context(), event)
	require.NoError(t, err)
	assert.Contains(t, string(answer), `"records":100,"stored":100,`)
	answer, err = h.Invoke(t.Context(), []byte(`{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":1,"msgKey":"k"}}]}`))
	require.NoError(t, err)
	assert.Contains(t, string(answer), `"records":1,"stored":0,"duplicate":0,"filtered":0,"dead":1,`)
	written := func(topic string) (n int64) {
		for _, p := range c.PartitionInfos(topic) {
			n += p.HighWatermark
		}
		return n
	}
	assert.EqualValues(t, 100, written("target"))
	assert.EqualValues(t, 1, written("letters"))
}
