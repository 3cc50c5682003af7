package event_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/record"
)

func eventOf(elements int, element func(i int) string) string {
	list := make([]string, elements)
	for i := range list {
		list[i] = element(i)
	}
	return `{"Records":[` + strings.Join(list, ",") + `]}`
}

func sound(i int) string   { return fmt.Sprintf(`{"Ckafka":{"offset":%d,"msgBody":"b"}}`, i) }
func malformed(int) string { return `1` }

// Three million elements of an event of 6 MB took 1.5 GB. The trigger sends
// 10,000 records at most; an event of far more, or of more malformed ones, is
// none of its.
func TestDecodeBounds(t *testing.T) {
	mixed := func(i int) string {
		if i%2 == 0 {
			return malformed(i)
		}
		return sound(i)
	}
	for _, c := range []struct {
		name, payload string
		records       int
		reason        string
	}{
		{"as many as there may be", eventOf(100_000, sound), 100_000, ""},
		{"one more", eventOf(100_001, sound), 0, "it has more than 100000 records, the trigger sends at most 10000 at byte"},
		{"as many malformed ones as there may be", eventOf(10_000, malformed), 10_000, ""},
		{"one more of them", eventOf(10_001, malformed), 0, "more than 10000 of its records are malformed at byte"},
		{"among others", eventOf(20_000, mixed), 20_000, ""},
		{"one more among others", eventOf(20_001, mixed), 0, "more than 10000 of its records are malformed"},
		{"one more in another list", strings.TrimSuffix(eventOf(10_000, malformed), "}") + `,"Records":[1]}`, 0, "more than 10000 of its records are malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			recs, err := decode(c.payload)
			if c.reason != "" {
				require.ErrorAs(t, err, new(*event.PayloadError))
				require.ErrorContains(t, err, c.reason)
				return
			}
			require.NoError(t, err)
			require.Len(t, recs, c.records)
			for i := range recs {
				require.Equal(t, i, recs[i].Pos)
			}
		})
	}
}

// A list that grows step by step takes twice the space of what it ends with.
// Records that are alike are counted by the first ones; those that are not cost
// little.
func TestDecodeTakesTheSpaceItNeeds(t *testing.T) {
	long := func(i int) string {
		return fmt.Sprintf(`{"Ckafka":{"offset":%d,"msgBody":"%s"}}`, i, strings.Repeat("x", 500))
	}
	for name, c := range map[string]struct {
		element func(i int) string
		n       int
	}{
		"all alike":         {sound, 50_000},
		"tiny, then long":   {func(i int) string { return map[bool]func(int) string{true: malformed, false: long}[i == 0](i) }, 5_000},
		"long, then short":  {func(i int) string { return map[bool]func(int) string{true: long, false: sound}[i < 10](i) }, 50_000},
		"short, then long":  {func(i int) string { return map[bool]func(int) string{true: sound, false: long}[i < 500](i) }, 8_000},
		"one after another": {func(i int) string { return map[bool]func(int) string{true: sound, false: long}[i%2 == 0](i) }, 10_000},
	} {
		t.Run(name, func(t *testing.T) {
			recs, err := decode(eventOf(c.n, c.element))
			require.NoError(t, err)
			require.Len(t, recs, c.n)
			require.LessOrEqual(t, cap(recs), 5*c.n/2)
			if name == "all alike" {
				require.LessOrEqual(t, cap(recs), c.n+c.n/8)
			}
		})
	}
	var d event.Decoder
	recs, err := d.Decode([]byte(eventOf(100, sound)), time.Time{}, make([]record.Record, 0, 100))
	require.NoError(t, err)
	require.Equal(t, 100, cap(recs), "space that is there is used")
}
