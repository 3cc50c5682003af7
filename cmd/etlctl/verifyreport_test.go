package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/internal/verify"
)

func verifyText(t require.TestingT, r *verify.Report, show int) string {
	var b strings.Builder
	cfg := &verify.Config{Source: verify.Topic{Name: "logs"}, Target: verify.Topic{Name: "copy"}}
	require.NoError(t, printVerify(&b, false, cfg, r, &verifyFlags{show: show}))
	return b.String()
}

func verifyReport(partitions ...verify.Counts) *verify.Report {
	r := &verify.Report{OrderSample: 1}
	for i, c := range partitions {
		r.Partitions = append(r.Partitions, verify.PartitionReport{Partition: int32(i), Counts: c})
	}
	return r
}

// A table of eleven columns was 104 wide with single digits.
func TestVerifyTableGoesOnBelow(t *testing.T) {
	const n = 200_000_000
	c := verify.Counts{Source: n, Target: n, Equal: n, Missing: n, Extra: n, Twice: n, Changed: n, Misplaced: n, OutOfOrder: n, Gone: n}
	r := verifyReport(c)
	r.Total = c
	text := verifyText(t, r, 20)
	requireNarrow(t, text)
	assert.Equal(t, `  partition       source       target        equal      missing        extra
          0  200,000,000  200,000,000  200,000,000  200,000,000  200,000,000
        all  200,000,000  200,000,000  200,000,000  200,000,000  200,000,000

  partition        twice      changed    misplaced  out of order         gone
          0  200,000,000  200,000,000  200,000,000   200,000,000  200,000,000
        all  200,000,000  200,000,000  200,000,000   200,000,000  200,000,000
`, text)
}

// A thousand partitions gave a thousand lines.
func TestVerifyOfManyPartitions(t *testing.T) {
	r := verifyReport(make([]verify.Counts, 1000)...)
	for p := range r.Partitions {
		r.Partitions[p].Counts = verify.Counts{Source: 10, Target: 10, Equal: 10}
		r.Partitions[p].From = int64(p)
	}
	for _, p := range []int{7, 300, 301, 999} {
		r.Partitions[p].Equal, r.Partitions[p].Missing = 9, 1
	}
	r.Total = verify.Counts{Source: 10_000, Target: 9996, Equal: 9996, Missing: 4}
	r.Findings = []verify.Finding{
		{Kind: verify.Missing, Records: 1, Source: &verify.Place{Partition: 7, Offset: 8, Last: 8}},
		{Kind: verify.Missing, Records: 1, Source: &verify.Place{Partition: 300, Offset: 301, Last: 301}},
	}
	assert.Equal(t, `  partition  source  target  equal  missing
          7      10      10      9        1
        300      10      10      9        1
   998 more
        all  10,000   9,996  9,996        4

source partition 1 is compared from offset 1 on
source partition 2 is compared from offset 2 on
and 997 more partitions of the source from a later offset than 0 on

missing       source 7/8
missing       source 300/301
missing       and 2 more
`, verifyText(t, r, 2))
}

func TestFindingText(t *testing.T) {
	at := func(partition int32, offset, last int64) *verify.Place {
		return &verify.Place{Partition: partition, Offset: offset, Last: last}
	}
	sized := at(3, 5, 5)
	sized.Key, sized.Body = new(-1), new(1200)
	for want, f := range map[string]verify.Finding{
		"missing       source 0/2–17  (16 records)":                           {Kind: verify.Missing, Records: 16, Source: at(0, 2, 17)},
		"missing       source 0/2–17  (4 records)":                            {Kind: verify.Missing, Records: 4, Source: at(0, 2, 17)},
		"extra         target 3/5 (key null, body 1,200 B)":                   {Kind: verify.Extra, Records: 1, Target: sized},
		"twice         source 0/2–17  target 1/9–30  (16 records)":            {Kind: verify.Twice, Records: 16, Source: at(0, 2, 17), Target: at(1, 9, 30)},
		"missing       source 0/2  (3 of the records with this key and body)": {Kind: verify.Missing, Records: 3, Source: at(0, 2, 2), Alike: true},
		"changed       source 3/5 (key null, body 1,200 B)\n              target 3/5 (key null, body 1,200 B)  key and body differ": {
			Kind: verify.Changed, Records: 1, Source: sized, Target: sized, What: "key and body",
		},
		"out of order  source 0/2–17  target 0/9–30  (16 records)\n              behind source offset 40": {
			Kind: verify.OutOfOrder, Records: 16, Source: at(0, 2, 17), Target: at(0, 9, 30), After: new(int64(40)),
		},
	} {
		assert.Equal(t, want, findingText(false, &f))
		assert.Equal(t, want, strings.NewReplacer("\x1b[31m", "", "\x1b[0m", "").Replace(findingText(true, &f)), "colours change nothing else")
	}
}

// Whatever the numbers are, the text is narrow and not long.
func TestVerifyTextIsNarrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(0, 1_000), rapid.Int64Range(0, 1<<50))
		counts := func() verify.Counts {
			return verify.Counts{
				Source: count.Draw(t, "source"), Target: count.Draw(t, "target"), Equal: count.Draw(t, "equal"),
				Missing: count.Draw(t, "missing"), Extra: count.Draw(t, "extra"), Twice: count.Draw(t, "twice"), Changed: count.Draw(t, "changed"),
				Misplaced: count.Draw(t, "misplaced"), OutOfOrder: count.Draw(t, "order"), Gone: count.Draw(t, "gone"),
			}
		}
		r := verifyReport()
		for p := range rapid.IntRange(1, 50).Draw(t, "partitions") {
			r.Partitions = append(r.Partitions, verify.PartitionReport{Partition: int32(p), From: count.Draw(t, "from"), Counts: counts()})
		}
		r.Total = counts()
		r.TargetBegins, r.Unnamed, r.OtherTopics, r.Outside = count.Draw(t, "begins"), count.Draw(t, "unnamed"), count.Draw(t, "others"), count.Draw(t, "outside")
		show := rapid.IntRange(0, 20).Draw(t, "show")
		for _, kind := range verify.Kinds() {
			for range show {
				from := count.Draw(t, "offset")
				place := func() *verify.Place {
					return &verify.Place{Partition: rapid.Int32Range(0, 9999).Draw(t, "partition"), Offset: from, Last: from + count.Draw(t, "length")}
				}
				r.Findings = append(r.Findings, verify.Finding{Kind: kind, Records: 1 + count.Draw(t, "records"), Source: place(), Target: place(), What: "key and body", After: &from})
			}
		}
		text := verifyText(t, r, show)
		requireNarrow(t, text)
		require.LessOrEqual(t, strings.Count(text, "\n"), 10*(show+5)+20*(show+5))
	})
}
