package esclient

import (
	"bytes"
	"net/http"
	"regexp"
	"sync"

	"ckafka-etl/record"
)

// verdict is what an answer means for a document or for a whole request.
type verdict uint8

const (
	stored    verdict = iota
	duplicate         // an earlier write of ours stored it
	buried            // the server itself keeps it as a dead letter
	again             // may be accepted when it is sent again, after a back-off
	asIndex           // sent again at once as index: its 409 proves nothing
	refused           // refused for what it is: needs a dead letter
	suspect           // refused for what it is, or for something else
	hold              // cannot be accepted until somebody changes something
	split             // too much or too odd for one request: halve it
	flipType          // the action lines need _type, or must not have it
	behind            // waits for another item of the same id
)

// sentItem is what has to be known of a document that was sent.
type sentItem struct {
	id span // in the body
	// create says that the action was create, own that the id is one of ours.
	create, own bool
	// mayIndex says that index is allowed for it, too.
	mayIndex bool
	// exists says that another record of this delivery has the id.
	exists bool
	// stamped says that the time field is the function's own, merged that the
	// record's message was merged with it.
	stamped, merged bool
	trace           record.Trace
	// fails counts the internal errors (500) that the server gave for it.
	fails uint8
}

// judgement is what an answer means for one document.
type judgement struct {
	verdict verdict
	cause   *record.Cause // nil for stored and duplicate
	trace   record.Trace  // what it adds to the document's trace
	// replaced says that a stored document took the place of another.
	replaced bool
}

// maxFails is how often a document may meet an internal error (500) of a server
// that takes others, before it is suspected: some bug of the server must not
// hold a partition for ever.
const maxFails = 5

// judge says what the items of a bulk answer mean for the documents of a
// request. It is pure: it looks at what was sent and at what came back. ok is
// false if the answer cannot be read or matched; then it says nothing of any
// document.
func judge(r *answerReader, req *request, answer []byte, stamp string, visit func(at int, j judgement)) (ok bool) {
	items, ok := match(r, req, answer)
	if !ok {
		return false
	}
	for at := range req.sent {
		switch it := &items[at]; {
		case it.status >= 200 && it.status < 300 && !it.buried: // the usual case, without ado
			visit(at, judgement{replaced: req.sent[at].replaces(it.status)})
		case it.status == 0 && it.id == nil && it.err == nil:
			visit(at, judgement{verdict: again, cause: noItem(), trace: record.AnswerLost})
		default:
			visit(at, judgeItem(r, &req.sent[at], it, stamp))
		}
	}
	return true
}

// judgeItem says what a refusal of a document, or a conflict, means.
func judgeItem(r *answerReader, s *sentItem, it *answerItem, stamp string) judgement {
	f := failure{kind: unknownKind}
	if it.err != nil {
		f = r.failure(it.err)
	}
	if it.buried {
		c := causeOf(it.status, &f, meaning{safe: "the data stream's failure store has taken it", hint: "look at the failure store of the data stream"})
		if it.err == nil {
			c.Type = "failure_store"
		}
		return judgement{verdict: buried, cause: c}
	}
	if it.status == http.StatusConflict && (f.kind == "version_conflict_engine_exception" || it.err == nil || s.create) {
		return judgeConflict(s, it.status, &f)
	}
	m := meaningOf(&f)
	if m.subject == ofDocument {
		m = ofOurs(s, &f, m, stamp)
	}
	switch {
	case m.subject == ofServer || it.status == http.StatusTooManyRequests || it.status > 500:
		return judgement{verdict: again, cause: causeOf(it.status, &f, orElse(m, hintOverload)), trace: failed(it.status)}
	case m.subject == ofIndex:
		return judgement{verdict: hold, cause: causeOf(it.status, &f, m), trace: failed(it.status)}
	case m.subject == ofDocument && it.status <= http.StatusInternalServerError:
		return judgement{verdict: refused, cause: causeOf(it.status, &f, m)}
	case it.status == http.StatusInternalServerError:
		v := again
		if s.fails+1 >= maxFails {
			v = suspect
		}
		return judgement{verdict: v, cause: causeOf(it.status, &f, orElse(m, "Elasticsearch fails on it: look at its log")), trace: record.WriteFailed}
	case it.status == http.StatusUnauthorized, it.status == http.StatusForbidden:
		return judgement{verdict: hold, cause: causeOf(it.status, &f, orElse(m, hintRights))}
	case it.status == http.StatusNotFound:
		return judgement{verdict: hold, cause: causeOf(it.status, &f, orElse(m, "look at the index, and at action.auto_create_index"))}
	case it.status < 200:
		return judgement{verdict: again, cause: noItem(), trace: record.AnswerLost}
	}
	return judgement{verdict: suspect, cause: causeOf(it.status, &f, orElse(m, "look at the index, its template and ES_Pipeline"))}
}

// replaces reports whether an answer of a status says that the document has taken
// the place of another: index answers 201 for a new one and 200 for one that was
// there. What may have been there by an earlier try of ours does not count.
func (s *sentItem) replaces(status int) bool {
	return status == http.StatusOK && !s.create && !s.own && s.trace == 0
}

// ofOurs says of a document that is refused for what the function has done to it
// that it is: for its own time stamp, or for what may have come out of message.
func ofOurs(s *sentItem, f *failure, m meaning, stamp string) meaning {
	ours := s.stamped && stamp != "" && m.field == stamp
	switch {
	case ours && f.kind == "strict_dynamic_mapping_exception":
		return meaning{subject: ofIndex, safe: "the mapping is strict and does not know the function's own time stamp", hint: "add the field to the mapping, or look at ES_Time_Field"}
	case ours:
		m.safe += ": it is the function's own time stamp, which the record lacks"
		m.hint = joinHints(m.hint, "look at the field's mapping and at ES_Time_Field")
	case s.merged && m.field != "":
		m.hint = joinHints(m.hint, "the record's message was merged with it: if the field is the message's, look at ES_Message_Merge")
	}
	return m
}

