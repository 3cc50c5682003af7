package kafkaclient

import (
	"errors"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/record"
)

// lane is the items of one source partition that go to one target partition, in
// order. One batch of them is in flight at a time.
type lane struct {
	place
	partition int32
	sequence  *sequence
	items     []int32
	at        int // the first item that is not settled

	batch, next *batch // the one to send or in flight, and the one behind it
	flying      bool
	stale       bool // waits for metadata
	stuck       bool // nothing more can be sent
	unsure      bool // batch may be written, though no answer has said so
	begun       bool // what an earlier call left open has been seen to
	resent      bool // batch was sent before
	numbered    bool // batch was sent with a producer id

	most    int // most items in a batch; 0 = no limit
	tries   int // failed ones since something last succeeded
	absents int
	waits   time.Time
	cause   *record.Cause // of the last failure
}

// asks reports whether the lane waits for metadata.
func (l *lane) asks() bool { return l.stale && !l.stuck }

// load sees to it that there is a batch to send, and reports whether there is.
func (l *lane) load(j *job) bool {
	if l.batch != nil {
		return true
	}
	if !l.begun && l.sequence.unsure > 0 {
		// Nobody knows whether a batch of an earlier call was written. If it
		// was of these records it is sent again under its number.
		l.most = l.sequence.unsure
		b := l.fill(j, l.at, 0)
		if b != nil && len(b.items) == l.sequence.unsure && j.print(b.items) == l.sequence.print {
			l.unsure, l.resent, l.batch = true, true, b
		} else {
			j.c.release(b)
			l.restart(j)
		}
		l.most = 0
	}
	if l.begun = true; l.stuck || l.batch != nil {
		return !l.stuck
	}
	l.batch = l.fill(j, l.at, j.c.limit(l.topic))
	return l.batch != nil
}

// fill makes a batch of the items from at on, of up to limit bytes before
// compression unless it is a single message; limit 0 = none. It returns nil if
// there is nothing more to send.
func (l *lane) fill(j *job, at, limit int) *batch {
	b := &batch{}
	c := j.c
	c.records = c.records[:0]
	for ; at < len(l.items); at++ {
		i := l.items[at]
		if j.results[i].Outcome != record.Unsettled {
			continue
		}
		if l.most > 0 && len(b.items) >= l.most {
			break
		}
		j.msg.reset()
		if res := j.encode(int(i), &j.msg); res != nil {
			j.results[i] = *res
			continue
		}
		if len(b.items) == 0 {
			b.first, b.last = j.msg.time, j.msg.time
		}
		mark := len(c.records)
		c.records = j.msg.appendTo(c.records, b.first, len(b.items))
		if limit > 0 && len(c.records) > limit && len(b.items) > 0 {
			c.records = c.records[:mark]
			break
		}
		b.items = append(b.items, i)
		b.last = max(b.last, j.msg.time)
	}
	if len(b.items) == 0 {
		return nil
	}
	b.end = at
	b.seal(c.buffer(), c.records, &c.codec)
	return b
}

// encodeAhead makes the next batches while those before them are in flight.
func (j *job) encodeAhead() {
	for _, l := range j.lanes {
		if l.flying && l.next == nil && l.batch.end < len(l.items) {
			if l.next = l.fill(j, l.batch.end, j.c.limit(l.topic)); l.next == nil {
				l.batch.end = len(l.items)
			}
		}
	}
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
	l.at = l.batch.end
	j.c.release(l.batch)
	l.batch, l.next = l.next, nil
	l.unsure, l.resent, l.tries, l.absents, l.cause = false, false, 0, 0, nil
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

func (l *lane) settle(j *job, i int32, cause *record.Cause) {
	if res, done := j.culprit(int(i), cause); done {
		j.results[i] = res
	}
}

// unload has the batch and the one behind it made anew, of what is not settled.
func (l *lane) unload(j *job) {
	j.c.release(l.batch)
	j.c.release(l.next)
	l.batch, l.next = nil, nil
	l.unsure, l.resent = false, false
}

// fail has the batch sent again, or gives up what is left in the lane. Nothing
// behind the batch is sent before it: the order would be lost.
func (l *lane) fail(j *job, m meaning, cause *record.Cause) {
	l.cause = cause
	l.unsure = l.unsure || m.unsure
	l.tries++
	l.waits = time.Now().Add(pause(l.tries))
	switch m.verdict {
	case moved:
		l.stale = true
	case absent:
		l.stale = true
		if l.absents++; l.absents >= maxAbsent {
			l.stuck, cause.Permanent = true, true
		}
	case renumber:
		l.restart(j)
	case unnumbered:
		if l.numbered {
			j.c.goPlain(errors.New(cause.Type))
			l.waits = time.Time{}
		} else {
			l.stuck, cause.Permanent = true, true
		}
	case hold:
		l.stuck = true
	case stored, again, split, refused:
		// The same again; the others are not for us.
	}
}

// restart numbers the lane's batches from 0.
func (l *lane) restart(j *job) {
	l.unsure = false
	if !l.sequence.restart() {
		clear(j.c.producers) // new ones have epochs again
		clear(j.c.sequences)
		l.stuck = true
	}
}

func (l *lane) noLeader() *record.Cause {
	if l.cause != nil {
		return l.cause
	}
	e := kerr.LeaderNotAvailable
	return l.place.cause(e, meaningOf(e), "")
}

// finish gives the items that are not settled a cause, and remembers the batch
// of which nobody knows whether it was written.
func (l *lane) finish(j *job) {
	if l.begun {
		l.sequence.unsure = 0
	}
	if l.unsure && l.batch != nil && !j.c.plain {
		l.sequence.unsure, l.sequence.print = len(l.batch.items), j.print(l.batch.items)
	}
	for _, i := range l.items[l.at:] {
		if r := &j.results[i]; r.Outcome == record.Unsettled && r.Cause == nil {
			r.Cause = l.cause
		}
	}
	l.unload(j)
}
