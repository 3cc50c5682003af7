package transform

import (
	"bytes"
	"hash/crc32"
	"strconv"
	"strings"

	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
)

// MaxIDBytes is the longest document id that Elasticsearch takes.
const MaxIDBytes = 512

// nameID takes the id from its field or makes one from the record's
// coordinates and a hash of its value, which keeps apart the records of a
// topic that was made anew, or of two clusters with the same topic.
func (w *Worker) nameID(rec *record.Record, hash uint32) {
	d := &w.doc
	if w.p.opts.IDField != "" && !d.Text {
		switch v, several := w.obj.at(&w.p.id); {
		case several:
			d.UnreadID = "its path leads through an array of several"
		case v == nil:
		case isNothing(v):
			w.takeOutMetadata()
		case w.fieldID(v):
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
	if f := w.p.opts.IDField; f != metadataID && !strings.HasPrefix(f, metadataID+".") {
		return
	}
	if m := w.obj.findSig(rawjson.Signature([]byte(metadataID)), []byte(metadataID)); m != nil {
		m.Gone = true
		w.removed(metadataID, "it is the document's id, which may not stand in it")
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

// replacement is what stands where text was that is no UTF-8.
var replacement = []byte("\uFFFD")

// fieldID makes w.id of a field's value. Only a number or a string that is not
// empty can be an id, or what MongoDB writes for its own: {"$oid":"665f…"}. A
// string in which characters were lost is none: others that have lost theirs
// would be the same.
func (w *Worker) fieldID(v []byte) bool {
	w.id = w.id[:0]
	if v[0] == '{' {
		if oid, _ := inside(v, "$oid"); oid != nil && oid[0] == '"' {
			v = oid
		}
	}
	switch c := v[0]; {
	case c == '-' || isDigit(c):
		w.id = append(w.id, v...)
		w.doc.IDBytes = len(v)
		return true
	case c != '"':
		w.doc.UnreadID = "it is neither a string nor a number"
		return false
	}
	content := v[1 : len(v)-1]
	if bytes.IndexByte(content, '\\') >= 0 {
		// Spelt the same way always, so that equal ids are equal bytes.
		plain, _ := rawjson.AppendUnescaped(nil, content)
		w.id, _ = rawjson.AppendEscaped(w.id, plain)
		w.doc.IDBytes = len(plain)
	} else {
		w.id = append(w.id, content...)
		w.doc.IDBytes = len(content)
	}
	if bytes.Contains(w.id, replacement) {
		w.doc.UnreadID = "characters of it were lost, as it was no UTF-8"
		return false
	}
	return true
}

func appendHex(dst []byte, n uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for shift := 4 * (digits - 1); shift >= 0; shift -= 4 {
		dst = append(dst, hex[n>>shift&15])
	}
	return dst
}
