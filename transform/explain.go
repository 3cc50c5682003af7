package transform

// Removal is a field that cleaning took away.
type Removal struct{ Field, Why string }

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
