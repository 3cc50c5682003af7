package redrive

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"pgregory.net/rapid"

	"ckafka-etl/internal/standin"
	"ckafka-etl/record"
)

// Letters come, runs with and without filters, limits and the right to delete
// send them, and the brokers forget the group's offsets at any moment: no letter
// is sent twice unless --from-start was said when it was not known what is done,
// and then once more at most; and each is sent in the end.
func TestNoLetterIsSentTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := &sequence{world: newWorld(t, standin.ES717), fault: nil, known: true, allowed: make(map[int]int)}
		steps := []func(*rapid.T){s.letters, s.letters, func(t *rapid.T) { s.run(t, s.draw(t)) }, s.forget, s.right}
		for range rapid.IntRange(2, 14).Draw(t, "steps") {
			rapid.SampledFrom(steps).Draw(t, "step")(t)
		}
		s.run(t, Config{})
		if !s.known {
			s.fromStart(t, Config{})
		}
		sent := s.check(t)
		for n := range s.allowed {
			require.Positive(t, sent[n], "letter %d", n)
		}
	})
}

// sequence is what happens to a topic of letters, and what is known of it.
type sequence struct {
	*world
	fault   *kfake.FaultHandle // nil: there is the right to delete
	known   bool               // the group has offsets, or there are no letters
	allowed map[int]int        // how often each letter may be sent
}

func (s *sequence) letters(t *rapid.T) {
	n := rapid.IntRange(1, 6).Draw(t, "n")
	letters := s.refusals(t, SinkKafka, records(len(s.allowed), n))
	for i := range letters {
		letters[i].Cause.Type = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "cause")
		s.allowed[len(s.allowed)] = 1
	}
	results, _ := s.kafkaClient(t).DeadLetters().Write(t.Context(), letters)
	for _, r := range results {
		require.Equal(t, record.Dead, r.Outcome)
	}
	s.known = s.known && s.kafka.GroupInfo(letterGroup) != nil
}

func (s *sequence) draw(t *rapid.T) (cfg Config) {
	if rapid.Bool().Draw(t, "filter") {
		cfg.Filter.Causes = []string{"a"}
	}
	cfg.Limit = rapid.IntRange(0, 4).Draw(t, "limit")
	cfg.DryRun = rapid.IntRange(0, 4).Draw(t, "dry") == 0
	return cfg
}

// run runs without --from-start. Where that is not enough, nothing has happened.
func (s *sequence) run(t *rapid.T, cfg Config) {
	cfg.Source, cfg.Sinks = s.topicWith(t, TopicOptions{}), s.sinks(t, SinkOptions{})
	report, err := Run(context.Background(), cfg)
	if _, ok := errors.AsType[*UncommittedError](err); ok {
		require.False(t, s.known, "the group's offsets are there")
		require.Zero(t, report.Read)
		if rapid.Bool().Draw(t, "from start") {
			s.fromStart(t, cfg)
		}
		return
	}
	require.NoError(t, err)
	s.known = s.known || !cfg.DryRun
}

func (s *sequence) fromStart(t *rapid.T, cfg Config) {
	present := make(map[int]bool)
	for _, m := range s.messages(t, letterTopic) {
		present[offsetOf(m)] = true
	}
	cfg.Source, cfg.Sinks = s.topicWith(t, TopicOptions{FromStart: true}), s.sinks(t, SinkOptions{})
	sent := s.check(t)
	_, err := Run(context.Background(), cfg)
	require.NoError(t, err)
	if cfg.DryRun {
		return
	}
	s.known = true
	for n := range present {
		s.allowed[n] = sent[n] + 1
	}
}

// forget has the brokers forget the group's offsets. What has been deleted then
// is all that is sure to be done.
func (s *sequence) forget(t *rapid.T) {
	if s.kafka.GroupInfo(letterGroup) == nil {
		return // there are none
	}
	s.expire(t)
	s.known = len(s.messages(t, letterTopic)) == 0
}

func (s *sequence) right(*rapid.T) {
	if s.fault != nil {
		s.fault.Remove()
		s.fault = nil
		return
	}
	s.fault = s.noRight()
}

// check returns how often each letter was sent.
func (s *sequence) check(t *rapid.T) map[int]int {
	sent := make(map[int]int)
	for _, m := range s.messages(t, targetTopic) {
		sent[offsetOf(m)]++
	}
	for n, times := range sent {
		require.LessOrEqual(t, times, s.allowed[n], "letter %d", n)
	}
	return sent
}
