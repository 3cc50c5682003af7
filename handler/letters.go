package handler

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"ckafka-etl/record"
)

// indexGrace is how long the index may still take once the topic has the
// letters. It is the place that may be ill, and waiting for it is billed.
const indexGrace = 2 * time.Second

// bothLetters keeps dead letters in an index and in a topic.
type bothLetters struct {
	index, topic DeadLetters
	log          *slog.Logger
	panics       panics
}

// BothLetters returns a place for dead letters that puts each into the index
// and into the topic. The topic decides: a letter that it took is Dead, even if
// the index did not take it, which is logged; so there is a place for dead
// letters when Elasticsearch itself is what ails. A letter that the topic did
// not take is Unsettled and comes again; the index knows it then by its id.
func BothLetters(index, topic DeadLetters, log *slog.Logger) DeadLetters {
	return &bothLetters{index: index, topic: topic, log: log}
}

// Write writes to both places at the same time.
func (b *bothLetters) Write(ctx context.Context, letters []record.DeadLetter) ([]record.Result, record.Stats) {
	forIndex, cancel := context.WithCancel(ctx)
	defer cancel()
	var inIndex, inTopic []record.Result
	var stats, topicStats record.Stats
	var places sync.WaitGroup
	places.Go(func() {
		cause := b.panics.catch(b.log, "the dead letters' index", func() { inIndex, stats = b.index.Write(forIndex, letters) })
		if cause != nil {
			inIndex = []record.Result{{Cause: cause}}
		}
	})
	inTopic, topicStats = b.topic.Write(ctx, letters)
	late := time.AfterFunc(indexGrace, cancel)
	places.Wait()
	late.Stop()
	stats.Add(topicStats)
	b.warn(inIndex, inTopic)
	return inTopic, stats
}

// warn tells of letters that are in the topic alone.
func (b *bothLetters) warn(inIndex, inTopic []record.Result) {
	n := 0
	var cause *record.Cause
	for i := range inTopic {
		if inTopic[i].Outcome != record.Dead || i < len(inIndex) && inIndex[i].Outcome == record.Dead {
			continue
		}
		if n++; cause == nil && i < len(inIndex) {
			cause = inIndex[i].Cause
		}
	}
	if n > 0 {
		b.log.Warn("dead letters are in kafka_dead_letter_topic only", slog.Int("count", n), slog.String("cause", clip(cause.Text())))
	}
}
