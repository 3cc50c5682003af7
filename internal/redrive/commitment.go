package redrive

import (
	"fmt"
	"strconv"
	"strings"
)

// maxMetadata is how much text a committed offset may carry: the brokers'
// offset.metadata.max.bytes, by default.
const maxMetadata = 4096

const (
	// Before the version comes what any version of redrive writes: what is not
	// understood is then at least not taken for another program's.
	anyPrefix        = "redrive"
	commitmentPrefix = anyPrefix + "2:"
	// headBytes is what the text needs besides the window, at most: the prefix,
	// a number of partitions and an offset.
	headBytes = 48
)

// commitment is what a group has committed of a partition.
type commitment struct {
	window
	// base is where the account begins: what lies before it was passed over by
	// another program that used the group, and is not redrive's to delete.
	base int64
	// partitions is how many the topic had when it was committed; 0: nobody
	// says. All partitions are committed together, so one that has no commit
	// and is not among those was added later.
	partitions int32
}

// begun is the commitment of a partition of which nothing is done.
func begun(offset int64) commitment { return commitment{window: window{next: offset}, base: offset} }

// metadata is the text that travels with the committed offset.
func (c *commitment) metadata() string {
	return fmt.Sprintf("%s%d:%d:%s", commitmentPrefix, c.partitions, c.base, c.pack())
}

// readCommitment is the commitment of an offset and its metadata. If they are
// another program's, everything before the offset is passed over, and all of it
// is that program's.
func readCommitment(offset int64, metadata string) (commitment, error) {
	text, ours := strings.CutPrefix(metadata, commitmentPrefix)
	if !ours {
		if strings.HasPrefix(metadata, anyPrefix) {
			return begun(offset), errMetadata
		}
		return begun(offset), nil
	}
	partitions, rest, _ := strings.Cut(text, ":")
	begins, packed, whole := strings.Cut(rest, ":")
	n, err := strconv.ParseInt(partitions, 10, 32)
	base, baseErr := strconv.ParseInt(begins, 10, 64)
	if !whole || err != nil || baseErr != nil || n < 0 || base < 0 || base > offset {
		return begun(offset), errMetadata
	}
	w, err := unpackWindow(offset, packed)
	if err != nil {
		return begun(offset), err
	}
	return commitment{window: w, base: base, partitions: int32(n)}, nil
}
