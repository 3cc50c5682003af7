package transform

import (
	"bytes"
	"hash/crc32"
	"time"
	"unicode/utf8"

	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
)

const (
	// maxLayers is how often a body that is JSON inside a JSON string is
	// unwrapped.
	maxLayers = 8
	// textField holds what is not a JSON object.
	textField = "msg_body"
	// messageField is merged over the record if it holds an object.
	messageField = "message"
	// keepBytes is how large a worker's buffer may stay after a batch: records
	// beyond it are rare, and an idle instance should not hold their space.
	keepBytes = 256 << 10
)

var (
	castagnoli  = crc32.MakeTable(crc32.Castagnoli)
	bom         = []byte("\uFEFF")
	textName    = []byte(textField)
	textSig     = rawjson.Signature(textName)
	messageName = []byte(messageField)
	messageSig  = rawjson.Signature(messageName)
)

// Worker turns one record after the other into a document. It reuses its
// buffers, so it is not safe for concurrent use, and a Document is valid only
// until the next call.
type Worker struct {
	// Explain makes Document.Removed be filled. It costs allocations.
	Explain bool

	p        *Program
	scan     rawjson.Scanner
	obj      Object
	doc      Document
	valid    []byte    // the record's value with bad UTF-8 replaced
	layers   [2][]byte // the value, unwrapped: one layer is read while the next is written
	message  []byte    // the message field, unescaped
	kept     []byte    // members that had to be rewritten
	text     []byte    // a text document's value
	masked   []byte
	mask     masker
	deep     bool // deep rules may match in the record
	places   [sources]places
	idHidden bool    // something in the id's field is hidden
	changed  bool    // an ignored field or value was taken away
	aside    *Worker // for what is cleaned beside records
	id       []byte
	idTopic  string // whose records' ids begin with idStart
	idStart  []byte

	stamps   stampCache
	index    nameCache
	part     zonePart
	clock    timeReader
	lastTime lastTime
}

// Document is a record on its way to a sink.
type Document struct {
	// Index is the name of the index.
	Index string
	// ID is the document's id as the content of a JSON string, escaped.
	ID []byte
	// Generated says that the id was made from the record's coordinates and
	// not taken from a field.
	Generated bool
	// IDBytes is the id's length in bytes, unescaped.
	IDBytes int
	// Text says that the record was no JSON object.
	Text bool
	// Refused says why no document is made of the record, nil if one is. What there
	// is is the beginning of the record's text, for its dead letter: no sink is to
	// write it.
	Refused *Refusal
	// NoIndex says why there is no index for the document, nil if there is one.
	NoIndex *Refusal
	// CutFrom is how many bytes the record's text has, if that is more than the
	// document holds of it.
	CutFrom int
	// Filtered says that a step dropped the record, or that it has no value and
	// such records are dropped.
	Filtered bool
	// Replaced counts the bytes, and the surrogates in names, that were no
	// valid UTF-8.
	Replaced int
	// EventTime is the time that names the index, zero if that is the arrival time,
	// and TimeField the field that holds it.
	EventTime time.Time
	TimeField string
	// ByZone says that the event time names its zone by an abbreviation, which was
	// read as it is used in Options.Zone.
	ByZone bool
	// OutsideWindow says that the record's event time was not used because it
	// lies too far from the arrival time, and that there is no other.
	OutsideWindow bool
	// UnreadTime is the first of Options.TimeFields that holds something which is
	// not understood as a time, empty if there is none, and UnreadValue that JSON
	// text; nil: it is in several elements of an array.
	UnreadTime  string
	UnreadValue []byte
	// UnreadID says why the id was not taken from its field although that is
	// there; empty: it was, or the field is not there.
	UnreadID string
	// Stamped says that the time field is the function's own.
	Stamped bool
	// Merged says that the record's message was merged with it.
	Merged bool
	// Removed lists what cleaning took away, if Worker.Explain is set.
	Removed []Removal
	// Matched says for each of Options.Ignore how many fields and values in text
	// it took away, if Worker.Explain is set: what Clean takes away counts with the
	// document before it.
	Matched []int

	obj *Object
}

// AppendSource appends the document: a JSON object on one line.
func (d *Document) AppendSource(dst []byte) []byte { return d.obj.appendTo(dst) }

// Object returns the document's members, for reading.
func (d *Document) Object() *Object { return d.obj }

