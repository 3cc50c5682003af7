package kafkaclient

import (
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"ckafka-etl/record"
)

// lane is the items of one source partition that go to one target partition, in
// order. One batch of them is in flight at a time.
type lane struct {
	place
	source    source
	partition int32
	sequence  *sequence
	items     []int32
	at        int // the first item that is not settled

	batch, next *batch // the one to send or in flight, and the one behind it
	flying      bool
	stale       bool        // waits for metadata
	stuck       bool        // nothing more can be sent
	begun       bool        // what an earlier call left open has been seen to
	sends       int         // of batch; from the first on nobody knows whether it is written
	numbered    bool        // batch was sent with a producer id
	took        bool        // something of this call is written
	of          incarnation // of the topic that batch was sent to

	most     int // most items in a batch; 0 = no limit
	tries    int // failed ones since something last succeeded
	absents  int
	corrupts int       // of batch
	doubted  bool      // a batch was damaged on its way more than once
	suspects []suspect // items that were refused alone, without proof
	waits    time.Time
	cause    *record.Cause // of the last failure
}

// asks reports whether the lane waits for metadata.
func (l *lane) asks() bool { return l.stale && !l.stuck }

// load sees to it that there is a batch to send, and reports whether there is.
func (l *lane) load(j *job) bool {
	if l.batch != nil {
		return true
	}
	if !l.begun {
		l.begun = true
		l.resume(j)
	}
	if l.stuck || l.batch != nil {
		return !l.stuck
	}
	l.batch = l.fill(j, l.items[l.at:], j.c.limit(l.topic))
	return l.batch != nil
}

// resume makes the batch again of which an earlier call did not learn whether it
// was written, to be sent under its number. It goes first wherever its items
// stand now: what stands before it was refused then. If they are not all among
// those that are to be sent, or the topic was made anew, the number is given up.
func (l *lane) resume(j *job) {
	s := l.sequence
	if s.pending == nil {
		return
	}
	again := j.withPrints(l.items[l.at:], s.pending)
	if again != nil && !s.of.gone(j.c.topics[l.topic].incarnation()) {
		if b := l.fill(j, again, 0); b != nil && len(b.items) == len(again) {
			b.alone, b.end = true, l.at
			l.batch, l.sends, l.numbered = b, 1, b.format == numbered && !j.c.plain
			return
		}
	}
	l.restart(j)
}

// fill makes a batch of those of the items that are not settled, of up to limit
// bytes before compression unless it is a single message; limit 0 = none. It
// returns nil if there is none.
func (l *lane) fill(j *job, items []int32, limit int) *batch {
	c := j.c
	b := &batch{format: c.formatOf(l.topic)}
	c.records = c.records[:0]
	b.end = len(l.items)
	for n, i := range items {
		if j.results[i].Outcome != record.Unsettled || l.suspected(i) {
			continue
		}
		full := l.most > 0 && len(b.items) >= l.most && limit > 0
		if !full {
			full = !l.add(j, b, i, limit)
		}
		if full {
			b.end = len(l.items) - len(items) + n
			break
		}
	}
	if len(b.items) == 0 {
		return nil
	}
	b.seal(c.buffer(), c.records, &c.codec)
	return b
}

// add adds an item's message to the batch, and reports whether it had room.
func (l *lane) add(j *job, b *batch, i int32, limit int) bool {
	c := j.c
	j.msg.reset(b.format)
	if res := j.encode(int(i), &j.msg); res != nil {
		j.results[i] = *res
		return true
	}
	if len(b.items) == 0 {
		b.first, b.last = j.msg.time, j.msg.time
	}
	mark := len(c.records)
	if b.format == sets {
		c.records = j.msg.appendToSet(c.records, len(b.items))
	} else {
		c.records = j.msg.appendTo(c.records, b.first, len(b.items))
	}
	if limit > 0 && len(c.records) > limit && len(b.items) > 0 {
		c.records = c.records[:mark]
		return false
	}
	b.items = append(b.items, i)
	b.last = max(b.last, j.msg.time)
	return true
}

// encodeAhead makes the next batches while those before them are in flight.
func (j *job) encodeAhead() {
	for _, l := range j.lanes {
		if l.flying && l.next == nil && !l.batch.alone && l.batch.end < len(l.items) {
			if l.next = l.fill(j, l.items[l.batch.end:], j.c.limit(l.topic)); l.next == nil {
				l.batch.end = len(l.items)
			}
		}
	}
}

// unload has the batch and the one behind it made anew, of what is not settled,
// after the broker has refused it: brokers look at a batch before they append it,
// so that its number is free if it was sent just once. If it was sent before, the
// number is used up.
func (l *lane) unload(j *job) {
	if l.sends > 1 && l.numbered {
		l.restart(j)
	}
	l.drop(j)
}

func (l *lane) drop(j *job) {
	j.c.release(l.batch)
	j.c.release(l.next)
	l.batch, l.next = nil, nil
	l.sends, l.corrupts = 0, 0
}

// fail has the batch sent again, or gives up what is left in the lane. Nothing
// behind the batch is sent before it: the order would be lost.
func (l *lane) fail(j *job, m meaning, cause *record.Cause) {
	l.cause = cause
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
	case oldFormat:
		if l.batch.format == numbered {
			j.c.withoutHeaders(l.topic, "")
			l.waits = time.Time{}
			l.drop(j)
			if none := j.headersNeeded(l.topic); none != nil {
				l.cause, l.stuck = none, true
			}
		} else {
			l.stuck, cause.Permanent = true, true
		}
	case hold:
		l.stuck = true
	case stored, again, split, refused, corrupt:
		// The same again; the others are not for us.
	}
}

// restart numbers the lane's batches from 0.
func (l *lane) restart(j *job) {
	if !l.sequence.restart() {
		j.c.forget(l.source) // a new id has epochs again
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
		l.sequence.pending = nil
	}
	if l.sends > 0 && l.numbered && l.batch != nil {
		l.sequence.pending = j.prints(l.batch.items)
		if l.of != (incarnation{}) {
			l.sequence.of = l.of
		}
	}
	for _, s := range l.suspects {
		j.results[s.item].Cause = s.cause
	}
	for _, i := range l.items[l.at:] {
		if r := &j.results[i]; r.Outcome == record.Unsettled && r.Cause == nil {
			r.Cause = l.cause
		}
	}
	l.drop(j)
}
