package esclient

import (
	"bytes"
	"net/http"
)

// allStored reports whether an answer is, byte for byte, the one to a request of
// which all is stored. It is the usual one, and to compare it costs a tenth of
// what reading it does. false means nothing: then the answer has to be read.
// replaced is how many documents have taken the place of others.
func allStored(req *request, answer []byte) (replaced int, ok bool) {
	rest, ok := bytes.CutPrefix(answer, []byte(`{"items":[`))
	for at := 0; ok && at < len(req.sent); at++ {
		if at > 0 {
			if len(rest) == 0 || rest[0] != ',' {
				return 0, false
			}
			rest = rest[1:]
		}
		action := `{"index":{"_id":"`
		if req.sent[at].create {
			action = `{"create":{"_id":"`
		}
		const end = `","status":201}}`
		id := req.id(at)
		n := len(action) + len(id)
		if len(rest) < n+len(end) || string(rest[:len(action)]) != action || !bytes.Equal(rest[len(action):n], id) {
			return 0, false
		}
		switch string(rest[n : n+len(end)]) {
		case end:
		case `","status":200}}`:
			if req.sent[at].replaces(http.StatusOK) {
				replaced++
			}
		default:
			return 0, false
		}
		rest = rest[n+len(end):]
	}
	return replaced, ok && string(rest) == `]}`
}

// match returns the answer's item for each document of the request, by place if
// there are as many as were sent, and by id if not. A place without an item is
// the zero item.
func match(r *answerReader, req *request, answer []byte) (items []answerItem, ok bool) {
	items = req.answer[:0]
	inPlace := true
	ok = r.items(answer, func(it answerItem) {
		if n := len(items); inPlace && (n >= len(req.sent) || !r.sameID(req.id(n), it.id)) {
			inPlace = false
		}
		items = append(items, it)
	})
	req.answer = items
	switch {
	case !ok || len(items) > len(req.sent):
		return nil, false
	case len(items) == len(req.sent) && (inPlace || !shuffled(r, req, items)):
		return items, true // by place: a pipeline may have set other ids
	}
	return byID(r, req, items)
}

// shuffled reports whether the items are those that were sent in another order.
func shuffled(r *answerReader, req *request, items []answerItem) bool {
	sent := make(map[string]int, len(items))
	for at := range req.sent {
		sent[string(r.plainID(req.id(at)))]++
	}
	for i := range items {
		id := string(r.plainID(items[i].id))
		if sent[id] == 0 {
			return false
		}
		sent[id]--
	}
	return true
}

// byID puts items where their ids were sent. Of equal ids the order counts, and
// if an item of such an id is missing nothing can be said.
func byID(r *answerReader, req *request, found []answerItem) (items []answerItem, ok bool) {
	places := make(map[string][]int, len(req.sent))
	for at := range req.sent {
		id := string(r.plainID(req.id(at)))
		places[id] = append(places[id], at)
	}
	repeated := len(places) < len(req.sent)
	if repeated && len(found) < len(req.sent) {
		return nil, false
	}
	items = make([]answerItem, len(req.sent))
	for _, it := range found {
		id := string(r.plainID(it.id))
		if len(places[id]) == 0 {
			return nil, false
		}
		items[places[id][0]] = it
		places[id] = places[id][1:]
	}
	return items, true
}
