package esclient

import (
	"net/http"

	"ckafka-etl/record"
)

// maxStrikes is how often one document may meet an internal error (500) of a
// server that answers otherwise, before it becomes a dead letter: some bug of
// the server must not hold a partition for ever. Overload has other statuses.
const maxStrikes = 6

// judgeItems settles a request's items by a bulk answer. Answers are matched
// to documents by id, in order: an answer may be short, and a place in it says
// nothing then.
func (j *job) judgeItems(w *wave, req *request, answer []byte) {
	var (
		reader   answerReader
		retry    = make(map[int]*record.Cause) // by place in the request
		held     = make(map[int]*record.Cause)
		answered = 0
		next     = 0
		foreign  = false
	)
	ok := reader.items(answer, func(it item) {
		answered++
		at := next
		for at < len(req.items) && !reader.sameID(req.id(at), it.id) {
			at++
		}
		if at == len(req.items) {
			foreign = true
			return
		}
		for ; next < at; next++ {
			retry[next] = noItem
		}
		next = at + 1
		switch v, cause := j.judgeItem(&reader, req, at, it); v {
		case again:
			retry[at] = cause
		case hold:
			held[at] = cause
		default: // settled
		}
	})
	if !ok || foreign || answered < len(req.items) && req.repeats() {
		// What it says of single documents cannot be trusted either.
		w.fail(req.items, unreadable, 0)
		return
	}
	for ; next < len(req.items); next++ {
		retry[next] = noItem
	}
	if len(retry) == 0 && len(held) == 0 {
		return
	}
	j.keepOrder(w, req, retry, held)
	for at, cause := range retry {
		w.fail(req.items[at:at+1], cause, 0)
	}
}

var (
	noItem = &record.Cause{
		Type: "no_item", Safe: "the bulk answer had no item for the document",
		Hint: "look at what stands between the function and Elasticsearch",
	}
	unreadable = &record.Cause{
		Type: "unreadable_answer", Safe: "the answer was no bulk answer",
		Hint: "look at ES_Address, and at what stands between the function and Elasticsearch",
	}
)

// judgeItem settles one item and says what the answer means for it.
func (j *job) judgeItem(reader *answerReader, req *request, at int, it item) (verdict, *record.Cause) {
	i, meta := req.items[at], req.meta[at]
	if it.status >= 200 && it.status < 300 { // the usual case, without ado
		j.results[i] = record.Result{Outcome: record.Stored}
		return stored, nil
	}
	f := failure{kind: "unknown_error"}
	if it.err != nil {
		f = reader.failure(it.err)
	}
	v, hint := classifyItem(it.status, f, meta.create, meta.generated)
	if v == again && it.status == http.StatusInternalServerError && j.strike(i) > maxStrikes {
		// It is not the server that is ill but the document that it trips over.
		v, hint = refused, "Elasticsearch fails on this document again and again: look at its log"
	}
	if v == duplicate {
		j.results[i] = record.Result{Outcome: record.Duplicate}
		return v, nil
	}
	cause := causeOf(it.status, f, v, hint)
	cause.Index, cause.ID = meta.index, unquote([]byte(`"`+string(req.id(at))+`"`))
	if v == refused {
		j.results[i] = record.Result{Outcome: record.Refused, Cause: cause}
	}
	return v, cause
}

// strike counts an internal error of the server for an item.
func (j *job) strike(i int32) int {
	j.strikesMu.Lock()
	defer j.strikesMu.Unlock()
	if j.strikes == nil {
		j.strikes = make(map[int32]int)
	}
	j.strikes[i]++
	return j.strikes[i]
}

// keepOrder sees to it that items of one id that comes from a field take effect
// in order: those behind one that is sent again are written once more behind
// it, and those behind one that has to wait for the next delivery wait too.
func (j *job) keepOrder(w *wave, req *request, retry, held map[int]*record.Cause) {
	open := make(map[uint64]struct{})
	blocked := make(map[uint64]*record.Cause)
	for at, i := range req.items {
		key := req.meta[at].key
		if cause, ok := held[at]; ok {
			j.results[i] = record.Result{Outcome: record.Unsettled, Cause: cause}
			if key != 0 {
				blocked[key] = cause
			}
			continue
		}
		if key == 0 {
			continue
		}
		_, again := retry[at]
		if !again && j.results[i].Outcome != record.Stored {
			continue // refused, whatever else is there
		}
		if cause, ok := blocked[key]; ok {
			delete(retry, at)
			j.results[i] = record.Result{Outcome: record.Unsettled, Cause: cause}
		} else if again {
			open[key] = struct{}{}
		} else if _, behind := open[key]; behind {
			retry[at] = noItem
		}
	}
	w.block(blocked)
}

// repeats reports whether two items of a request have the same id.
func (r *request) repeats() bool {
	ids := make(map[uint64]struct{})
	for i := range r.meta {
		key := r.meta[i].key
		if key == 0 {
			continue
		}
		if _, ok := ids[key]; ok {
			return true
		}
		ids[key] = struct{}{}
	}
	return false
}

// id returns the id that was sent, as the content of a JSON string.
func (r *request) id(at int) []byte {
	s := r.meta[at].id
	return r.body[s.from:s.to]
}
