package policy_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/trigger/policy"
)

var (
	begin = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	errX  = errors.New("x")
)

func at(offset int64) policy.Place { return policy.Place{Offset: offset, Epoch: 3} }

// assigned is an assignment that begins at 100 of a log from 10 to 200.
var assigned = policy.Assigned{Commit: at(100), EpochEnd: at(200), Start: 10, End: 200}

// batch is the one that the states below deliver.
var batch = policy.Batch{First: 100, Last: 109, Records: 10, Next: at(110)}

// states are all there are, and how a partition gets there. What is read goes up
// to 120.
var states = []struct {
	name   string
	events []policy.Event
}{
	{"unknown", nil},
	{"waiting", []policy.Event{assigned, policy.Committed{At: at(100)}}},
	{"ahead", []policy.Event{assigned, policy.Committed{At: at(100)}, fetched}},
	{"delivering", []policy.Event{assigned, policy.Committed{At: at(100)}, fetched, policy.Deliver{Batch: batch}}},
	{"moved", []policy.Event{
		assigned,
		policy.Committed{At: at(100)},
		fetched,
		policy.Deliver{Batch: batch},
		policy.Checked{From: 120, EpochEnd: at(105)},
	}},
	{"retrying", []policy.Event{
		assigned, policy.Committed{At: at(100)}, fetched, policy.Deliver{Batch: batch}, policy.DeliveryFailed{Err: errX},
	}},
	{"evicted", []policy.Event{
		assigned, policy.Committed{At: at(100)}, fetched, policy.Deliver{Batch: batch}, policy.DeliveryFailed{Err: errX}, policy.Evicted{},
	}},
	{"stopped", []policy.Event{assigned, policy.Committed{At: at(100)}, fetched, policy.Refused{From: 100, Err: errX}}},
	{"ending", []policy.Event{assigned, policy.Committed{At: at(100)}, fetched, policy.StopRequested{}}},
	{"revoked", []policy.Event{assigned, policy.Committed{At: at(100)}, fetched, policy.Revoked{}}},
}

var fetched = policy.Fetched{From: 100, Next: at(120), Records: 20, Start: 10, End: 200}

