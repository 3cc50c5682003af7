package esclient

import (
	"ckafka-etl/record"
)

// judgeItems settles a request's items by a bulk answer. Answers are matched
// to documents by id, in order: an answer may be short, and a place in it says
// nothing then.
func (j *job) judgeItems(w *wave, req *request, answer []byte) {
	var (
		reader   answerReader
		retry    = make(map[int]*record.Cause) // by place in the request
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
		if cause, again := j.judgeItem(&reader, req, at, it); again {
			retry[at] = cause
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
	if len(retry) == 0 {
		return
	}
	j.retryInOrder(req, retry)
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

// judgeItem settles one item, or returns that it has to be sent again and why.
func (j *job) judgeItem(reader *answerReader, req *request, at int, it item) (cause *record.Cause, retry bool) {
	i, meta := req.items[at], req.meta[at]
	if it.status >= 200 && it.status < 300 { // the usual case, without ado
		j.results[i] = record.Result{Outcome: record.Stored}
		return nil, false
	}
	var f failure
	if it.err != nil {
		f = reader.failure(it.err)
	} else {
		f.kind = "unknown_error"
	}
	v, hint := classifyItem(it.status, f, meta.create, meta.generated)
	if v == duplicate {
		j.results[i] = record.Result{Outcome: record.Duplicate}
		return nil, false
	}
	cause = causeOf(it.status, f, v, hint)
	cause.Index, cause.ID = meta.index, unquote([]byte(`"`+string(req.id(at))+`"`))
	switch v {
	case again:
		return cause, true
	case refused:
		j.results[i] = record.Result{Outcome: record.Refused, Cause: cause}
	default:
		j.results[i] = record.Result{Outcome: record.Unsettled, Cause: cause}
	}
	return nil, false
}

// retryInOrder adds to the items that are sent again those behind them of the
// same id that were stored: they have to be written last once more.
func (j *job) retryInOrder(req *request, retry map[int]*record.Cause) {
	open := make(map[uint64]struct{})
	for at, i := range req.items {
		key := req.meta[at].key
		if key == 0 {
			continue
		}
		if _, again := retry[at]; again {
			open[key] = struct{}{}
		} else if _, behind := open[key]; behind && j.results[i].Outcome == record.Stored {
			retry[at] = noItem
		}
	}
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
