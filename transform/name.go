package transform

import (
	"bytes"
	"hash/crc32"
	"math"
	"strconv"
	"time"

	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
)

// MaxIDBytes is the longest document id that Elasticsearch takes.
const MaxIDBytes = 512

// stampCache holds the stamp of the last arrival time: one a batch.
type stampCache struct {
	at   time.Time
	text []byte
}

// stamp returns t as a JSON string: RFC 3339 with milliseconds and zone.
func (c *stampCache) stamp(t time.Time, zone *time.Location) []byte {
	if c.text == nil || !c.at.Equal(t) {
		// A new slice: an earlier document may still hold the old one.
		c.at, c.text = t, t.In(zone).AppendFormat(nil, `"2006-01-02T15:04:05.000Z07:00"`)
	}
	return c.text
}

// nameCache holds the names of the last few days or hours, and the part of the
// time line around the last event time in which the zone's offset is the same.
type nameCache struct {
	names           [8]periodName
	from, to, ahead int64 // seconds: the part's bounds, and what local time is ahead
}

// periodName is the index name of a local day or hour, counted from 1970.
type periodName struct {
	period int64
	name   string
}

// find returns the entry of the local day or hour that at lies in, and whether
// it holds the name already.
func (c *nameCache) find(at time.Time, zone *time.Location, seconds int64) (entry *periodName, ok bool) {
	unix := at.Unix()
	if unix < c.from || unix >= c.to {
		local := at.In(zone)
		start, end := local.ZoneBounds()
		_, ahead := local.Zone()
		c.from, c.to, c.ahead = math.MinInt64, math.MaxInt64, int64(ahead)
		if !start.IsZero() {
			c.from = start.Unix()
		}
		if !end.IsZero() {
			c.to = end.Unix()
		}
	}
	period := (unix + c.ahead) / seconds
	if (unix+c.ahead)%seconds < 0 {
		period--
	}
	entry = &c.names[uint64(period)%uint64(len(c.names))]
	ok = entry.name != "" && entry.period == period
	entry.period = period
	return entry, ok
}

// nameIndex names the document's index by its event time, or by the arrival
// time if it has none that can be trusted.
func (w *Worker) nameIndex(arrival time.Time) {
	o := &w.p.opts
	at := arrival
	for i := range w.p.times {
		v := w.obj.at(&w.p.times[i])
		if v == nil {
			continue
		}
		if w.last.is(v, arrival) {
			w.doc.Index, w.doc.OutsideWindow = w.last.index, w.last.outside
			return
		}
		if t, ok := parseTime(v, o.Zone); ok {
			if t.Before(arrival.Add(-o.WindowBack)) || t.After(arrival.Add(o.WindowAhead)) {
				w.doc.OutsideWindow = true
			} else {
				at = t
			}
			w.doc.Index = w.indexName(at)
			w.last.set(v, arrival, w.doc.Index, w.doc.OutsideWindow)
			return
		}
	}
	w.doc.Index = w.indexName(at)
}

// lastTime is the last event time that named an index: most records of a batch
// are of the same second as the one before.
type lastTime struct {
	text    []byte
	arrival time.Time
	index   string
	outside bool
}

func (l *lastTime) is(text []byte, arrival time.Time) bool {
	return bytes.Equal(l.text, text) && l.arrival.Equal(arrival)
}

func (l *lastTime) set(text []byte, arrival time.Time, index string, outside bool) {
	*l = lastTime{append(l.text[:0], text...), arrival, index, outside}
}

func (w *Worker) indexName(at time.Time) string {
	layout, seconds := "-2006-01-02", int64(24*60*60)
	if w.p.opts.Hourly {
		layout, seconds = "-2006-01-02-15", 60*60
	}
	entry, ok := w.index.find(at, w.p.opts.Zone, seconds)
	if !ok {
		entry.name = w.p.opts.IndexPrefix + at.In(w.p.opts.Zone).Format(layout)
	}
	return entry.name
}

