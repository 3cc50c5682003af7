package kafkaclient

import (
	"regexp"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/record"
)

const (
	// maxCorrupt is how often the same batch may seem to be damaged on its way.
	maxCorrupt = 2
	// maxSuspects is how many messages a lane sets aside before one behind them
	// is taken: if none is, it is not about the messages.
	maxSuspects = 3
)

// suspect is an item that was refused alone, for a reason that may be another
// than the message.
type suspect struct {
	item  int32
	cause *record.Cause
}

// judge settles the batch by its answer.
func (l *lane) judge(j *job, p *kmsg.ProduceResponseTopicPartition) {
	e := kerr.TypedErrorForCode(p.ErrorCode)
	if e == nil || e.Code == kerr.DuplicateSequenceNumber.Code {
		l.written(j)
		return
	}
	detail := ""
	if p.ErrorMessage != nil {
		detail = *p.ErrorMessage
	}
	m := meaningOf(e)
	if m.verdict == absent {
		m.verdict = moved // only the metadata can tell
	}
	cause := l.place.cause(e, m, detail)
	switch m.verdict {
	case split:
		l.split(j, cause)
	case refused:
		l.refuse(j, p.ErrorRecords, cause)
	case corrupt:
		l.doubt(j, m, cause)
	default:
		l.fail(j, m, cause)
	}
}

// written settles the batch: Kafka has it.
func (l *lane) written(j *job) {
	for _, i := range l.batch.items {
		j.results[i] = record.Result{Outcome: record.Stored}
	}
	l.sequence.advance(len(l.batch.items))
	if l.most > 0 {
		l.most *= 2 // the culprit may be behind us
	}
	// The topic takes messages: what was refused alone was refused for itself.
	for _, s := range l.suspects {
		l.settle(j, s.item, s.cause)
	}
	l.suspects, l.took = nil, true
	l.at = l.batch.end
	j.c.release(l.batch)
	l.batch, l.next = l.next, nil
	l.sends, l.tries, l.absents, l.corrupts, l.cause = 0, 0, 0, 0, nil
}

// split has the batch sent in smaller parts, until the culprit stands alone.
func (l *lane) split(j *job, cause *record.Cause) {
	if len(l.batch.items) > 1 {
		j.c.limits[l.topic] = min(j.c.limit(l.topic), l.batch.size/2)
		l.unload(j)
		return
	}
	size := "the message has " + strconv.Itoa(l.batch.size) + " bytes"
	if cause.Reason != "" {
		cause.Reason += "; " + size
	}
	cause.Safe = size
	l.settle(j, l.batch.items[0], cause)
	l.unload(j)
}

// refuse settles the messages that Kafka has named as those it does not take.
// Brokers before 2.4 name none: then the batch is halved.
func (l *lane) refuse(j *job, named []kmsg.ProduceResponseTopicPartitionErrorRecord, cause *record.Cause) {
	items := l.batch.items
	found := false
	for _, n := range named {
		if n.RelativeOffset < 0 || int(n.RelativeOffset) >= len(items) {
			continue
		}
		own := *cause
		if n.ErrorMessage != nil {
			own.Reason = *n.ErrorMessage
			own.Safe = ownWords(own.Reason, own.Safe)
		}
		l.settle(j, items[n.RelativeOffset], &own)
		found = true
	}
	switch {
	case found:
	case len(items) == 1:
		l.settle(j, items[0], cause)
	default:
		l.most = len(items) / 2
	}
	l.unload(j)
}

// doubt deals with a batch that the broker finds damaged. It may have been on
// its way, and is sent again; brokers before 2.2 say so as well of a message
// without a key in a compacted topic. Then the batch is halved, and a message
// that stands alone is set aside until one behind it is taken.
func (l *lane) doubt(j *job, m meaning, cause *record.Cause) {
	if l.corrupts++; !l.doubted && l.corrupts < maxCorrupt {
		l.fail(j, meaning{verdict: again, hint: m.hint}, cause)
		return
	}
	l.doubted = true
	items := l.batch.items
	switch i := items[0]; {
	case len(items) > 1:
		l.most = len(items) / 2
	case j.c.kept[l.topic].compacted && j.rec(int(i)).Key == nil:
		own := *cause
		own.Safe = "the topic is compacted and the message has no key"
		l.settle(j, i, &own)
	case l.took:
		l.settle(j, i, cause)
	case len(l.suspects) < maxSuspects:
		l.suspects = append(l.suspects, suspect{i, cause})
	default:
		l.cause, l.stuck = cause, true
	}
	l.unload(j)
}

func (l *lane) suspected(i int32) bool {
	for _, s := range l.suspects {
		if s.item == i {
			return true
		}
	}
	return false
}

func (l *lane) settle(j *job, i int32, cause *record.Cause) {
	if res, done := j.culprit(int(i), cause); done {
		j.results[i] = res
	}
}

// known are the words of brokers about a message that hold nothing of it: names
// of topics and numbers.
//
//nolint:gochecknoglobals // never written
var known = regexp.MustCompile(`^(Compacted topic cannot accept message without key in topic partition [\w.-]{1,260}|` +
	`Timestamp -?\d+ of message with offset -?\d+ is out of range[^"']{0,200}|` +
	`One or more records have been rejected.{0,80})\.?$`)

// ownWords returns what a broker says of a message, if that is fit for logs.
func ownWords(reason, otherwise string) string {
	if known.MatchString(reason) {
		return short(reason)
	}
	return otherwise
}
