package handler

import (
	"slices"

	"ckafka-etl/record"
)

// group is the records of an event that come from one source, in the order of
// the event. Usually there is one group.
type group struct {
	source      source
	at          []int32 // places in the event; nil: all of them
	n           int
	first, last int64 // the least and the largest offset
	ascending   bool  // the offsets grow from record to record
	hashes      []uint32
	// known is what is remembered of the source, nil = nothing.
	known *failedBatch
	// places says where in known each record is, -1 = nowhere. nil: nowhere.
	places []int32
	// kept is from where on known holds records that come behind the group's.
	kept int
}

// groupsOf divides an event's records.
func groupsOf(recs []record.Record) []group {
	if len(recs) == 0 {
		return nil
	}
	first := sourceOf(&recs[0])
	if allFrom(first, recs) {
		g := group{source: first, n: len(recs)}
		g.measure(recs)
		return []group{g}
	}
	var groups []group
	of := make(map[source]int)
	for i := range recs {
		src := sourceOf(&recs[i])
		k, ok := of[src]
		if !ok {
			k = len(groups)
			of[src] = k
			groups = append(groups, group{source: src})
		}
		groups[k].at = append(groups[k].at, int32(i))
		groups[k].n++
	}
	for k := range groups {
		groups[k].measure(recs)
	}
	return groups
}

func allFrom(src source, recs []record.Record) bool {
	for i := range recs {
		if sourceOf(&recs[i]) != src {
			return false
		}
	}
	return true
}

// place returns where in the event the group's record j is.
func (g *group) place(j int) int {
	if g.at == nil {
		return j
	}
	return int(g.at[j])
}

// measure finds out which offsets the group covers.
func (g *group) measure(recs []record.Record) {
	g.ascending = true
	for j := range g.n {
		o := ordinal(&recs[g.place(j)])
		if j == 0 {
			g.first, g.last = o, o
			continue
		}
		g.ascending = g.ascending && o > g.last
		g.first, g.last = min(g.first, o), max(g.last, o)
	}
}

// align finds the place of each record in what is remembered. Usually it is the
// same batch again; but it may be cut anew: shorter, longer, or begun later. It
// reports false if no record is known.
func (g *group) align(recs []record.Record) bool {
	b := g.known
	n := len(b.hashes)
	g.kept = n
	g.places = make([]int32, g.n)
	if slices.Equal(g.hashes, b.hashes) {
		for j := range g.places {
			g.places[j] = int32(j)
		}
		return true
	}
	floor := 0
	known := false
	for j := range g.places {
		place := b.find(ordinal(&recs[g.place(j)]), g.hashes[j], floor)
		if g.places[j] = int32(place); place >= 0 {
			known = true
			if g.ascending {
				floor = place + 1
			}
		}
	}
	if g.ascending && b.ascending && g.last < b.last {
		g.kept = int(max(int64(floor), int64(n)-(b.last-g.last)))
	}
	return known
}
