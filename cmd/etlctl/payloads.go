package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"ckafka-etl/internal/event"
)

// payload is one event as it is sent.
type payload struct {
	name string // "access.json", or "events.jsonl:3" for the third line
	data []byte
}

// payloadFiles are files of recorded events. "-" is stdin.
type payloadFiles struct {
	names []string
	bytes int64 // of all files; -1: not known
}

const payloadHelp = `A FILE holds one event, or one event a line. A folder stands for all files in it
and below that end in .json, .jsonl or .ndjson; - is stdin.`

// findPayloads looks for the files that args name.
func findPayloads(args []string) (*payloadFiles, error) {
	p := new(payloadFiles)
	for _, arg := range args {
		if arg == "-" {
			p.names, p.bytes = append(p.names, arg), -1
			continue
		}
		found := len(p.names)
		err := filepath.WalkDir(arg, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if path != arg && !slices.Contains([]string{".json", ".jsonl", ".ndjson"}, filepath.Ext(path)) {
				return nil
			}
			p.names = append(p.names, path)
			if info, err := os.Stat(path); err == nil && p.bytes >= 0 {
				p.bytes += info.Size()
			}
			return nil
		})
		if err != nil {
			return nil, usage(err)
		}
		if len(p.names) == found {
			return nil, usagef("%s: no file in it ends in .json, .jsonl or .ndjson", arg)
		}
	}
	return p, nil
}

// endingWith returns a reader of r whose reads end with ctx: nothing else ends
// the wait for a terminal. It reads nothing before it is read.
func endingWith(ctx context.Context, r io.Reader) io.Reader {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { _ = in.CloseWithError(errors.New("interrupted")) })
	begin := sync.OnceFunc(func() {
		go func() {
			_, err := io.Copy(in, r)
			_ = in.CloseWithError(err)
		}()
	})
	return readerFunc(func(p []byte) (int, error) {
		begin()
		return out.Read(p)
	})
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// each calls use with every event, in order, until one call fails.
func (p *payloadFiles) each(stdin io.Reader, use func(payload) error) error {
	for _, name := range p.names {
		if name == "-" {
			if err := readPayloads(stdin, "stdin", use); err != nil {
				return err
			}
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		err = readPayloads(f, name, use)
		_ = f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// readPayloads reads a file. If its first line is a JSON text of its own, every
// line is an event. Otherwise the file is one event: over several lines, or
// something that is no JSON, which is sent as it stands to see what the
// function makes of it.
func readPayloads(r io.Reader, name string, use func(payload) error) error {
	lines := &lineReader{r: bufio.NewReaderSize(r, 64<<10), name: name}
	first, err := lines.next()
	if errors.Is(err, io.EOF) {
		return use(payload{name: name}) // an empty payload
	}
	if err != nil {
		return err
	}
	if !json.Valid(first) {
		rest, err := io.ReadAll(io.LimitReader(lines.r, event.MaxBytes+1))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		whole := append(append(first, '\n'), rest...)
		if whole = bytes.TrimRight(whole, "\r\n"); len(whole) > event.MaxBytes {
			return errTooLarge(name)
		}
		return use(payload{name: name, data: whole})
	}
	label := name // a single event bears the file's name
	for line := first; ; {
		at := lines.n
		next, err := lines.next()
		if err == nil || label != name {
			label = fmt.Sprintf("%s:%d", name, at)
		}
		if useErr := use(payload{name: label, data: line}); useErr != nil {
			return useErr
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		line = next
	}
}

func errTooLarge(name string) error {
	return fmt.Errorf("%s: larger than %d bytes, which is the most that an event can have", name, event.MaxBytes)
}

// lineReader reads lines of bounded length.
type lineReader struct {
	r    *bufio.Reader
	name string
	n    int // number of the last line, from 1
}

// next returns the next line that is not empty, in memory of its own, or io.EOF.
func (l *lineReader) next() ([]byte, error) {
	for {
		l.n++
		line, err := l.read()
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if len(bytes.TrimSpace(line)) > 0 {
			return line, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// read returns the next line without its line break, with io.EOF if it is the
// last.
func (l *lineReader) read() (line []byte, err error) {
	for err = bufio.ErrBufferFull; errors.Is(err, bufio.ErrBufferFull) && len(line) <= event.MaxBytes; {
		var part []byte
		part, err = l.r.ReadSlice('\n')
		line = append(line, part...)
	}
	if line = bytes.TrimRight(line, "\r\n"); len(line) > event.MaxBytes {
		return nil, errTooLarge(fmt.Sprintf("%s:%d", l.name, l.n))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("%s: %w", l.name, err)
	}
	return line, err
}