// judgeConflict says what a 409 means: that a document with this id is there.
func judgeConflict(s *sentItem, status int, f *failure) judgement {
	switch {
	case !s.create:
		// index has no reason to conflict but another write at the same time.
		return judgement{verdict: again, cause: causeOf(status, f, meaning{hint: "something else writes the same documents: look at ES_Id_Field"})}
	case s.exists:
	case s.trace&record.WriteFailed != 0 && s.mayIndex:
		return judgement{verdict: asIndex, cause: causeOf(status, f, meaning{safe: "a write of it had failed before"})}
	case s.trace&record.WriteFailed != 0:
		return judgement{verdict: hold, cause: causeOf(status, f, meaning{
			safe: "an earlier write of it failed in the server, so that it may be there without being safe",
			hint: "look at the cluster's health; ES_Op_Type=create does not allow to write it again, auto does",
		})}
	case s.own, s.trace&record.AnswerLost != 0:
		return judgement{verdict: duplicate}
	}
	return judgement{verdict: refused, cause: causeOf(status, f, meaning{
		safe: "a document with this id exists already", hint: "look at ES_Id_Field and ES_Op_Type",
	})}
}

// failed is the trace of a write that the server answered with a status.
func failed(status int) record.Trace {
	if status >= 500 {
		return record.WriteFailed
	}
	return 0
}

func orElse(m meaning, hint string) meaning {
	if m.hint == "" {
		m.hint = hint
	}
	return m
}

// judgeRequest says what the refusal of a whole request means.
func judgeRequest(r *reply) (verdict, *record.Cause) {
	f, m := &r.failure, meaning{}
	if f.elastic {
		m = meaningOf(f)
	}
	with := func(v verdict, hint string) (verdict, *record.Cause) {
		if r.status != http.StatusBadRequest && v == hold || m.hint == "" {
			m.hint = hint // of a whole request the status says it best
		}
		c := causeOf(r.status, f, m)
		c.Permanent = v == hold
		return v, c
	}
	switch {
	case r.status == http.StatusInternalServerError && m.subject == ofDocument:
		return with(split, "look at what sends the documents") // 6.x says so of a body that it cannot read
	case f.elastic && m.subject == ofServer, r.status == http.StatusTooManyRequests, r.status == http.StatusRequestTimeout, r.status >= 500:
		return with(again, hintOverload)
	case r.status == http.StatusRequestEntityTooLarge:
		return with(split, "look at http.max_content_length, at a proxy's limit, and at ES_Bulk_Bytes")
	case r.status == http.StatusBadRequest:
		return judgeBadRequest(r, m, with)
	case r.status == http.StatusUnauthorized:
		return with(hold, "look at ES_User and ES_Password, or at ES_ApiKey")
	case r.status == http.StatusForbidden && f.elastic:
		return with(hold, "look at what the user of ES_User or ES_ApiKey may do")
	case r.status == http.StatusForbidden:
		return with(split, "something between the function and Elasticsearch forbids it: look at its rules (a firewall for web requests?) and at ES_Address")
	case r.status == http.StatusNotFound:
		return with(hold, "look at ES_Address: there is no _bulk below it")
	case r.status >= 300 && r.status < 400:
		return with(hold, "look at ES_Address: it redirects elsewhere")
	default:
		return with(hold, "look at ES_Address: is it Elasticsearch?")
	}
}

// wantsHTTPS fits what nginx and Go's server say to a request without TLS.
//
//nolint:gochecknoglobals // made once
var wantsHTTPS = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\A(?:\s*<html>\s*<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>|Client sent an HTTP request to an HTTPS server\.\s*\z)`)
})

//nolint:gochecknoglobals // made once
var unknownType = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\AAction/metadata line \[\d+\] contains an unknown parameter \[_type\]\z`)
})

func judgeBadRequest(r *reply, m meaning, with func(verdict, string) (verdict, *record.Cause)) (verdict, *record.Cause) {
	reason := []byte(r.failure.reason)
	switch {
	// Whole reasons: others may quote a record that says the same.
	case !r.typed && r.failure.kind == "action_request_validation_exception" && bytes.HasPrefix(reason, []byte("Validation Failed: 1: type is missing;")),
		r.typed && r.failure.kind == "illegal_argument_exception" && unknownType().Match(reason):
		return with(flipType, "the server disagrees with itself about _type")
	case m.subject == ofIndex:
		return with(hold, "")
	case !r.failure.elastic && wantsHTTPS().Match(reason):
		return with(hold, "look at ES_Address: is it https?")
	}
	return with(split, "look at ES_Address and at what stands between the function and Elasticsearch")
}

// causeOf describes a refusal.
func causeOf(status int, f *failure, m meaning) *record.Cause {
	return &record.Cause{
		Type: f.kind, Status: status, Reason: f.text(), Safe: m.safe, Hint: m.hint, Permanent: m.subject == ofIndex,
	}
}

func noItem() *record.Cause {
	return &record.Cause{
		Type: "no_item", Safe: "the bulk answer had no item for the document",
		Hint: "look at what stands between the function and Elasticsearch",
	}
}

func unreadable() *record.Cause {
	return &record.Cause{
		Type: "unreadable_answer", Safe: "the answer was no bulk answer",
		Hint: "look at ES_Address, and at what stands between the function and Elasticsearch",
	}
}

func noTimeLeft() *record.Cause {
	return &record.Cause{
		Type: "no_time_left", Safe: "the invocation's time was nearly over",
		Hint: "look at the function's timeout and at maxMsgNum of the trigger",
	}
}
