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

	p       *Program
	scan    rawjson.Scanner
	obj     Object
	doc     Document
	valid   []byte    // the record's value with bad UTF-8 replaced
	layers  [2][]byte // the value, unwrapped: one layer is read while the next is written
	message []byte    // the message field, unescaped
	kept    []byte    // members that had to be rewritten
	text    []byte    // a text document's value
	masked  []byte
	id      []byte
	idTopic string // whose records' ids begin with idStart
	idStart []byte

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

	obj *Object
}

// Removal is a field that cleaning took away.
type Removal struct{ Field, Why string }

// AppendSource appends the document: a JSON object on one line.
func (d *Document) AppendSource(dst []byte) []byte { return d.obj.appendTo(dst) }

// Object returns the document's members, for reading.
func (d *Document) Object() *Object { return d.obj }

// Do makes a record's document. It never fails: what is no JSON object becomes
// a text document, a malformed record too (of the raw text of its element).
func (w *Worker) Do(rec *record.Record) *Document {
	d := &w.doc
	*d = Document{Removed: d.Removed[:0], obj: &w.obj}
	w.kept = w.kept[:0]
	w.obj.reset()

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
	return d
}

// unwrap finds the object inside up to maxLayers JSON strings and leaves its
// members in w.obj. If there is none it returns the innermost text that is
// not such a string.
func (w *Worker) unwrap(text []byte) (inner []byte, ok bool) {
	for layer := 0; ; layer++ {
		plain := bytes.TrimPrefix(text, bom)
		if lossy, ok := w.obj.parse(&w.scan, plain, fromBody); ok {
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
	if len(w.p.rules.words) > 0 {
		w.masked = w.p.rules.maskText(w.masked[:0], text)
		if !bytes.Equal(w.masked, text) {
			w.removed(textField, "values behind ignored words are masked")
		}
		text = w.masked
	}
	w.text = append(w.text[:0], '"')
	w.text = rawjson.AppendEscapedValid(w.text, text)
	w.text = append(w.text, '"')
	w.obj.add(member{Key: textName, Name: textName, Sig: textSig, Value: w.text})
}

// removeIgnored removes the ignored fields and brings the other values onto
// one line.
func (w *Worker) removeIgnored() {
	r := w.p.rules
	for i := range w.obj.members {
		m := &w.obj.members[i]
		if m.Gone {
			continue
		}
		gone, inside, by := r.top(m)
		if gone {
			m.Gone = true
			if w.Explain {
				w.removed(string(m.Name), "ignored by "+by.path)
			}
			continue
		}
		if (inside || m.Noted || m.Broken) && isContainer(m.Value) {
			from := len(w.kept)
			w.kept = r.appendKept(w.kept, m.Name, m.Value, w.onGone(m))
			replace(m, w.kept[from:len(w.kept):len(w.kept)])
		}
	}
}

// Trim gives back the space of buffers that one large record has made grow.
// Call it between batches; it ends the life of the last Document.
func (w *Worker) Trim() {
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

func (w *Worker) removed(field, why string) {
	if w.Explain {
		w.doc.Removed = append(w.doc.Removed, Removal{field, why})
	}
}

func (w *Worker) onDuplicate() func(*member) {
	if !w.Explain {
		return nil
	}
	return func(m *member) { w.removed(string(m.Name), "a later value of the same name won") }
}

func (w *Worker) onHidden() func(*member) {
	if !w.Explain {
		return nil
	}
	return func(m *member) { w.removed(string(m.Name), "another value of the same name won") }
}

func (w *Worker) onGone(m *member) func(*rule) {
	if !w.Explain {
		return nil
	}
	return func(r *rule) { w.removed(string(m.Name), "a field inside is ignored by "+r.path) }
}
