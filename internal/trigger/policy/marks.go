package policy

import "slices"

// Mark is a record that was handled, and a checksum of it. If the log has
// another record there, or none, it lost its tail or is another log, even if its
// offsets and epochs do not tell: a broker that lost the end of its disk goes on
// in the same epoch, and brokers before 2.8 do not tell a topic from another of
// the same name.
type Mark struct {
	Offset int64
	Sum    uint32
}

// How many marks are kept, and how many of the last ones in any case.
const (
	mostMarks = 24
	lastMarks = 8
)

// addMark adds a mark. Of the older ones every second goes, again and again, so
// that the way back to the one before a loss is no more than about twice as far
// as the loss.
func addMark(marks []Mark, m Mark) []Mark {
	marks = append(marks, m)
	if len(marks) <= mostMarks {
		return marks
	}
	kept := marks[:0]
	for i := range marks {
		if i%2 == 0 || i >= len(marks)-lastMarks {
			kept = append(kept, marks[i])
		}
	}
	return kept
}

// Marks returns what is known of records that were handled, the last one first.
// The caller may keep it.
func (p *Partition) Marks() []Mark {
	marks := make([]Mark, 0, len(p.marks))
	for _, m := range slices.Backward(p.marks) {
		marks = append(marks, m)
	}
	return marks
}

// forgetMarks forgets those from an offset on.
func (p *Partition) forgetMarks(from int64) {
	n := len(p.marks)
	for n > 0 && p.marks[n-1].Offset >= from {
		n--
	}
	p.marks = p.marks[:n]
}
