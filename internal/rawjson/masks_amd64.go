package rawjson

// masks returns a bit for each backslash and each quote of a block, and in or's
// highest bits whether there is a byte above 127. It uses SSE2, which every
// amd64 processor has, and takes less than half the time of
// masksInWords.
//
//go:noescape
func masks(b *[block]byte) (back, quote, or uint64)
