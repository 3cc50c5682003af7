//go:build e2e

package trigger

import (
	"encoding/binary"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// begin has the step's records written, and returns when some were delivered.
func (c *chaos) begin(t *testing.T, portion func()) {
	t.Helper()
	batches := count(c.trigger.all(), "batch")
	portion()
	c.trigger.await(t, "a batch", atLeast(batches+1, "batch"))
}

// truncateLog kills the broker, whose disk has lost the end of a partition: some
// records that were delivered long ago, and those of this step. Others take
// their offsets.
func (c *chaos) truncateLog(t *testing.T, portion func()) (lost int) {
	t.Helper()
	p := c.random.IntN(len(c.logs))
	settled := len(c.logs[p])
	if settled == 0 {
		p, settled = 0, len(c.logs[0])
	}
	c.begin(t, portion)
	c.kafka.Kill()
	file := segment(c.dir, int32(p))
	log, err := os.ReadFile(file)
	require.NoError(t, err)
	begin, _ := batchAt(t, log, int64(max(0, settled-1-c.random.IntN(50))))
	offset := int64(binary.BigEndian.Uint64(log[begin:]))
	require.NoError(t, os.Truncate(file, int64(begin)))
	require.NoError(t, c.kafka.Restart(t.Context()))
	lost = len(c.logs[p]) - int(offset)
	for _, i := range c.logs[p][offset:] {
		c.gone[i] = true
	}
	c.logs[p] = c.logs[p][:offset]
	c.connect(t)
	portion()
	return lost
}

// makeTopicAnew deletes the topic in the middle of work, and makes another of the
// same name.
func (c *chaos) makeTopicAnew(t *testing.T, portion func()) (lost int) {
	t.Helper()
	c.begin(t, portion)
	for _, log := range c.logs {
		for _, i := range log {
			if i >= c.first { // all before are settled
				c.gone[i] = true
				lost++
			}
		}
	}
	deleteTopic(t, c.producer)
	require.NoError(t, c.kafka.CreateTopic(t.Context(), topic, partitions, nil))
	c.logs = make([][]int, partitions)
	c.connect(t)
	portion()
	return lost
}

// addPartition adds one in the middle of work, which is written to before anybody
// reads it.
func (c *chaos) addPartition(t *testing.T, portion func()) int {
	t.Helper()
	c.begin(t, portion)
	c.logs = append(c.logs, nil)
	addPartitions(t, c.producer, len(c.logs))
	c.connect(t)
	portion()
	return 1
}

// sessionTimeout is how long the group waits for a member that is silent.
const sessionTimeout = 15 * time.Second

// loseCoordinator has the group's coordinator hang for longer than the session of
// its members lasts.
func (c *chaos) loseCoordinator(t *testing.T, portion func()) int {
	t.Helper()
	c.begin(t, portion)
	c.portionMore(t)
	require.NoError(t, c.kafka.Pause())
	over := time.NewTimer(sessionTimeout + 5*time.Second)
	defer over.Stop()
	<-over.C
	require.NoError(t, c.kafka.Resume())
	return 1
}

// restartTriggers has three of them, of which each is ended in good order and
// another takes its place, while records come.
func (c *chaos) restartTriggers(t *testing.T, portion func()) (restarted int) {
	t.Helper()
	members := []*etlctl{c.trigger, c.another(t), c.another(t)}
	for _, e := range members[1:] {
		e.await(t, "its share", atLeast(1, "assigned"))
	}
	portion()
	for i, e := range members {
		c.portionMore(t)
		lost := count(e.all(), "lost") // to earlier faults
		require.NoError(t, e.interrupt(t))
		assert.Equal(t, lost, count(e.all(), "lost"))
		members[i] = c.another(t)
		members[i].await(t, "its share", atLeast(1, "assigned"))
	}
	for _, e := range members[1:] {
		require.NoError(t, e.interrupt(t))
	}
	c.trigger = members[0]
	return len(members)
}
