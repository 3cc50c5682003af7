package trigger

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"ckafka-etl/internal/trigger/policy"
)

// tell reports what a partition's policy says. n has what it does not know.
func (t *Trigger) tell(w *worker, notes []policy.Note, n Notice) {
	for _, note := range notes {
		n := n
		n.Partition = w.partition
		switch note.Kind {
		case policy.Gap:
			n = Notice{Kind: Gap, Partition: w.partition, Offset: note.From, LastOffset: note.To - 1, Records: int(note.To - note.From)}
			t.gaps.Add(note.To - note.From)
		case policy.Rewound:
			n = Notice{Kind: Rewound, Partition: w.partition, Offset: note.To, LastOffset: note.From}
		case policy.Retry:
			n.Kind, n.Wait, n.Err = Retry, note.Wait, note.Err
		case policy.Stop:
			n.Kind, n.Offset, n.Err = Stopped, note.From, note.Err
		case policy.Trouble:
			n.Kind, n.Offset, n.Err = Trouble, note.From, note.Err
		}
		t.cfg.Report(n)
		if n.Kind == Stopped {
			t.partitionStopped()
		}
	}
}

// again is how long a cause that was told is not told again.
const again = 10 * time.Minute

// causes remembers what was told. The zero value is ready to use.
type causes struct {
	mu   sync.Mutex
	told map[string]time.Time
}

// first reports whether a cause is to be told.
func (c *causes) first(key string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if at, ok := c.told[key]; ok && now.Sub(at) < again {
		return false
	}
	if c.told == nil || len(c.told) > 1000 {
		c.told = make(map[string]time.Time)
	}
	c.told[key] = now
	return true
}

// once reports something that concerns no partition in particular, unless the
// same was reported a short time ago.
func (t *Trigger) once(kind Kind, where string, err error) {
	if err == nil || t.life.Err() != nil || !t.causes.first(string(kind)+where+causeOf(err)) {
		return
	}
	t.cfg.Report(Notice{Kind: kind, Partition: -1, Err: err})
}

// causeOf is what errors of the same cause have in common. The text of an error
// of the network has ports that differ each time.
func causeOf(err error) string {
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		return e.Message
	}
	return fmt.Sprintf("%T", root(err))
}

func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
