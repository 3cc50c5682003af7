package modelserver

import (
	"bytes"
	"net/http"
	"slices"
	"syscall"
	"time"
)

// early reports whether a fault leaves no bulk answer.
func (h How) early() bool {
	switch h {
	case Replies, NoConnection, Reset, BreaksInBody, Stalls:
		return true
	default:
		return false
	}
}

// hits reports whether a fault is for a request.
func (f *Fault) hits(host string, actions []action) bool {
	if f.Host != "" && f.Host != host {
		return false
	}
	return f.Spares == "" || slices.ContainsFunc(actions, func(a action) bool { return a.index != f.Spares })
}

// exchange is one request at the server. Its server is locked.
type exchange struct {
	s          *Server
	req        *http.Request
	wire, body []byte
	actions    []action
	fault      *Fault
	no         int
}

// barred is how the server, or what stands before it, refuses the request
// before it looks at a document; nil: it does not.
func (x *exchange) barred(packed bool) *Fault {
	t := &x.s.traits
	if t.MaxBody > 0 && len(x.wire) > t.MaxBody {
		f := t.TooLarge
		f.Proof = Unproved
		return &f
	}
	for i := range t.Bans {
		if bytes.Contains(x.body, []byte(t.Bans[i].Mark)) {
			return &Fault{How: Replies, Reply: t.Bans[i].Reply, Proof: Unproved}
		}
	}
	if packed && t.RefusesGzip != nil {
		return &Fault{How: Replies, Reply: *t.RefusesGzip}
	}
	if r := t.Types.disagrees(x.actions); r != nil {
		return &Fault{How: Replies, Reply: *r}
	}
	return nil
}

// fail ends an exchange without a bulk answer.
func (x *exchange) fail(f *Fault) (res *http.Response, stalls bool, err error) {
	for i := range x.actions {
		x.s.refused(&x.actions[i], f.Proof, x.no, len(x.actions))
	}
	switch f.How {
	case NoConnection:
		return nil, false, networkError("dial", syscall.ECONNREFUSED)
	case BreaksInBody:
		return nil, false, networkError("write", syscall.EPIPE)
	case Stalls:
		return nil, true, nil
	case Replies:
		return f.Reply.response(x.req, x.body, x.s.traits.Form, time.Now()), false, nil
	default:
		return nil, false, networkError("read", errReset)
	}
}

// answer writes the bulk answer, or what the fault makes of it.
func (x *exchange) answer(items []outcome) (*http.Response, bool, error) {
	switch x.fault.How {
	case ShortAnswer:
		var some []outcome
		for i := range items {
			if i%2 == 1 {
				some = append(some, items[i])
			}
		}
		items = some
	case LongAnswer:
		items = append(slices.Clone(items), items...)
	case ShuffledAnswer:
		if distinct(items) {
			items = slices.Clone(items)
			slices.Reverse(items)
		}
	case ForeignAnswer:
		for i := range items {
			items[i].id = "x" + items[i].id
		}
	default:
	}
	filter := x.req.URL.Query().Get("filter_path")
	if x.s.traits.IgnoresFilter {
		filter = ""
	}
	reply := Reply{Status: http.StatusOK, Body: bulkAnswer(items, wanted(filter, x.s.traits.Types == TypesRequired))}
	if x.fault.How != CutAnswer {
		return reply.response(x.req, nil, x.s.traits.Form, time.Now()), false, nil
	}
	reply.Body = reply.Body[:len(reply.Body)/2]
	reply.Form = Plain
	res := reply.response(x.req, nil, Plain, time.Now())
	res.ContentLength *= 2
	if body, ok := res.Body.(*answerBody); ok {
		body.cut = true
	}
	return res, false, nil
}

// distinct reports whether no two documents have the same id, and each has the
// one that was sent: the items of an answer can be told apart then, in whatever
// order they are.
func distinct(items []outcome) bool {
	seen := make(map[string]bool, len(items))
	for i := range items {
		if seen[items[i].id] || items[i].id != items[i].action.id {
			return false
		}
		seen[items[i].id] = true
	}
	return true
}
