package transform

import (
	"bytes"
	"unicode/utf8"
)

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

// hidesID reports whether the id's field is the member or inside it, and has
// another value once that is cleaned.
func (w *Worker) hidesID(m *member, cleaned []byte) bool {
	was, _ := lookup(m.Name, m.Value, w.p.opts.IDField)
	is, _ := lookup(m.Name, cleaned, w.p.opts.IDField)
	return was != nil && is != nil && !bytes.Equal(was, is)
}
