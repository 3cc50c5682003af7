package redrive

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"slices"
)

// span is a run of offsets of which none is done: those from from to before to.
type span struct{ from, to int64 }

// window is what is known of a partition of the dead-letter topic: everything
// before next is done, except for the open runs. The committed offset is the
// first open one, and what else is open travels in its metadata: so letters
// that stay are neither lost nor written again, and those behind them are not
// sent twice.
type window struct {
	open []span // in order, none of them empty or touching
	next int64
}

// commit is the offset to commit: of the first letter that stays.
func (w *window) commit() int64 {
	if len(w.open) > 0 {
		return w.open[0].from
	}
	return w.next
}

// pass notes that all before an offset was dealt with, where done tells of each
// letter whether it needs to stay no more. Offsets that hold no letter are done.
func (w *window) pass(offset int64, done bool) {
	w.advance(offset + 1)
	i, found := w.find(offset)
	switch {
	case done && found: // cut it out
		r := w.open[i]
		w.open = slices.Delete(w.open, i, i+1)
		if offset+1 < r.to {
			w.open = slices.Insert(w.open, i, span{offset + 1, r.to})
		}
		if r.from < offset {
			w.open = slices.Insert(w.open, i, span{r.from, offset})
		}
	case !done && !found:
		w.open = slices.Insert(w.open, i, span{offset, offset + 1})
		w.join(i + 1)
		w.join(i)
	}
}

// advance moves next on.
func (w *window) advance(next int64) { w.next = max(w.next, next) }

// join makes one of the runs i-1 and i if they touch.
func (w *window) join(i int) {
	if i > 0 && i < len(w.open) && w.open[i-1].to == w.open[i].from {
		w.open[i-1].to = w.open[i].to
		w.open = slices.Delete(w.open, i, i+1)
	}
}

// find returns the run that an offset is in, or where such a run belongs.
func (w *window) find(offset int64) (i int, found bool) {
	return slices.BinarySearchFunc(w.open, offset, func(r span, offset int64) int {
		switch {
		case r.to <= offset:
			return -1
		case r.from > offset:
			return 1
		}
		return 0
	})
}

// done reports whether an offset needs no more to be dealt with.
func (w *window) done(offset int64) bool {
	_, found := w.find(offset)
	return offset < w.next && !found
}

// drop forgets what the topic has removed: all before an offset.
func (w *window) drop(begin int64) {
	w.advance(begin)
	for len(w.open) > 0 && w.open[0].from < begin {
		if w.open[0].from = begin; w.open[0].from >= w.open[0].to {
			w.open = slices.Delete(w.open, 0, 1)
		}
	}
}

// pack is the window as text, but for where it begins; "" if nothing behind the
// committed offset is done.
func (w *window) pack() string {
	if w.commit() == w.next {
		return ""
	}
	var lengths []byte
	at := w.commit()
	for _, r := range w.open {
		lengths = binary.AppendUvarint(lengths, uint64(r.from-at)) // done, 0 at first
		lengths = binary.AppendUvarint(lengths, uint64(r.to-r.from))
		at = r.to
	}
	lengths = binary.AppendUvarint(lengths, uint64(w.next-at))
	var packed bytes.Buffer
	zw, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil { // the level is one of its own
		return ""
	}
	_, _ = zw.Write(lengths) // a Buffer takes everything
	_ = zw.Close()
	return base64.RawStdEncoding.EncodeToString(packed.Bytes())
}

// room is for how many more letters there is room in a packed window of at most
// most bytes, whatever becomes of them.
func (w *window) room(most int) int {
	// Each letter may end a run and begin another: two numbers, of two bytes
	// each at most unless a run is long, which it is for few of them.
	const perLetter, slack = 4, 256
	return ((most-len(w.pack()))*3/4 - slack) / perLetter
}

var errMetadata = errors.New("not written by redrive")

// unpackWindow is the window that begins at an offset and was packed as text.
func unpackWindow(offset int64, text string) (window, error) {
	w := window{next: offset}
	if text == "" {
		return w, nil
	}
	packed, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return w, errMetadata
	}
	const most = 64 << 10 // far more than can come from maxMetadata of ours
	lengths, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), most))
	if err != nil {
		return w, errMetadata
	}
	for open := false; len(lengths) > 0; open = !open {
		n, size := binary.Uvarint(lengths)
		if size <= 0 || n > 1<<62-uint64(w.next) {
			return window{next: offset}, errMetadata
		}
		lengths = lengths[size:]
		if open && n > 0 {
			w.open = append(w.open, span{w.next, w.next + int64(n)})
		}
		w.next += int64(n)
	}
	return w, nil
}
