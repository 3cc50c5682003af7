package policy

import (
	"fmt"
	"slices"
	"time"
)

// Apply tells the partition what happened at a time.
func (p *Partition) Apply(now time.Time, e Event) (o Outcome) {
	switch e := e.(type) {
	case Assigned:
		p.assigned(e, &o)
	case Fetched:
		p.fetched(e, &o)
	case OutOfRange:
		p.outOfRange(now, e, &o)
	case Checked:
		if p.active() && e.From == p.read.Offset && e.EpochEnd.before(e.From) {
			p.rewind(move{to: e.EpochEnd}, &o)
		}
	case Recreated:
		p.recreated(e, &o)
	case FetchFailed:
		p.fetchFailed(now, e, &o)
	case EndOfLog:
		p.end = max(p.end, e.End)
	case Drained:
		if p.active() && p.state == Waiting {
			p.next = p.read
			p.rest(&o)
		}
	case Evicted:
		if p.active() && p.reason == nil && p.state != Delivering {
			p.read, o.Drop = p.next, true
		}
	case Passed:
		if p.holds(e.From) && e.Next.Offset <= p.read.Offset {
			p.next, p.state, p.failed = e.Next, Waiting, 0
			p.rest(&o)
		}
	case Refused:
		if p.holds(e.From) {
			p.stop(e.Err, &o)
		}
	case Deliver, Delivered, DeliveryFailed, GivenUp:
		p.delivery(now, e, &o)
	case Committed:
		p.committed, p.committedAt = e.At, now
	case CommitFailed: // what is to be committed stays so
	case Revoked:
		p.over = true
	case Lost:
		p.over, p.lost = true, true
	case StopRequested:
		p.halt = true
	}
	return o
}

// holds reports whether an offset is the next one, and was fetched.
func (p *Partition) holds(offset int64) bool {
	return p.active() && p.state != Delivering && offset == p.next.Offset && offset < p.read.Offset
}

func (p *Partition) assigned(e Assigned, o *Outcome) {
	if p.known || p.over {
		return
	}
	p.known, p.start, p.end = true, e.Start, e.End
	p.next, p.committed, p.marks = e.Commit, e.Commit, slices.Clone(e.Marks)
	switch at := e.Commit.Offset; {
	case at < 0 && e.Later:
		p.next = Place{e.Start, -1}
	case at < 0:
		p.next = Place{e.Position, -1}
	case e.Another:
		p.goTo(Place{e.Start, -1}, o)
		p.committed, p.marks = Nowhere, nil
	case e.EpochEnd.before(at):
		p.goTo(e.EpochEnd.notBefore(e.Start), o)
	case at < e.Start:
		p.gap(at, e.Start, o)
		p.next = Place{e.Start, -1}
	}
	// A commit beyond End is judged when the broker refuses to read there: right
	// after a change of the leader a log may seem shorter than it is.
	p.read = p.next
}

func (p *Partition) gap(from, to int64, o *Outcome) {
	p.gaps += to - from
	o.note(Note{Kind: Gap, From: from, To: to})
}

// goTo has the next record be another one.
func (p *Partition) goTo(to Place, o *Outcome) {
	if to.Offset != p.next.Offset {
		o.note(Note{Kind: Rewound, From: p.next.Offset, To: to.Offset})
	}
	p.next = to
	p.forgetMarks(to.Offset)
}

func (p *Partition) fetched(e Fetched, o *Outcome) {
	// What was asked for before the log changed is another log's.
	if !p.active() || p.reason != nil || p.moved != nil || e.From != p.read.Offset {
		return
	}
	p.faults = faults{}
	if e.Start >= 0 {
		p.start = e.Start
	}
	if e.End >= 0 {
		p.end = e.End
	}
	switch {
	case e.Next.Offset > p.read.Offset:
		p.read = e.Next
		o.Keep = e.Records > 0
	case p.state == Retrying && p.read.Offset < p.batch.Next.Offset:
		// The log ends before a batch that was evicted: it will not come again.
		p.state, p.failed = Waiting, 0
	}
}

