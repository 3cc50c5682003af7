package handler

import "runtime/debug"

// overheadMB is what the process needs beside the memory that Go manages: its
// code, and the pages that the system counts for it.
const overheadMB = 20

// limitMemory tells the garbage collector how much memory the function has.
// With the limit it collects in time; without, it would let the heap double.
func (h *Handler) limitMemory(mb int32) {
	if mb <= 0 || mb == h.limitMB {
		return
	}
	h.limitMB = mb
	debug.SetMemoryLimit(int64(max(mb-overheadMB-mb/16, mb/2)) << 20)
}