// Do makes a record's document. It never fails: what is no JSON object becomes
// a text document, a malformed record too (of the raw text of its element).
func (w *Worker) Do(rec *record.Record) *Document {
	d := &w.doc
	*d = Document{Removed: d.Removed[:0], Matched: d.Matched[:0], obj: &w.obj}
	w.kept = w.kept[:0]
	w.obj.reset()
	w.changed, w.idHidden, w.mask.tell = false, false, w.Explain
	if w.Explain {
		d.Matched = append(d.Matched, make([]int, len(w.p.opts.Ignore))...)
	}

	if rec.NoValue && w.p.opts.FilterEmpty {
		d.Filtered = true
		return d
	}
	text := rec.Body
	hash := crc32.Checksum(text, castagnoli)
	d.Replaced = rec.Lossy
	if !rec.ASCII && !utf8.Valid(text) {
		if n := invalidBytes(text); n > maxInvalid {
			text = w.refuseInvalid(text, n)
		}
		var replaced int
		w.valid, replaced = rawjson.AppendValid(w.valid[:0], text)
		text = w.valid
		d.Replaced += replaced
	}

	w.deep = w.lookForDeep(text, fromBody)
	inner, ok := w.unwrap(text)
	if ok && rec.Defect == "" {
		w.obj.unique(0, w.onDuplicate())
		w.mergeMessage()
	}
	if n := w.obj.tooMany; n > 0 {
		inner = w.refuseMembers(inner, n)
	}
	if !ok || rec.Defect != "" || d.Refused != nil {
		w.obj.reset()
		w.makeText(inner)
	}
	w.removeIgnored()
	for _, step := range w.p.opts.Steps {
		if !step(&w.obj) {
			d.Filtered = true
			return d
		}
	}
	at, found := w.findTime(rec.Batch.Arrival)
	w.stamp(at, found, rec.Batch.Arrival)
	d.Index = w.indexName(rec.Topic, at)
	w.checkIndex(rec.Topic)
	w.nameID(rec, hash)
	if w.idHidden && !d.Generated {
		// Ids that differ in nothing but what was hidden would be one id.
		d.Generated = true
		w.id = w.appendCoordinateID(w.id[:0], rec, hash)
		d.ID, d.IDBytes = w.id, len(w.id)
	}
	return d
}

// unwrap finds the object inside up to maxLayers JSON strings and leaves its
// members in w.obj. If there is none it returns the innermost text that is
// not such a string.
func (w *Worker) unwrap(text []byte) (inner []byte, ok bool) {
	for layer := 0; ; layer++ {
		plain := bytes.TrimPrefix(text, bom)
		if lossy, ok := w.obj.parse(&w.scan, plain, fromBody); ok {
			if w.deep && (layer > 0 || len(plain) < len(text)) {
				w.lookForDeep(plain, fromBody)
			}
			w.doc.Replaced += lossy
			return plain, true
		}
		if w.obj.tooMany > 0 {
			return plain, false
		}
		content, isString := w.stringContent(plain)
		if !isString || layer == maxLayers {
			return text, false
		}
		buf := &w.layers[layer%2]
		var lossy int
		*buf, lossy = rawjson.AppendUnescaped((*buf)[:0], content)
		next := bytes.TrimPrefix(*buf, bom)
		if !w.scan.Valid(next) {
			return text, false
		}
		w.doc.Replaced += lossy
		text = *buf
	}
}

// stringContent returns what is between the quotes if text is one JSON string.
func (w *Worker) stringContent(text []byte) ([]byte, bool) {
	text = bytes.Trim(text, " \t\r\n")
	if len(text) < 2 || text[0] != '"' || !w.scan.Valid(text) {
		return nil, false
	}
	return text[1 : len(text)-1], true
}

// mergeMessage merges the object in a string field message with the record.
func (w *Worker) mergeMessage() {
	if w.p.opts.Merge == MergeNone {
		return
	}
	m := w.obj.findSig(messageSig, messageName)
	if m == nil || m.Value[0] != '"' || len(m.Value) < 4 {
		return
	}
	content := m.Value[1 : len(m.Value)-1]
	if c := content[0]; c > ' ' && c != '{' && c != '\\' && c < utf8.RuneSelf {
		return // plain text, as most messages are
	}
	var lossy int
	w.message, lossy = rawjson.AppendUnescaped(w.message[:0], content)
	inner := bytes.TrimPrefix(w.message, bom)
	own := len(w.obj.members)
	inNames, ok := w.obj.parse(&w.scan, inner, fromMessage)
	if !ok {
		return
	}
	if r := w.p.rules.message; r != nil {
		w.removeBy(r, w.obj.members[own:], false)
	}
	if w.deep {
		w.lookForDeep(inner, fromMessage)
	}
	w.doc.Replaced += lossy + inNames
	w.obj.findSig(messageSig, messageName).Gone = true
	w.doc.Merged = true
	if w.p.opts.Merge == MergeUnder {
		w.removed(messageField, "merged under the record")
		w.obj.unique(own, w.onHidden())
		return
	}
	w.removed(messageField, "merged over the record")
	w.obj.unique(0, w.onDuplicate())
}

// makeText makes the document of what is no JSON object.
func (w *Worker) makeText(text []byte) {
	w.doc.Text = true
	text = w.maskText(textName, text)
	w.text = append(w.text[:0], '"')
	w.text = rawjson.AppendEscapedValid(w.text, text)
	w.text = append(w.text, '"')
	w.obj.add(member{Key: textName, Name: textName, Sig: textSig, Value: w.text})
}

// Trim gives back the space of buffers that one large record has made grow.
// Call it between batches; it ends the life of the last Document.
func (w *Worker) Trim() {
	w.mask.trim(keepBytes)
	if w.aside != nil {
		w.aside.Trim()
	}
	for _, b := range []*[]byte{&w.valid, &w.layers[0], &w.layers[1], &w.message, &w.kept, &w.text, &w.masked, &w.id, &w.obj.names} {
		if cap(*b) > keepBytes {
			*b = nil
		}
	}
	const keepMembers = 2048
	clear(w.obj.members[:cap(w.obj.members)])
	clear(w.obj.texts[:])
	w.doc = Document{}
	w.obj.members = w.obj.members[:0]
	if cap(w.obj.members) > keepMembers {
		w.obj.members = nil
	}
	if cap(w.obj.table.slots) > 4*keepMembers {
		w.obj.table.slots = nil
	}
}
