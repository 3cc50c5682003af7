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

// Clean returns a text that goes with a record, such as its key, cleaned as a
// record is: a JSON object without the ignored fields, any other text with the
// values behind ignored words hidden. changed says whether there were any; if not,
// the text itself is returned. The result is valid until the next call.
func (w *Worker) Clean(text []byte) (clean []byte, changed bool) {
	if len(w.p.opts.Ignore) == 0 || len(text) == 0 {
		return text, false
	}
	if w.aside == nil {
		w.aside = &Worker{p: w.p}
	}
	a := w.aside
	a.doc, a.kept, a.changed = Document{obj: &a.obj}, a.kept[:0], false
	if a.Explain, a.mask.tell = w.Explain, w.Explain; a.Explain {
		a.doc.Matched = w.doc.Matched // counted with the record
	}
	a.obj.reset()
	if utf8.Valid(text) {
		a.deep = a.lookForDeep(text, fromBody)
		if _, ok := a.unwrap(text); ok {
			a.removeIgnored()
			if !a.changed {
				return text, false
			}
			a.text = a.obj.appendTo(a.text[:0])
			return a.text, true
		}
	}
	a.obj.reset()
	clean = a.maskText(textName, text)
	return clean, a.changed
}

// CleanReason returns a server's reason for a refusal, which may quote what it
// refuses, with the values of ignored fields hidden.
func (w *Worker) CleanReason(reason string) string {
	clean, _ := w.Clean([]byte(reason))
	if !w.namesIgnored(clean) {
		return string(clean)
	}
	// "failed to parse field [a.password] of type [long] … Preview of field's value: 'x'"
	for _, quoting := range [...]string{"Preview of field's value: '", "For input string: \"", "for value [", "value ["} {
		if i := bytes.Index(clean, []byte(quoting)); i >= 0 {
			return string(clean[:i+len(quoting)-1]) + masked
		}
	}
	return string(clean)
}

// namesIgnored reports whether text has an ignored word in brackets, as servers
// write the names of fields.
func (w *Worker) namesIgnored(text []byte) bool {
	for i := 0; ; {
		k := bytes.IndexByte(text[i:], '[')
		if k < 0 {
			return false
		}
		i += k + 1
		end := bytes.IndexByte(text[i:], ']')
		if end < 0 {
			return false
		}
		name := text[i : i+end]
		name = name[bytes.LastIndexByte(name, '.')+1:]
		for _, word := range w.p.rules.text.words {
			if len(word.text) == len(name) && equalFold(string(word.text), name) {
				return true
			}
		}
	}
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

// maskText returns text with the values behind all ignored words hidden.
func (w *Worker) maskText(field, text []byte) []byte {
	spans := w.mask.spans(&w.p.rules.text, text)
	if len(spans) == 0 {
		return text
	}
	w.changed = true
	w.masked = appendMasked(w.masked[:0], text, spans)
	w.maskedIn(field, &w.p.rules.text)
	return w.masked
}

// removeIgnored removes the ignored fields, hides ignored values in text and
// brings the other values onto one line.
func (w *Worker) removeIgnored() { w.removeBy(w.p.rules, w.obj.members, w.deep && !w.doc.Text) }

// places are where the deep rules' words are in a text that members come from.
type places struct {
	hits []int32 // at most cap(hits)
	sure bool    // and nowhere else, in no spelling
}

// lookForDeep notes whether and where the deep rules' words are in a text.
func (w *Worker) lookForDeep(text []byte, source uint8) bool {
	const most = 32
	p, set := &w.places[source], &w.p.rules.deep
	p.sure = false
	if len(set.words) == 0 {
		return false
	}
	if p.hits == nil {
		p.hits = make([]int32, 0, most)
	}
	p.hits = set.find(text, p.hits[:0])
	hidden := set.odd || set.mayHide(text)
	p.sure = !hidden && len(p.hits) < most
	return hidden || len(p.hits) > 0
}

// holdsDeep reports whether a word of a deep rule may be in a member's name and in
// its value.
func (w *Worker) holdsDeep(r *rules, m *member) (key, value bool) {
	p := &w.places[m.Source]
	if !p.sure || !m.Tight {
		return true, r.deep.mayHold(m.Value)
	}
	from := m.At + len(m.Key)
	for _, hit := range p.hits {
		at := int(hit)
		key = key || at >= m.At && at < from
		value = value || at > from && at < from+len(`":`)+len(m.Value)
	}
	return key, value
}

// removeBy does that to some members, with some rules.
func (w *Worker) removeBy(r *rules, members []member, deep bool) {
	for i := range members {
		m := &members[i]
		if m.Gone {
			continue
		}
		key, hold := deep, deep
		if deep {
			key, hold = w.holdsDeep(r, m)
		}
		gone, inside, by := r.top(m, key)
		switch {
		case gone:
			m.Gone, w.changed = true, true
			w.goneBy(by)
			if w.Explain {
				w.removed(string(m.Name), "ignored by "+by.path)
			}
		case isContainer(m.Value):
			if !inside && !m.Broken && !hold {
				continue
			}
			var mask *masker
			if hold {
				mask = &w.mask
			}
			from := len(w.kept)
			kept, changed := r.appendKept(w.kept, m.Name, m.Value, mask, w.onGone(m))
			if w.kept = kept; changed || m.Broken {
				w.idHidden = w.idHidden || changed && w.hidesID(m, w.kept[from:])
				replace(m, w.kept[from:len(w.kept):len(w.kept)])
				w.changed = w.changed || changed
				w.maskedIn(m.Name, &r.deep)
			}
		case hold && m.Value[0] == '"':
			from := len(w.kept)
			kept, hidden := w.mask.appendString(w.kept, &r.deep, m.Value)
			if w.kept = kept; hidden {
				w.changed, w.idHidden = true, w.idHidden || w.hidesID(m, w.kept[from:])
				replace(m, w.kept[from:len(w.kept):len(w.kept)])
				w.maskedIn(m.Name, &r.deep)
			}
		}
	}
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
	return func(r *rule) {
		w.goneBy(r)
		w.removed(string(m.Name), "a field inside is ignored by "+r.path)
	}
}

// hidesID reports whether the id's field is the member or inside it, and has
// another value once that is cleaned.
func (w *Worker) hidesID(m *member, cleaned []byte) bool {
	was, _ := lookup(m.Name, m.Value, w.p.opts.IDField)
	is, _ := lookup(m.Name, cleaned, w.p.opts.IDField)
	return was != nil && is != nil && !bytes.Equal(was, is)
}

func (w *Worker) goneBy(r *rule) {
	if w.Explain {
		w.doc.Matched[r.number]++
	}
}

// maskedIn tells of the values that were hidden in the text of a field.
func (w *Worker) maskedIn(field []byte, set *wordSet) {
	for _, word := range w.mask.told {
		for i, number := range set.words[word].rules {
			w.doc.Matched[number]++
			if i == 0 {
				w.removed(string(field), "masked in its text, by "+w.p.opts.Ignore[number])
			}
		}
	}
	w.mask.told = w.mask.told[:0]
}
