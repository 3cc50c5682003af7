package verify

import "github.com/twmb/franz-go/pkg/kgo"

// Kind is what is wrong with a record.
type Kind string

// Kinds of findings.
const (
	Missing    Kind = "missing"
	Extra      Kind = "extra"
	Changed    Kind = "changed"
	Twice      Kind = "twice"
	Misplaced  Kind = "misplaced"
	OutOfOrder Kind = "out of order"
)

// Kinds lists all kinds.
func Kinds() []Kind { return []Kind{Missing, Extra, Changed, Twice, Misplaced, OutOfOrder} }

// Place is where a record is, or where records that follow each other are.
type Place struct {
	Partition int32 `json:"partition"`
	Offset    int64 `json:"offset"`
	Last      int64 `json:"last_offset"` // of the last record
	// Sizes in bytes, where they are known and there is one record; -1: null.
	Key  *int `json:"key_bytes,omitempty"`
	Body *int `json:"body_bytes,omitempty"`
}

// Finding is a record with which something is wrong, or records that follow each
// other with which the same is.
type Finding struct {
	Kind Kind `json:"kind"`
	// Records is how many there are.
	Records int64  `json:"records"`
	Source  *Place `json:"source,omitempty"` // nil: not known, or not there
	Target  *Place `json:"target,omitempty"` // nil: not known, or not there
	// Alike says that several records have this key and body: it cannot be told
	// which of them it is, and the places are those of one.
	Alike bool `json:"alike,omitempty"`
	// What is different in a changed record: key, body, or both.
	What string `json:"what,omitempty"`
	// After is the offset of the later source record that came before one that
	// is out of order.
	After *int64 `json:"after,omitempty"`
}

// single says where one record is.
func single(partition int32, offset int64) *Place {
	return &Place{Partition: partition, Offset: offset, Last: offset}
}

// placeOf says where a record is and how large.
func placeOf(r *kgo.Record) *Place {
	p := single(r.Partition, r.Offset)
	p.Key, p.Body = new(sizeOf(r.Key)), new(sizeOf(r.Value))
	return p
}

// rangeKey is what findings have in common that may become one.
type rangeKey struct {
	kind           Kind
	source, target int32 // partitions, -1: none
}

func keyOf(f *Finding) rangeKey {
	k := rangeKey{f.Kind, -1, -1}
	if f.Source != nil {
		k.source = f.Source.Partition
	}
	if f.Target != nil {
		k.target = f.Target.Partition
	}
	return k
}

// findings collects the first of each kind. Records that follow each other come
// to one finding, however many they are.
type findings struct {
	most   int
	n      map[Kind]int
	list   []Finding
	latest map[rangeKey]int // the last of each key in the list
}

func newFindings(most int) *findings {
	return &findings{most: most, n: make(map[Kind]int), latest: make(map[rangeKey]int)}
}

// wants reports whether another finding of the kind is listed.
func (f *findings) wants(k Kind) bool { return f.n[k] < f.most }

// add takes note of a finding, of one record if it does not say how many.
func (f *findings) add(x Finding) {
	x.Records = max(x.Records, 1)
	k := keyOf(&x)
	if i, ok := f.latest[k]; ok && f.list[i].goesOn(&x) {
		f.list[i].extend(&x)
		return
	}
	if !f.wants(x.Kind) {
		return
	}
	f.n[x.Kind]++
	f.latest[k] = len(f.list)
	f.list = append(f.list, x)
}

// goesOn reports whether a finding of the same key follows: the next record of
// the source, and further on in the target.
func (f *Finding) goesOn(x *Finding) bool {
	if f.Alike || x.Alike || f.What != x.What || (f.After == nil) != (x.After == nil) || f.After != nil && *f.After != *x.After {
		return false
	}
	switch {
	case f.Source == nil:
		return x.Target.Offset == f.Target.Last+1
	case f.Target == nil:
		return x.Source.Offset == f.Source.Last+1
	default:
		return x.Source.Offset == f.Source.Last+1 && x.Target.Offset > f.Target.Last
	}
}

func (f *Finding) extend(x *Finding) {
	f.Records += x.Records
	for _, side := range [][2]*Place{{f.Source, x.Source}, {f.Target, x.Target}} {
		if place := side[0]; place != nil {
			place.Last, place.Key, place.Body = side[1].Last, nil, nil
		}
	}
}
