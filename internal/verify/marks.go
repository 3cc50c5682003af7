package verify

import (
	"maps"
	"slices"
	"unsafe"
)

// marks are records of a topic, by partition and block: a bit for each.
type marks map[int32]map[int64]*offsetSet

func (m marks) put(p *Place) {
	blocks := m[p.Partition]
	if blocks == nil {
		blocks = make(map[int64]*offsetSet)
		m[p.Partition] = blocks
	}
	set := blocks[p.Offset/blockSize]
	if set == nil {
		set = new(offsetSet)
		blocks[p.Offset/blockSize] = set
	}
	set.put(int(p.Offset % blockSize))
}

// runs tells the offsets that follow each other, in order, and how many they
// are.
func (m marks) runs(tell func(p Place, n int64)) {
	for _, partition := range slices.Sorted(maps.Keys(m)) {
		run := Place{Partition: partition, Last: -1}
		var n int64
		for _, block := range slices.Sorted(maps.Keys(m[partition])) {
			m[partition][block].each(func(i int) {
				offset := block*blockSize + int64(i)
				if n > 0 && offset != run.Last+1 {
					tell(run, n)
					n = 0
				}
				if n == 0 {
					run.Offset = offset
				}
				run.Last = offset
				n++
			})
		}
		if n > 0 {
			tell(run, n)
		}
	}
}

func (m marks) memory() (n int64) {
	const entry = 16 // of a map, without the set
	for _, blocks := range m {
		n += int64(len(blocks)) * (int64(unsafe.Sizeof(offsetSet{})) + entry)
	}
	return n
}
