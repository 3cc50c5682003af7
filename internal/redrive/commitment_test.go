package redrive

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is committed comes back, and the text is no longer than is reckoned with.
func TestCommitmentComesBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]commitment{
		"nothing done": begun(7),
		"all done":     {window: window{next: 90}, base: 7, partitions: 3},
		"letters stay": {window: window{open: []span{{40, 41}, {50, 60}}, next: 90}, base: 40, partitions: 3},
		"the largest":  {window: window{next: math.MaxInt64}, base: math.MaxInt64, partitions: math.MaxInt32},
	} {
		again, err := readCommitment(c.commit(), c.metadata())
		require.NoError(t, err, name)
		assert.Equal(t, c, again, name)
		assert.LessOrEqual(t, len(c.metadata())-len(c.pack()), headBytes, name)
	}
}

// A group that another program has used before says where that program was, and
// nothing of what lies before is ours to delete.
func TestCommitmentOfAnotherProgram(t *testing.T) {
	t.Parallel()
	for _, metadata := range []string{"", "etl-host-1", "2:1:0:"} {
		c, err := readCommitment(7, metadata)
		require.NoError(t, err, metadata)
		assert.Equal(t, commitment{window: window{next: 7}, base: 7}, c, metadata)
	}
}

// Metadata that is redrive's and not understood is never passed over: letters
// would be sent twice, or lost.
func TestCommitmentNotUnderstood(t *testing.T) {
	t.Parallel()
	for _, metadata := range []string{
		"redrive1:", "redrive3:1:0:", "redrive2:", "redrive2:1", "redrive2:1:0", "redrive2:x:0:", "redrive2:1:x:", "redrive2:-1:0:", "redrive2:1:-1:",
		"redrive2:1:8:",          // begins behind what is committed
		"redrive2:1:0:%",         // no base64
		"redrive2:1:0:AAAA",      // no flate
		"redrive2:1:0:YmRg",      // cut
		"redrive2:4294967297:0:", // more partitions than can be
	} {
		_, err := readCommitment(7, metadata)
		require.ErrorIs(t, err, errMetadata, metadata)
	}
}
