package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"ckafka-etl/internal/event"
	"ckafka-etl/record"
)

// sourceRecord is a record to preview.
type sourceRecord struct {
	*record.Record
	name   string // "access.json", or "events.jsonl:3" for the third line
	madeUp bool   // it comes from no event: its coordinates stand for unknown ones
}

// recordSource reads records from files of events and of records' values.
type recordSource struct {
	files *payloadFiles
	stdin io.Reader
	lines bool // every line is a value
	now   func() time.Time
	// broken hears of an event that cannot be read; the rest is read all the same.
	broken func(name string, err error)

	decoder event.Decoder
	values  int64 // how many records came from no event
}

// each calls use with every record, in order, until one call fails. A record is
// valid until use returns.
func (s *recordSource) each(use func(sourceRecord) error) error {
	if !s.lines {
		return s.files.each(s.stdin, func(p payload) error { return s.payload(p, use) })
	}
	for _, name := range s.files.names {
		if err := s.file(name, use); err != nil {
			return err
		}
	}
	return nil
}

// file reads a file with a record's value a line.
func (s *recordSource) file(name string, use func(sourceRecord) error) error {
	r := s.stdin
	if name == "-" {
		name = "stdin"
	} else {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }()
		r = f
	}
	lines := &lineReader{r: bufio.NewReaderSize(r, 64<<10), name: name}
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = use(s.value(fmt.Sprintf("%s:%d", name, lines.n), line))
		}
		if err != nil {
			return err
		}
	}
}

// payload takes an event apart; what is none is a record's value.
func (s *recordSource) payload(p payload, use func(sourceRecord) error) error {
	records, err := s.decoder.Decode(p.data, s.now(), nil)
	if err != nil {
		if meantAsEvent(p.data) {
			s.broken(p.name, err)
			return nil
		}
		return use(s.value(p.name, p.data))
	}
	for i := range records {
		if err := use(sourceRecord{Record: &records[i], name: p.name}); err != nil {
			return err
		}
	}
	return nil
}

func (s *recordSource) value(name string, body []byte) sourceRecord {
	rec := &record.Record{Topic: "topic", Offset: s.values, Body: body, Batch: &record.Batch{Arrival: s.now()}}
	s.values++
	return sourceRecord{Record: rec, name: name, madeUp: true}
}

// meantAsEvent reports whether a text starts as an event does.
func meantAsEvent(text []byte) bool {
	text = bytes.TrimLeft(text, " \t\r\n")
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	return bytes.HasPrefix(bytes.TrimLeft(text[1:], " \t\r\n"), []byte(`"Records"`))
}
