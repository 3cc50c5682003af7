package kafkaclient_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

func letters(recs []record.Record, cause *record.Cause) []record.DeadLetter {
	out := make([]record.DeadLetter, len(recs))
	for i := range recs {
		out[i] = record.DeadLetter{Record: &recs[i], Cause: cause, Sink: "elasticsearch"}
	}
	return out
}

func bury(t *testing.T, k *kafkaclient.Client, d time.Duration, l []record.DeadLetter) []record.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	results, _ := k.DeadLetters().Write(ctx, l)
	require.Len(t, results, len(l))
	for i, r := range results {
		require.NotNil(t, r.Cause, "letter %d", i)
		require.Contains(t, []record.Outcome{record.Dead, record.Unsettled}, r.Outcome, "letter %d", i)
	}
	return results
}

func headers(m *kgo.Record) map[string]string {
	h := make(map[string]string)
	for _, x := range m.Headers {
		h[x.Key] = string(x.Value)
	}
	return h
}

func TestDeadLetters(t *testing.T) {
	t.Parallel()
	var w wire
	c := wired(t, &w)
	k := client(t, c)
	recs := batch(1, 3)
	recs[2].Key, recs[2].Topic, recs[2].Partition, recs[2].Offset = nil, "", record.Unknown, record.Unknown
	recs[2].Body, recs[2].Defect = []byte(`{"msgKey":1,"secret":"hidden"}`), "msgBody is missing"
	l := letters(recs, nil)
	l[0].Cause = &record.Cause{
		Type: "mapper_parsing_exception", Status: 400, Reason: "failed to parse field [n]", Index: "log-2026-11-24", ID: "source-1-100-abc",
	}
	l[1].Cause, l[1].Sink = &record.Cause{Type: "MESSAGE_TOO_LARGE"}, "kafka"
	l[2].Cause = &record.Cause{Type: "record_malformed", Reason: "msgBody is missing"}

	for i, r := range bury(t, k, 10*time.Second, l) {
		assert.Equal(t, record.Dead, r.Outcome)
		assert.Same(t, l[i].Cause, r.Cause)
	}
	var msgs []*kgo.Record
	for _, m := range messages(t, c, "letters") {
		msgs = append(msgs, m...)
	}
	require.Len(t, msgs, 3)
	byType := make(map[string]*kgo.Record)
	for _, m := range msgs {
		byType[header(m, "error.type")] = m
		assert.True(t, m.Timestamp.Equal(arrival))
	}
	first := byType["mapper_parsing_exception"]
	assert.Nil(t, first.Key)
	assert.Equal(t, `{"partition":1,"n":0}`, string(first.Value), "no letter has an ignored field")
	assert.Equal(t, map[string]string{
		"source.topic": "source", "source.partition": "1", "source.offset": "100",
		"error.type": "mapper_parsing_exception", "error.reason": "failed to parse field [n]", "error.status": "400",
		"target.sink": "elasticsearch", "target.index": "log-2026-11-24", "target.id": "source-1-100-abc",
	}, headers(first))
	second := byType["MESSAGE_TOO_LARGE"]
	assert.Equal(t, "key-1", string(second.Key))
	assert.Equal(t, map[string]string{
		"source.topic": "source", "source.partition": "1", "source.offset": "101",
		"error.type": "MESSAGE_TOO_LARGE", "target.sink": "kafka",
	}, headers(second))
	third := byType["record_malformed"]
	assert.NotContains(t, string(third.Value), "hidden", "what is malformed is masked")
	assert.Contains(t, string(third.Value), "msgKey")
	assert.Equal(t, map[string]string{
		"error.type": "record_malformed", "error.reason": "msgBody is missing", "target.sink": "elasticsearch",
	}, headers(third))
}

func TestLettersNotTaken(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	k := client(t, c)
	for _, r := range bury(t, k, 10*time.Second, letters(batch(0, 2), &record.Cause{Type: "x"})) {
		assert.Equal(t, record.Unsettled, r.Outcome)
		assert.Contains(t, r.Cause.Text(), "kafka_dead_letter_topic (letters)")
		assert.Contains(t, r.Cause.Text(), "dead letter")
		assert.True(t, r.Cause.Permanent)
	}
	assert.Nil(t, c.TopicInfo("letters"))
}

