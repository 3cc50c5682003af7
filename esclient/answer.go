package esclient

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"ckafka-etl/internal/rawjson"
)

// filterPath cuts a bulk answer down to what is read of it: a tenth of the
// bytes for the server to write and for us to read.
//
//nolint:gochecknoglobals // a list that is never written
var filterPath = []string{"items.*._id", "items.*.status", "items.*.error", "items.*.failure_store"}

// answerItem is what an answer says of one document. Its slices alias the answer.
type answerItem struct {
	id     []byte // the content of a JSON string
	status int
	err    []byte // JSON text, nil if there is none
	buried bool   // the data stream's failure store has taken it
}

// answerReader reads answers. It is not safe for concurrent use.
type answerReader struct {
	scan    rawjson.Scanner
	top     []rawjson.Member
	action  []rawjson.Member
	fields  []rawjson.Member
	scratch []byte
}

// items calls visit with each item of a bulk answer in order. ok is false if
// the answer is not one.
func (r *answerReader) items(answer []byte, visit func(answerItem)) (ok bool) {
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
		var it answerItem
		if it, ok = r.item(elem); ok {
			visit(it)
		}
		return ok
	})
	return ok && isArray
}

// item reads {"create":{"_id":…,"status":…}}.
func (r *answerReader) item(elem []byte) (it answerItem, ok bool) {
	if r.action, ok = r.scan.Object(elem, r.action[:0]); !ok || len(r.action) != 1 {
		return it, false
	}
	if r.fields, ok = r.scan.Object(r.action[0].Value, r.fields[:0]); !ok {
		return it, false
	}
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
		case "failure_store":
			it.buried = string(f.Value) == `"used"`
		}
	}
	return it, true
}

// failure is an error object of Elasticsearch, or what stands in its place.
type failure struct {
	kind   string // error.type, as far as it looks like one
	reason string // error.reason
	// causes are the reasons below it, the deepest last.
	causes []string
	// elastic says that it was an error object, and not a page or a text.
	elastic bool
}

// text returns all that the server says, for a dead letter.
func (f *failure) text() string {
	s := f.reason
	for _, c := range f.causes {
		switch {
		case s == "":
			s = c
		case !bytes.Contains([]byte(s), []byte(c)):
			s += ": " + c
		}
	}
	return cut(s, maxReason)
}

const (
	// maxReason is how much of a server's explanation is kept, in bytes.
	maxReason = 8 << 10
	// maxCauses is how deep an error's causes are followed.
	maxCauses = 8
	// maxKind is the longest error type that is taken for one.
	maxKind = 80

	unknownKind = "unknown_error"
)

// failure reads an error: an object, or plain text as old servers and proxies
// send it.
func (r *answerReader) failure(text []byte) failure {
	f := failure{kind: unknownKind}
	for depth := range maxCauses {
		var ok bool
		if r.fields, ok = r.scan.Object(text, r.fields[:0]); !ok {
			if depth == 0 {
				f.reason = withoutSource(unquote(text))
			}
			break
		}
		reason := withoutSource(unquote(member(r.fields, "reason")))
		if depth == 0 {
			f.elastic, f.reason = true, reason
			f.kind = kindOf(unquote(member(r.fields, "type")))
		} else if reason != "" {
			f.causes = append(f.causes, reason)
		}
		if text = member(r.fields, "caused_by"); text == nil {
			break
		}
	}
	return f
}

// withoutSource leaves out what a JSON parser quotes of its input. With
// Elasticsearch 7.10 that is the buffer of the whole request: its Authorization
// header and other documents.
func withoutSource(reason string) string {
	before, _, found := strings.Cut(reason, " at [Source: ")
	if !found {
		return reason
	}
	return strings.TrimRight(before, "\n")
}

// kindOf returns an error's type if it looks like one. It goes into logs, and
// what looks otherwise may be anything.
func kindOf(s string) string {
	if s == "" || len(s) > maxKind {
		return unknownKind
	}
	for i := range len(s) {
		if c := s[i]; c != '_' && c != '.' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return unknownKind
		}
	}
	return s
}

// request reads the error of a whole request: {"error":{…},"status":400}. A
// proxy's page has no such error; then the status has to say it all.
func (r *answerReader) request(answer []byte, status int) failure {
	var ok bool
	if r.top, ok = r.scan.Object(answer, r.top[:0]); ok {
		if text := member(r.top, "error"); text != nil {
			return r.failure(text)
		}
	}
	reason := cut(string(bytes.ToValidUTF8(answer, nil)), maxReason)
	if reason == "" { // as Elasticsearch's own 413 has it
		reason = http.StatusText(status)
	}
	return failure{kind: "http_" + strconv.Itoa(status), reason: reason}
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

// plainID returns an id unescaped, valid until the next call.
func (r *answerReader) plainID(id []byte) []byte {
	r.scratch, _ = rawjson.AppendUnescaped(r.scratch[:0], id)
	return r.scratch
}