// events are all there are.
var events = []struct {
	name  string
	event policy.Event
}{
	{"assigned, with a commit", assigned},
	{"assigned, without a commit", policy.Assigned{Commit: policy.Nowhere, EpochEnd: policy.Nowhere, Start: 10, End: 200, Position: 150}},
	{"assigned, added later", policy.Assigned{Commit: policy.Nowhere, EpochEnd: policy.Nowhere, Start: 10, End: 200, Later: true}},
	{"assigned, commit before the start", policy.Assigned{Commit: at(4), EpochEnd: at(200), Start: 10, End: 200}},
	{"assigned, commit behind the end", policy.Assigned{Commit: at(300), EpochEnd: policy.Nowhere, Start: 10, End: 200}},
	{"assigned, commit behind its epoch", policy.Assigned{Commit: at(100), EpochEnd: at(80), Start: 10, End: 200}},
	{"assigned, commit of another topic", policy.Assigned{Commit: at(100), Another: true, EpochEnd: at(200), Start: 10, End: 200}},
	{"fetched next", policy.Fetched{From: 120, Next: at(130), Records: 10, Start: 10, End: 200}},
	{"fetched at 100", fetched},
	{"fetched no records, only markers", policy.Fetched{From: 120, Next: at(122), Start: 10, End: 200}},
	{"end of log", policy.Fetched{From: 120, Next: policy.Place{Offset: 120, Epoch: -1}, Start: 10, End: 120}},
	{"end of log at 100", policy.Fetched{From: 100, Next: policy.Place{Offset: 100, Epoch: -1}, Start: 10, End: 100}},
	{"end of log as asked", policy.EndOfLog{End: 250}},
	{"drained", policy.Drained{}},
	{"out of range: gap", policy.OutOfRange{From: 120, Start: 150, End: 200, EpochEnd: policy.Nowhere}},
	{"out of range: gap at 100", policy.OutOfRange{From: 100, Start: 150, End: 200, EpochEnd: policy.Nowhere}},
	{"out of range: lost its tail", policy.OutOfRange{From: 120, Start: 10, End: 115, EpochEnd: at(105)}},
	{"out of range: another log", policy.OutOfRange{From: 120, Start: 0, End: 30, EpochEnd: policy.Nowhere}},
	{"out of range: not after all", policy.OutOfRange{From: 120, Start: 0, End: 130, EpochEnd: policy.Nowhere}},
	{"truncated before what is read", policy.Checked{From: 120, EpochEnd: at(115)}},
	{"truncated before the batch's end", policy.Checked{From: 120, EpochEnd: at(105)}},
	{"truncated before next", policy.Checked{From: 120, EpochEnd: at(90)}},
	{"checked: nothing lost", policy.Checked{From: 120, EpochEnd: at(120)}},
	{"checked: unknown", policy.Checked{From: 120, EpochEnd: policy.Nowhere}},
	{"topic made anew", policy.Recreated{Start: 0}},
	{"fetch failed: moved", policy.FetchFailed{From: 120, Kind: policy.Moved, Err: errX}},
	{"fetch failed: gone", policy.FetchFailed{From: 120, Kind: policy.Gone, Err: errX}},
	{"fetch failed: denied", policy.FetchFailed{From: 120, Kind: policy.Denied, Err: errX}},
	{"fetch failed: storage", policy.FetchFailed{From: 120, Kind: policy.Storage, Err: errX}},
	{"fetch failed: corrupt", policy.FetchFailed{From: 120, Kind: policy.Corrupt, Err: errX}},
	{"fetch failed: other", policy.FetchFailed{From: 120, Kind: policy.Other, Err: errX}},
	{"evicted", policy.Evicted{}},
	{"deliver", policy.Deliver{Batch: batch}},
	{"delivered", policy.Delivered{}},
	{"delivery failed", policy.DeliveryFailed{Err: errX}},
	{"given up", policy.GivenUp{}},
	{"passed", policy.Passed{From: 100, Next: at(101)}},
	{"refused", policy.Refused{From: 100, Err: errX}},
	{"committed", policy.Committed{At: at(100)}},
	{"commit failed", policy.CommitFailed{}},
	{"revoked", policy.Revoked{}},
	{"lost", policy.Lost{}},
	{"stop requested", policy.StopRequested{}},
}

// unchanged is what an event leaves a state in if it means nothing there.
var unchanged = map[string]string{
	"unknown": "?", "waiting": "waiting 100/100", "ahead": "waiting 100/120",
	"delivering": "delivering 100/120", "moved": "delivering 100/120",
	"retrying": "retrying 100/120", "evicted": "retrying 100/100", "stopped": "stopped 100/120", "ending": "waiting 100/120", "revoked": "waiting 100/120 over",
}

