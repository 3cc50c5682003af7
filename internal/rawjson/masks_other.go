//go:build !amd64

package rawjson

// masks returns a bit for each backslash and each quote of a block, and in or's
// highest bits whether there is a byte above 127.
func masks(b *[block]byte) (back, quote, or uint64) { return masksInWords(b) }