func (p *Partition) outOfRange(now time.Time, e OutOfRange, o *Outcome) {
	if !p.active() || p.reason != nil || p.moved != nil || e.From != p.read.Offset {
		return
	}
	p.start, p.end = e.Start, e.End
	switch {
	case e.From < e.Start:
		p.gap(e.From, e.Start, o)
		at := Place{e.Start, -1}
		if p.next.Offset == e.From && p.state != Delivering {
			// A batch that was to come again is gone, or at least its beginning.
			p.next, p.state, p.failed = at, Waiting, 0
		}
		p.read = at
	case e.EpochEnd.before(e.From):
		p.rewind(move{to: e.EpochEnd.notBefore(e.Start)}, o)
	case e.From > e.End:
		p.rewind(move{to: Place{e.Start, -1}, another: true}, o)
	default: // it is there after all
		p.faults.add(now, Moved)
	}
}

func (p *Partition) recreated(e Recreated, o *Outcome) {
	if !p.active() {
		return
	}
	p.start, p.end = e.Start, e.Start
	p.reason = nil // why reading was to end was the other log's
	p.faults = faults{}
	p.rewind(move{to: Place{e.Start, -1}, another: true}, o)
	p.committed = Nowhere
}

// rewind follows a log that changed. During a delivery it waits for its end:
// what the function handles is another log's then, or at least what comes behind
// m.to is.
func (p *Partition) rewind(m move, o *Outcome) {
	if p.state == Delivering {
		if p.moved == nil || m.another || !p.moved.another && m.to.Offset < p.moved.to.Offset {
			p.moved = &m
		}
		return
	}
	o.Drop = true
	if p.state == Retrying && (m.another || m.to.Offset < p.batch.Next.Offset) {
		p.state, p.failed = Waiting, 0
	}
	if m.another || m.to.Offset < p.next.Offset {
		p.goTo(m.to, o)
	}
	if m.another {
		p.forgetMarks(0)
	}
	p.read = p.next
}

func (p *Partition) fetchFailed(now time.Time, e FetchFailed, o *Outcome) {
	if !p.active() || p.reason != nil || p.moved != nil || e.From != p.read.Offset {
		return
	}
	first, enough := p.faults.add(now, e.Kind)
	if first && e.Kind != Moved {
		o.note(Note{Kind: Trouble, From: e.From, Err: e.Err})
	}
	if enough {
		p.reason = e.Err
		p.rest(o)
	}
}

// rest stops a partition that nothing more can be read of, when all that was
// read is handled.
func (p *Partition) rest(o *Outcome) {
	if p.reason != nil && !p.over && p.state == Waiting && p.next.Offset >= p.read.Offset {
		p.stop(p.reason, o)
	}
}

func (p *Partition) stop(err error, o *Outcome) {
	p.state, p.reason = Stopped, err
	o.Drop = true
	o.note(Note{Kind: Stop, From: p.next.Offset, Err: err})
}

func (p *Partition) delivery(now time.Time, e Event, o *Outcome) {
	if d, ok := e.(Deliver); ok {
		if from, ok := p.MayDeliver(); ok && !now.Before(from) && d.Next.Offset <= p.read.Offset {
			if p.state == Waiting {
				p.failed = 0
			}
			p.state, p.batch = Delivering, d.Batch
		}
		return
	}
	if p.state != Delivering {
		return
	}
	switch e := e.(type) {
	case Delivered:
		p.state, p.failed, p.next = Waiting, 0, p.batch.Next
		p.marks = addMark(p.marks, Mark{p.batch.Last, p.batch.Sum})
	case GivenUp:
		p.state = Waiting
	case DeliveryFailed:
		p.failed++
		p.state, p.due = Retrying, now.Add(wait(p.failed))
		if p.failed > p.Retries && p.moved == nil {
			p.stop(fmt.Errorf("records %d to %d were delivered %d times and are not settled: %w",
				p.batch.First, p.batch.Last, p.failed, e.Err), o)
			return
		}
		o.note(Note{Kind: Retry, From: p.batch.First, To: p.batch.Last, Wait: wait(p.failed), Err: e.Err})
	}
	if m := p.moved; m != nil {
		p.moved = nil
		p.rewind(*m, o)
	}
	p.rest(o)
}