// changes is what becomes of a state with an event: the state, the next offset
// to deliver and to fetch, and what is said; "drop" and "keep" concern what was
// fetched. What is not here changes nothing.
var changes = map[string]map[string]string{
	"unknown": {
		"assigned, with a commit":           "waiting 100/100 commit", // before it expires
		"assigned, without a commit":        "waiting 150/150 commit",
		"assigned, added later":             "waiting 10/10 commit",
		"assigned, commit before the start": "waiting 10/10 commit; gap 4-10",
		"assigned, commit behind the end":   "waiting 300/300 commit", // the broker will say more
		"assigned, commit behind its epoch": "waiting 80/80 commit; rewound 100-80",
		"assigned, commit of another topic": "waiting 10/10 commit; rewound 100-10",
		"revoked":                           "? over",
		"lost":                              "? over",
		"stop requested":                    "?",
	},
	"waiting": {
		"fetched at 100":           "waiting 100/120 keep",
		"out of range: gap at 100": "waiting 150/150 commit; gap 100-150",
		"topic made anew":          "waiting 0/0 commit drop; rewound 100-0",
		"evicted":                  "waiting 100/100 drop",
	},
	"ahead": {
		"fetched next":                     "waiting 100/130 keep",
		"fetched no records, only markers": "waiting 100/122",
		"drained":                          "waiting 120/120 commit",
		"out of range: gap":                "waiting 100/150; gap 120-150",
		"out of range: lost its tail":      "waiting 100/100 drop",
		"out of range: another log":        "waiting 0/0 commit drop; rewound 100-0",
		"truncated before what is read":    "waiting 100/100 drop",
		"truncated before the batch's end": "waiting 100/100 drop",
		"truncated before next":            "waiting 90/90 commit drop; rewound 100-90",
		"topic made anew":                  "waiting 0/0 commit drop; rewound 100-0",
		"fetch failed: gone":               "waiting 100/120; trouble 120",
		"fetch failed: denied":             "waiting 100/120; trouble 120",
		"fetch failed: storage":            "waiting 100/120; trouble 120",
		"fetch failed: corrupt":            "waiting 100/120; trouble 120",
		"fetch failed: other":              "waiting 100/120; trouble 120",
		"evicted":                          "waiting 100/100 drop",
		"deliver":                          "delivering 100/120",
		"passed":                           "waiting 101/120 commit",
		"refused":                          "stopped 100/120 drop; stop 100",
	},
	"delivering": {
		"fetched next":                     "delivering 100/130 keep",
		"fetched no records, only markers": "delivering 100/122",
		"out of range: gap":                "delivering 100/150; gap 120-150",
		"fetch failed: gone":               "delivering 100/120; trouble 120",
		"fetch failed: denied":             "delivering 100/120; trouble 120",
		"fetch failed: storage":            "delivering 100/120; trouble 120",
		"fetch failed: corrupt":            "delivering 100/120; trouble 120",
		"fetch failed: other":              "delivering 100/120; trouble 120",
		"delivered":                        "waiting 110/120 commit",
		"delivery failed":                  "retrying 100/120; retry 100-109",
		"given up":                         "waiting 100/120",
		// What the log lost shows when the delivery has ended: see "moved".
	},
	"moved": {
		// Of the batch 100 to 109 the log has 100 to 104 still.
		"delivered":       "waiting 105/105 commit drop; rewound 110-105",
		"delivery failed": "waiting 100/100 drop; retry 100-109",
		"given up":        "waiting 100/100 drop",
	},
	"retrying": {
		"fetched next":                     "retrying 100/130 keep",
		"fetched no records, only markers": "retrying 100/122",
		"out of range: gap":                "retrying 100/150; gap 120-150",
		"out of range: lost its tail":      "waiting 100/100 drop", // the batch is not what it was
		"out of range: another log":        "waiting 0/0 commit drop; rewound 100-0",
		"truncated before what is read":    "retrying 100/100 drop", // the batch is, and comes again
		"truncated before the batch's end": "waiting 100/100 drop",
		"truncated before next":            "waiting 90/90 commit drop; rewound 100-90",
		"topic made anew":                  "waiting 0/0 commit drop; rewound 100-0",
		"fetch failed: gone":               "retrying 100/120; trouble 120",
		"fetch failed: denied":             "retrying 100/120; trouble 120",
		"fetch failed: storage":            "retrying 100/120; trouble 120",
		"fetch failed: corrupt":            "retrying 100/120; trouble 120",
		"fetch failed: other":              "retrying 100/120; trouble 120",
		"evicted":                          "retrying 100/100 drop",
		"deliver":                          "delivering 100/120",
		"passed":                           "waiting 101/120 commit",
		"refused":                          "stopped 100/120 drop; stop 100",
	},
	"evicted": {
		"fetched at 100":           "retrying 100/120 keep",
		"end of log at 100":        "waiting 100/100", // the batch will not come again
		"out of range: gap at 100": "waiting 150/150 commit; gap 100-150",
		"topic made anew":          "waiting 0/0 commit drop; rewound 100-0",
		"evicted":                  "retrying 100/100 drop",
	},
	"stopped": {},
	"ending": {
		// As "ahead", but nothing is delivered any more.
		"fetched next":                     "waiting 100/130 keep",
		"fetched no records, only markers": "waiting 100/122",
		"drained":                          "waiting 120/120 commit",
		"out of range: gap":                "waiting 100/150; gap 120-150",
		"out of range: lost its tail":      "waiting 100/100 drop",
		"out of range: another log":        "waiting 0/0 commit drop; rewound 100-0",
		"truncated before what is read":    "waiting 100/100 drop",
		"truncated before the batch's end": "waiting 100/100 drop",
		"truncated before next":            "waiting 90/90 commit drop; rewound 100-90",
		"topic made anew":                  "waiting 0/0 commit drop; rewound 100-0",
		"fetch failed: gone":               "waiting 100/120; trouble 120",
		"fetch failed: denied":             "waiting 100/120; trouble 120",
		"fetch failed: storage":            "waiting 100/120; trouble 120",
		"fetch failed: corrupt":            "waiting 100/120; trouble 120",
		"fetch failed: other":              "waiting 100/120; trouble 120",
		"evicted":                          "waiting 100/100 drop",
		"passed":                           "waiting 101/120 commit",
		"refused":                          "stopped 100/120 drop; stop 100",
	},
	"revoked": {},
}