// What was too large for the target is likely to be too large for the dead
// letters: then as much of it is kept as fits, or it would come back for ever.
func TestLetterTooLarge(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	require.NoError(t, c.CreateTopic("letters", 1, map[string]string{"max.message.bytes": "20000"}))
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = "none" })
	recs := batch(0, 3)
	recs[1].Body = []byte(`{"text":"` + strings.Repeat("ü", 50_000) + `"}`)
	l := letters(recs, &record.Cause{Type: "MESSAGE_TOO_LARGE", Reason: strings.Repeat("r", 10_000)})
	for _, r := range bury(t, k, 10*time.Second, l) {
		assert.Equal(t, record.Dead, r.Outcome, r.Cause.Text())
	}
	msgs := messages(t, c, "letters")[0]
	require.Len(t, msgs, 3)
	assert.Empty(t, header(msgs[0], "document.bytes"))
	assert.Equal(t, "100011", header(msgs[1], "document.bytes"))
	assert.Greater(t, len(msgs[1].Value), 5_000)
	assert.True(t, strings.HasPrefix(`{"text":"`+strings.Repeat("ü", 50_000), string(msgs[1].Value)), "cut between characters")
	assert.Len(t, header(msgs[1], "error.reason"), 4096)
}

// A key of a megabyte was more than the letters' topic takes. All of the document
// was cut away for it, the letter was refused all the same, and the partition
// stood.
func TestKeyTooLargeForALetter(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	require.NoError(t, c.CreateTopic("letters", 1, map[string]string{"max.message.bytes": "20000"}))
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = "none" })
	recs := batch(0, 3)
	recs[1].Key = []byte(strings.Repeat("k", 1_000_000))
	for _, r := range bury(t, k, 10*time.Second, letters(recs, &record.Cause{Type: "x"})) {
		assert.Equal(t, record.Dead, r.Outcome, r.Cause.Text())
	}
	msgs := messages(t, c, "letters")[0]
	require.Len(t, msgs, 3)
	assert.Equal(t, strings.Repeat("k", 8<<10), string(msgs[1].Key))
	assert.Equal(t, "1000000", header(msgs[1], "key.bytes"))
	assert.Equal(t, `{"partition":0,"n":1}`, string(msgs[1].Value))
	assert.Empty(t, header(msgs[0], "key.bytes"))
}

func TestLetterRefused(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	require.NoError(t, c.CreateTopic("letters", 1, map[string]string{"max.message.bytes": "100"}))
	results := bury(t, client(t, c), 10*time.Second, letters(batch(0, 1), &record.Cause{Type: "x"}))
	assert.Equal(t, record.Unsettled, results[0].Outcome)
	assert.Equal(t, "MESSAGE_TOO_LARGE", results[0].Cause.Type)
}

// Letters of one record from two sinks are two letters, and those of which
// nobody knows are not written twice either.
func TestUnknownLetters(t *testing.T) {
	t.Parallel()
	var w wire
	c := wired(t, &w)
	k := client(t, c)
	recs := batch(0, 1)
	l := append(letters(recs, &record.Cause{Type: "x"}), letters(recs, &record.Cause{Type: "y"})...)
	l[1].Sink = "kafka"
	bury(t, k, 10*time.Second, letters(batch(1, 1), &record.Cause{Type: "x"}))
	w.loseAnswers.Store(true)
	for _, r := range bury(t, k, 300*time.Millisecond, l) {
		assert.Equal(t, record.Unsettled, r.Outcome)
	}
	w.loseAnswers.Store(false)
	for _, r := range bury(t, k, 10*time.Second, l) {
		assert.Equal(t, record.Dead, r.Outcome)
	}
	assert.Equal(t, 3, count(c, "letters"))
}

func TestLettersWaitForReplicas(t *testing.T) {
	t.Parallel()
	var w wire
	c := wired(t, &w)
	c.Fault(produceFault(kerr.NotEnoughReplicas, 3))
	for _, r := range bury(t, client(t, c), 10*time.Second, letters(batch(0, 5), &record.Cause{Type: "x"})) {
		assert.Equal(t, record.Dead, r.Outcome)
	}
	assert.Equal(t, 5, count(c, "letters"))
}
