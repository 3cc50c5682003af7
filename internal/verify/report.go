package verify

import (
	"slices"
)

// Counts count records.
type Counts struct {
	// Source is Equal + Missing + Changed.
	Source int64 `json:"source"`
	// Target is Equal + Changed + Extra + Twice + Gone.
	Target int64 `json:"target"`
	// Equal are source records whose copies are all like them.
	Equal   int64 `json:"equal"`
	Missing int64 `json:"missing"`
	// Extra are target records of which the source has none.
	Extra int64 `json:"extra"`
	// Changed are source records of which a copy differs.
	Changed int64 `json:"changed"`
	// Twice are the copies beyond the first.
	Twice int64 `json:"twice"`
	// Misplaced are target records in another partition than they should be.
	Misplaced int64 `json:"misplaced"`
	// OutOfOrder are first copies that stand behind a later record of the same
	// source partition, in the same partition of the target.
	OutOfOrder int64 `json:"out_of_order"`
	// Gone are copies of records that the source had and has removed since, by
	// age, size or compaction.
	Gone int64 `json:"gone"`
}

func (c *Counts) add(d Counts) {
	c.Source += d.Source
	c.Target += d.Target
	c.Equal += d.Equal
	c.Missing += d.Missing
	c.Extra += d.Extra
	c.Changed += d.Changed
	c.Twice += d.Twice
	c.Misplaced += d.Misplaced
	c.OutOfOrder += d.OutOfOrder
	c.Gone += d.Gone
}

// PartitionReport is what came of a source partition.
type PartitionReport struct {
	Partition int32 `json:"partition"`
	From      int64 `json:"from"` // the first offset that was compared
	End       int64 `json:"end"`  // behind the last
	Counts
}

// Report is what came of a comparison.
type Report struct {
	Match     Match     `json:"match"`
	Placement Placement `json:"placement"`
	KeysOnly  bool      `json:"keys_only"`
	// Total is the sum of Partitions and of what belongs to none of them.
	Total      Counts            `json:"total"`
	Partitions []PartitionReport `json:"partitions"` // of the source
	// TargetPartitions is how many the target has.
	TargetPartitions int32 `json:"target_partitions"`
	// TargetBegins is how many offsets of the target were not read because they
	// are gone, or before Since.
	TargetBegins int64 `json:"target_begins"`
	// Unnamed are records of the target that do not say where they come from.
	// They are extra.
	Unnamed int64 `json:"unnamed"`
	// OtherTopics are records of the target that come from other topics, and
	// Outside those from source offsets that are not compared. Neither is counted
	// anywhere else.
	OtherTopics int64 `json:"other_topics"`
	Outside     int64 `json:"outside"`
	// OrderSample says that order was compared for one record in so many.
	OrderSample int64 `json:"order_sample"`
	// ReadAgain is how many records were read a second time.
	ReadAgain int64 `json:"read_again"`
	// Memory is the most bytes that were held besides what readers hold.
	Memory   int64     `json:"memory_bytes"`
	Findings []Finding `json:"findings"` // the first of each kind
}

// Allowed is what does not keep a target from being a copy.
type Allowed struct {
	Twice bool // records that are there more than once
	Empty bool // that there was nothing to compare
}

// Empty reports whether nothing was compared, as the source has no record. Then
// nothing is known: a name, a time or an address may be mistaken.
func (r *Report) Empty() bool { return r.Total.Source == 0 }

// Same reports whether the target is a copy of the source.
func (r *Report) Same(allowed Allowed) bool {
	t := &r.Total
	return t.Missing+t.Extra+t.Changed+t.Misplaced+t.OutOfOrder == 0 &&
		(allowed.Twice || t.Twice == 0) && (allowed.Empty || !r.Empty())
}

func newReport(cfg *Config, source, target side) *Report {
	r := &Report{
		Match: cfg.Match, Placement: cfg.Placement, KeysOnly: cfg.KeysOnly,
		TargetPartitions: target.partitions(), OrderSample: 1, Findings: []Finding{},
	}
	for p := range source.partitions() {
		s := source.spans()[p]
		r.Partitions = append(r.Partitions, PartitionReport{Partition: p, From: s.from, End: s.end})
	}
	for _, s := range target.spans() {
		r.TargetBegins += s.from
	}
	return r
}

// finish sums up. Loose is what belongs to no source partition.
func (r *Report) finish(loose Counts) {
	r.Total = loose
	for i := range r.Partitions {
		r.Total.add(r.Partitions[i].Counts)
	}
	order := Kinds()
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
	})
}
