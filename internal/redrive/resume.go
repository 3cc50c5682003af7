package redrive

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// UncommittedError says that nobody knows which letters of a topic were
// redriven before, and what to do about it.
type UncommittedError struct {
	Group, Topic string
	// Missing are the partitions that hold letters and for which the group has
	// no offset. It may be that none was redriven yet. It may as well be that
	// the brokers have forgotten the offset: they do some time after it was
	// committed, a day or a week by default.
	Missing []int32
	// Behind are the partitions that end before what was dealt with already.
	Behind []int32
}

func (e *UncommittedError) Error() string {
	var said []string
	if len(e.Missing) > 0 {
		said = append(said, fmt.Sprintf("no committed offset of group %s for %s of %s: "+
			"it may have expired, and letters that were redriven before would be sent again", e.Group, partitionList(e.Missing), e.Topic))
	}
	if len(e.Behind) > 0 {
		said = append(said, fmt.Sprintf("the committed offset of group %s lies behind the end of %s of %s: "+
			"the topic was made anew, or the brokers have lost records", e.Group, partitionList(e.Behind), e.Topic))
	}
	return strings.Join(said, "; ") + "; --from-start sends all of them, which is right for a first run, " +
		"and with --since TIME only those that arrived since"
}

// partitionList names partitions, not too many of them.
func partitionList(list []int32) string {
	const most = 8
	what := "partition "
	if len(list) > 1 {
		what = "partitions "
	}
	names := make([]string, 0, most)
	for i, p := range list {
		if i == most {
			return what + strings.Join(names, ", ") + " and " + strconv.Itoa(len(list)-most) + " more"
		}
		names = append(names, strconv.Itoa(int(p)))
	}
	return what + strings.Join(names, ", ")
}

// resume says of each partition where to go on. Where a partition holds letters
// and nothing was committed for it, it is not known which of them are done: a
// committed offset expires, and then a group that has redriven everything looks
// like one that never did. So that is an error unless it was said that all are
// to be sent. It is known only of
//   - a partition that holds nothing: there is nothing to send;
//   - a partition that was not there yet when the group last committed, which it
//     does for all partitions together.
func (t *Topic) resume(found map[int32]commitment, begins, ends map[int32]int64) error {
	known := int32(0)
	for _, c := range found {
		known = max(known, c.partitions)
	}
	lost := &UncommittedError{Group: t.group, Topic: t.name}
	for p, begin := range begins {
		c, committed := found[p]
		switch {
		case committed && c.next <= ends[p]:
			c.drop(begin)
		case committed:
			lost.Behind = append(lost.Behind, p)
			c = begun(begin)
		default:
			if begin < ends[p] && (known == 0 || p < known) {
				lost.Missing = append(lost.Missing, p)
			}
			c = begun(begin)
		}
		c.partitions = int32(len(begins))
		t.parts[p] = &part{commitment: c, begin: begin, read: c.commit(), end: ends[p]}
		if c.base > begin {
			t.foreign = append(t.foreign, p)
		}
	}
	slices.Sort(lost.Missing)
	slices.Sort(lost.Behind)
	if !t.fromStart && len(lost.Missing)+len(lost.Behind) > 0 {
		return lost
	}
	return nil
}