// nameID takes the id from its field or makes one from the record's
// coordinates and a hash of its value, which keeps apart the records of a
// topic that was made anew, or of two clusters with the same topic.
func (w *Worker) nameID(rec *record.Record, hash uint32) {
	w.id = w.id[:0]
	d := &w.doc
	if w.p.opts.IDField != "" && !d.Text {
		if v := w.obj.at(&w.p.id); v != nil && w.fieldID(v) {
			d.ID = w.id
			w.takeOutMetadata()
			return
		}
	}
	d.Generated = true
	w.id = w.appendCoordinateID(w.id[:0], rec, hash)
	d.ID, d.IDBytes = w.id, len(w.id)
	if bytes.IndexByte(w.id, '\\') >= 0 {
		plain, _ := rawjson.AppendUnescaped(nil, w.id)
		d.IDBytes = len(plain)
	}
}

// metadataID is the name under which Elasticsearch itself keeps a document's id.
// It refuses documents that have it.
const metadataID = "_id"

// takeOutMetadata removes the member _id if the id was taken from it, as records
// of MongoDB and of change capture have it.
func (w *Worker) takeOutMetadata() {
	if w.p.opts.IDField != metadataID {
		return
	}
	if m := w.obj.findSig(rawjson.Signature([]byte(metadataID)), []byte(metadataID)); m != nil {
		m.Gone = true
		w.removed(metadataID, "it is the document's id")
	}
}

// CoordinateID returns the id that Do would make for a record without an id
// field, as the content of a JSON string.
func (w *Worker) CoordinateID(rec *record.Record) []byte {
	return w.appendCoordinateID(nil, rec, crc32.Checksum(rec.Body, castagnoli))
}

func (w *Worker) appendCoordinateID(id []byte, rec *record.Record, hash uint32) []byte {
	if w.idTopic != rec.Topic || len(w.idStart) == 0 {
		w.idTopic, w.idStart = rec.Topic, w.appendIDStart(w.idStart[:0], rec.Topic)
	}
	id = append(id, w.idStart...)
	if rec.Located() {
		id = strconv.AppendInt(id, int64(rec.Partition), 10)
		id = append(id, '-')
		id = strconv.AppendInt(id, rec.Offset, 10)
	} else {
		// Without its coordinates a record is known by its event and its
		// place there, which a second delivery of the event repeats.
		id = append(id, 'e')
		id = appendHex(id, rec.Batch.Event, 16)
		id = append(id, '-')
		id = strconv.AppendInt(id, int64(rec.Pos), 10)
	}
	id = append(id, '-')
	return appendHex(id, uint64(hash), 8)
}

// appendIDStart appends what the ids of a topic's records begin with.
func (w *Worker) appendIDStart(id []byte, topic string) []byte {
	// Kafka's limit: an event that is no real one must not make an endless id.
	const maxTopic = 249
	id, _ = rawjson.AppendEscaped(id, w.p.opts.IDPrefix)
	id, _ = rawjson.AppendEscaped(id, topic[:min(len(topic), maxTopic)])
	return append(id, '-')
}

// fieldID makes w.id of a field's value. Only a number or a string that is not
// empty can be an id.
func (w *Worker) fieldID(v []byte) bool {
	switch c := v[0]; {
	case c == '-' || c >= '0' && c <= '9':
		w.id = append(w.id, v...)
		w.doc.IDBytes = len(v)
		return true
	case c == '"' && len(v) > 2:
		content := v[1 : len(v)-1]
		if bytes.IndexByte(content, '\\') < 0 {
			w.id = append(w.id, content...)
			w.doc.IDBytes = len(content)
			return true
		}
		// Spelt the same way always, so that equal ids are equal bytes.
		plain, _ := rawjson.AppendUnescaped(nil, content)
		w.id, _ = rawjson.AppendEscaped(w.id, plain)
		w.doc.IDBytes = len(plain)
		return true
	}
	return false
}

func appendHex(dst []byte, n uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hex[n>>shift&15])
	}
	return dst
}