func TestEveryEventInEveryState(t *testing.T) {
	for _, s := range states {
		for _, e := range events {
			t.Run(s.name+"/"+e.name, func(t *testing.T) {
				p := &policy.Partition{Retries: 5}
				for _, before := range s.events {
					p.Apply(begin, before)
				}
				require.Equal(t, unchanged[s.name], describe(p, policy.Outcome{}), "the state itself")
				o := p.Apply(begin.Add(time.Second), e.event)
				want, ok := changes[s.name][e.name]
				if !ok {
					want = unchanged[s.name]
					switch e.name {
					case "revoked", "lost":
						want = strings.TrimSuffix(want, " over") + " over"
					}
				}
				assert.Equal(t, want, describe(p, o))
			})
		}
	}
}

// The table has every kind of event there is, and no name that is none.
func TestTableIsComplete(t *testing.T) {
	kinds, names := map[reflect.Type]bool{}, map[string]bool{}
	for _, e := range events {
		kinds[reflect.TypeOf(e.event)] = true
		names[e.name] = true
	}
	assert.Len(t, kinds, 20)
	for s, row := range changes {
		require.Contains(t, unchanged, s)
		for name := range row {
			assert.Contains(t, names, name)
		}
	}
}

// describe puts a partition into words: its state, the next offset to deliver
// and to fetch, and what came of the last event.
func describe(p *policy.Partition, o policy.Outcome) string {
	var b strings.Builder
	if p.Known() {
		fmt.Fprintf(&b, "%v %d/%d", p.State(), p.Next(), p.Read().Offset)
		if _, due := p.Commit(begin.Add(time.Second)); due {
			b.WriteString(" commit")
		}
	} else {
		b.WriteString("?")
	}
	if o.Keep {
		b.WriteString(" keep")
	}
	if o.Drop {
		b.WriteString(" drop")
	}
	if p.Over() {
		b.WriteString(" over")
	}
	for _, n := range o.Notes {
		name := []string{"", "gap", "rewound", "retry", "stop", "trouble"}[n.Kind]
		fmt.Fprintf(&b, "; %s %d", name, n.From)
		if slices.Contains([]policy.Kind{policy.Gap, policy.Rewound, policy.Retry}, n.Kind) {
			fmt.Fprintf(&b, "-%d", n.To)
		}
	}
	return b.String()
}
