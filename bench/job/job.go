// Package job says what every candidate has to do with an event, and holds
// those parts of it that have nothing to do with reading JSON, so that the
// comparison is one of scanners: the index by day, the document id, the action
// line and the time stamp.
package job

import (
	"hash/crc32"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"ckafka-etl/internal/rawjson"
)

// Candidate turns trigger events into bulk bodies. It may reuse whatever it
// likes from event to event and is not safe for concurrent use.
type Candidate interface {
	// Run appends the bulk body of an event to dst and returns how many
	// records the event holds.
	Run(payload, dst []byte) (body []byte, records int, err error)
}

// What the job asks for. The ignored fields are at top level.
const (
	IndexPrefix  = "app"
	TimeField    = "@timestamp"
	EventTime    = "@timestamp"
	IDField      = "log_id"
	MessageField = "message"
	TextField    = "msg_body"
	MaxLayers    = 8 // of JSON in JSON strings
	WindowBack   = 720 * time.Hour
	WindowAhead  = 24 * time.Hour
)

// Ignored returns the names of the fields to remove.
func Ignored() []string { return []string{"token", "password"} }

// Arrival returns when each event arrives: shortly after the samples' records
// were logged, so that their event times are used.
func Arrival() time.Time { return time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC) }

// Record is a record of an event.
type Record struct {
	Topic             string
	Partition, Offset int64
	Body              []byte
}

// Namer names indices and documents. It is not safe for concurrent use.
type Namer struct {
	// Stamp is the arrival time as a JSON string.
	Stamp string

	arrival time.Time
	table   *crc32.Table
	topic   string
	day     int64
	index   string
}

// NewNamer returns a Namer for events that arrive at Arrival.
func NewNamer() *Namer {
	return &Namer{
		Stamp:   Arrival().Format(`"2006-01-02T15:04:05.000Z07:00"`),
		arrival: Arrival(),
		table:   crc32.MakeTable(crc32.Castagnoli),
	}
}

// Topic returns name as a string. It makes a new one only if the name has
// changed.
func (n *Namer) Topic(name []byte) string {
	if n.topic != string(name) {
		n.topic = string(name)
	}
	return n.topic
}

// AppendAction appends the action line of a record's document. eventTime is
// the text of its event time and id that of its id field, both empty if there
// is none.
func (n *Namer) AppendAction(dst []byte, r *Record, eventTime, id string) []byte {
	action := `{"create":{"_index":"`
	if id != "" {
		action = `{"index":{"_index":"`
	}
	dst = append(dst, action...)
	dst = append(dst, n.indexName(eventTime)...)
	dst = append(dst, `","_id":"`...)
	if id != "" {
		dst = AppendEscaped(dst, id)
	} else {
		dst = append(dst, r.Topic...)
		dst = append(dst, '-')
		dst = strconv.AppendInt(dst, r.Partition, 10)
		dst = append(dst, '-')
		dst = strconv.AppendInt(dst, r.Offset, 10)
		dst = append(dst, '-')
		dst = appendHex(dst, crc32.Checksum(r.Body, n.table))
	}
	return append(dst, "\"}}\n"...)
}

// indexName names the index of the day of an event time, or of the arrival if
// it is no time or lies too far away.
func (n *Namer) indexName(eventTime string) string {
	at := n.arrival
	if eventTime != "" {
		t, err := time.Parse(time.RFC3339, eventTime)
		if err == nil && !t.Before(at.Add(-WindowBack)) && !t.After(at.Add(WindowAhead)) {
			at = t
		}
	}
	const secondsPerDay = 86400
	if day := at.Unix() / secondsPerDay; n.index == "" || n.day != day {
		n.day, n.index = day, IndexPrefix+at.UTC().Format("-2006-01-02")
	}
	return n.index
}

// AppendText appends the document of a record that is no JSON object.
func (n *Namer) AppendText(dst []byte, r *Record, text []byte) []byte {
	dst = n.AppendAction(dst, r, "", "")
	dst = append(dst, `{"`+TextField+`":"`...)
	dst = AppendEscaped(dst, View(text))
	dst = append(dst, `","`+TimeField+`":`...)
	dst = append(dst, n.Stamp...)
	return append(dst, "}\n"...)
}

// MayBe reports whether the first byte of text, white space aside, is one of
// first. It spares a parser what is plainly something else.
func MayBe(text, first string) bool {
	text = strings.TrimLeft(text, " \t\r\n")
	return text != "" && strings.IndexByte(first, text[0]) >= 0
}

// AppendEscaped appends s as the content of a JSON string.
func AppendEscaped(dst []byte, s string) []byte {
	dst, _ = rawjson.AppendEscaped(dst, s)
	return dst
}

func appendHex(dst []byte, n uint32) []byte {
	const hex = "0123456789abcdef"
	for shift := 28; shift >= 0; shift -= 4 {
		dst = append(dst, hex[n>>shift&15])
	}
	return dst
}

// View returns b as a string without a copy. It is good as long as b is not
// written to.
func View(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// Bytes returns s as bytes without a copy. They must not be written to.
func Bytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
