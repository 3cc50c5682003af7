package main

import (
	"io"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// recordProgress shows on a terminal how many records were read.
type recordProgress struct{ bar *progressbar.ProgressBar }

func newRecordProgress(w io.Writer) *recordProgress {
	f, ok := w.(interface{ Fd() uintptr })
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &recordProgress{}
	}
	return &recordProgress{bar: progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(w),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("records"),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish(),
	)}
}

// show is safe for concurrent use.
func (p *recordProgress) show(read, total int64) {
	if p.bar != nil && read < total { // offsets without records are left over at the end
		p.bar.ChangeMax64(total)
		_ = p.bar.Set64(read)
	}
}

func (p *recordProgress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
