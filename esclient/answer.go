package esclient

import (
	"bytes"
	"net/http"
	"strconv"

	"ckafka-etl/internal/rawjson"
)

// filterPath cuts a bulk answer down to what is read of it: a tenth of the
// bytes for the server to write and for us to read.
var filterPath = []string{"items.*._id", "items.*.status", "items.*.error"}

// item is what an answer says of one document. Its slices alias the answer.
type item struct {
	id     []byte // the content of a JSON string
	status int
	err    []byte // JSON text, nil if there is none
}

// answerReader reads bulk answers. It is not safe for concurrent use.
type answerReader struct {
	scan    rawjson.Scanner
	top     []rawjson.Member
	action  []rawjson.Member
	fields  []rawjson.Member
	scratch []byte
}

// items calls visit with each item of a bulk answer in order. ok is false if
// the answer is not one.
func (r *answerReader) items(answer []byte, visit func(item)) (ok bool) {
	if r.top, ok = r.scan.Object(answer, r.top[:0]); !ok {
		return false
	}
	list := member(r.top, "items")
	if list == nil {
		// filter_path leaves out what is empty; that is an answer only to an
		// empty bulk, which nobody sends.
		return false
	}
	ok = true
	isArray := r.scan.Array(list, func(elem []byte) bool {
		if r.action, ok = r.scan.Object(elem, r.action[:0]); !ok || len(r.action) != 1 {
			ok = false
			return false
		}
		if r.fields, ok = r.scan.Object(r.action[0].Value, r.fields[:0]); !ok {
			return false
		}
		var it item
		for _, f := range r.fields {
			switch string(f.Key) {
			case "_id":
				if n := len(f.Value); n >= 2 && f.Value[0] == '"' {
					it.id = f.Value[1 : n-1]
				}
			case "status":
				it.status, _ = strconv.Atoi(string(f.Value))
			case "error":
				if f.Value[0] != 'n' {
					it.err = f.Value
				}
			}
		}
		visit(it)
		return true
	})
	return ok && isArray
}

// failure is an error object of Elasticsearch.
type failure struct {
	kind   string // error.type
	reason string // the deepest reason, which is the one that explains
}

// failure reads an error: an object, or plain text as old servers and proxies
// send it.
func (r *answerReader) failure(text []byte) failure {
	const deepest = 8
	var f failure
	for range deepest {
		var ok bool
		if r.fields, ok = r.scan.Object(text, r.fields[:0]); !ok {
			if s := unquote(text); f.reason == "" && s != "" {
				f.reason = s
			}
			break
		}
		if kind := unquote(member(r.fields, "type")); f.kind == "" {
			f.kind = short(kind)
		}
		if reason := unquote(member(r.fields, "reason")); reason != "" {
			if f.reason == "" || !bytes.Contains([]byte(f.reason), []byte(reason)) {
				if f.reason != "" {
					f.reason += ": "
				}
				f.reason += reason
			}
		}
		if text = member(r.fields, "caused_by"); text == nil {
			break
		}
	}
	if f.kind == "" {
		f.kind = "unknown_error"
	}
	return f
}

// request reads the error of a whole request: {"error":{…},"status":400}. A
// proxy's page has no such error; then the status has to say it all.
func (r *answerReader) request(answer []byte, status int) failure {
	var ok bool
	if r.top, ok = r.scan.Object(answer, r.top[:0]); !ok {
		reason := short(string(answer))
		if reason == "" { // as Elasticsearch's own 413 has it
			reason = http.StatusText(status)
		}
		return failure{kind: "http_" + strconv.Itoa(status), reason: reason}
	}
	text := member(r.top, "error")
	if text == nil {
		return failure{kind: "unknown_error"}
	}
	return r.failure(text)
}

func member(members []rawjson.Member, name string) []byte {
	for i := range members {
		if string(members[i].Key) == name {
			return members[i].Value
		}
	}
	return nil
}

func unquote(text []byte) string {
	if len(text) < 2 || text[0] != '"' {
		return ""
	}
	b, _ := rawjson.AppendUnescaped(nil, text[1:len(text)-1])
	return string(b)
}

// sameID reports whether an answer's _id is the one that was sent; the two may
// be escaped differently.
func (r *answerReader) sameID(sent, got []byte) bool {
	if bytes.Equal(sent, got) {
		return true
	}
	if bytes.IndexByte(sent, '\\') < 0 && bytes.IndexByte(got, '\\') < 0 {
		return false
	}
	r.scratch, _ = rawjson.AppendUnescaped(r.scratch[:0], sent)
	n := len(r.scratch)
	r.scratch, _ = rawjson.AppendUnescaped(r.scratch, got)
	return bytes.Equal(r.scratch[:n], r.scratch[n:])
}
