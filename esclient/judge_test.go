package esclient

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

// What an item means, by status, type, reason and by what is known of the document.
func TestJudgeItem(t *testing.T) {
	own := sentItem{create: true, own: true, mayIndex: true}
	chosen := sentItem{create: true}
	overwriting := sentItem{own: false}
	stamped := sentItem{create: true, own: true, mayIndex: true, stamped: true}
	with := func(s sentItem, trace record.Trace) sentItem { s.trace = trace; return s }
	for _, c := range []struct {
		name   string
		sent   sentItem
		status int
		kind   string
		reason string
		want   verdict
	}{
		{"a replay of ours", own, 409, "version_conflict_engine_exception", "", duplicate},
		{"a replay of ours after a lost answer", with(own, record.AnswerLost), 409, "version_conflict_engine_exception", "", duplicate},
		{"ours after a failed write", with(own, record.WriteFailed), 409, "version_conflict_engine_exception", "", asIndex},
		{"ours after a failed write, create only", with(sentItem{create: true, own: true}, record.WriteFailed), 409, "version_conflict_engine_exception", "", hold},
		{"an id from a field", chosen, 409, "version_conflict_engine_exception", "", refused},
		{"an id from a field after a lost answer", with(chosen, record.AnswerLost), 409, "version_conflict_engine_exception", "", duplicate},
		{"an id that another record has", with(sentItem{create: true, exists: true}, record.AnswerLost), 409, "version_conflict_engine_exception", "", refused},
		{"index with a conflict", overwriting, 409, "version_conflict_engine_exception", "", again},
		{"queue full", own, 429, "es_rejected_execution_exception", "", again},
		{"read-only before 7.7", own, 403, "cluster_block_exception", "", again},
		{"any 5xx but 500", own, 503, "brand_new_exception", "", again},
		{"a bug of the server", own, 500, "null_pointer_exception", "", again},
		{"a bug of the server, again and again", sentItem{create: true, own: true, fails: maxFails - 1}, 500, "null_pointer_exception", "", suspect},
		{"a full disk, again and again", sentItem{create: true, own: true, fails: maxFails}, 500, "i_o_exception", "", again},
		{"two write indices", own, 500, "illegal_state_exception", "alias [all] has more than one write index [a,b]", hold},
		{"no status", own, 0, "x", "", again},
		{"a name nobody has seen", own, 400, "brand_new_exception", "", suspect},
		{"a status nobody has seen", own, 418, "brand_new_exception", "", suspect},
		{"no rights", own, 403, "security_exception", "", hold},
		{"no rights by another name", own, 403, "brand_new_exception", "", hold},
		{"unauthorized", own, 401, "", "", hold},
		{"gone", own, 404, "brand_new_exception", "", hold},
		{"strict, another field", own, 400, "strict_dynamic_mapping_exception", "mapping set to strict, dynamic introduction of [a] within [_doc] is not allowed", refused},
		{"strict, the record's own field of that name", own, 400, "strict_dynamic_mapping_exception", "[1:2] mapping set to strict, dynamic introduction of [stamp] within [_doc] is not allowed", refused},
		{"strict, our own stamp", stamped, 400, "strict_dynamic_mapping_exception", "[1:2] mapping set to strict, dynamic introduction of [stamp] within [_doc] is not allowed", hold},
		// A record that held one of these phrases held its partition for ever.
		{"a value with a phrase about pipelines", own, 400, "mapper_parsing_exception", "failed to parse field [n] of type [long] in document with id 'x'. Preview of field's value: 'pipeline with id [x] does not exist'", refused},
		{"a name with a phrase about pipelines", own, 400, "mapper_parsing_exception", "failed to parse field [pipeline with id [x] does not exist] of type [long] in document with id 'x'", refused},
		{"a name with a phrase about templates", own, 400, "mapper_parsing_exception", "failed to parse field [Failed to parse mapping: x] of type [long]", refused},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r answerReader
			it := answerItem{status: c.status, err: fmt.Appendf(nil, `{"type":%q,"reason":%q}`, c.kind, c.reason)}
			got := judgeItem(&r, &c.sent, &it, "stamp")
			require.Equal(t, c.want, got.verdict)
			if got.verdict == duplicate {
				return
			}
			require.NotNil(t, got.cause)
			if got.verdict != refused && got.verdict != asIndex {
				require.NotEmpty(t, got.cause.Hint)
			}
			require.Equal(t, c.status >= 500, got.trace == record.WriteFailed)
			require.NotContains(t, got.cause.Text(), "pipeline with")
			require.NotContains(t, got.cause.Text(), "Failed to parse")
		})
	}
}

// Items belong to documents by place if there are as many, by id if not.
func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, sent, answered string
		want                 string // the id that stands at each place, "-" for none; "" = unreadable
	}{
		{"in place", "a b c", "a b c", "a b c"},
		{"other ids", "a b c", "x y z", "x y z"},
		{"one other id", "a b c", "a fs c", "a fs c"},
		{"shuffled", "a b c", "c a b", "a b c"},
		{"shuffled, with equal ids", "a b a", "b a a", "a b a"},
		{"one missing", "a b c", "a c", "a - c"},
		{"some missing and shuffled", "a b c d", "d b", "- b - d"},
		{"one missing among equal ids", "a a b", "a b", ""},
		{"a foreign one among too few", "a b c", "a x", ""},
		{"too many", "a b", "a a b b", ""},
		{"none", "a b", "", "- -"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var lines []string
			for id := range strings.FieldsSeq(c.sent) {
				lines = append(lines, fmt.Sprintf(`{"create":{"_index":"i","_id":%q}}`, id), "{}")
			}
			var items []string
			for id := range strings.FieldsSeq(c.answered) {
				items = append(items, fmt.Sprintf(`{"create":{"_id":%q,"status":201}}`, id))
			}
			var r answerReader
			got, ok := match(&r, requestOf(t, lines), []byte(`{"items":[`+strings.Join(items, ",")+`]}`))
			require.Equal(t, c.want != "", ok)
			var ids []string
			for _, it := range got {
				if it.id == nil {
					ids = append(ids, "-")
				} else {
					ids = append(ids, string(it.id))
				}
			}
			require.Equal(t, c.want, strings.Join(ids, " "))
		})
	}
}

// The comparison that replaces parsing accepts nothing that parsing would not.
func TestAllStored(t *testing.T) {
	req := requestOf(t, []string{`{"create":{"_index":"i","_id":"a"}}`, `{}`, `{"index":{"_index":"i","_id":"b"}}`, `{}`})
	req.sent[1].own = false
	for answer, want := range map[string]bool{
		`{"items":[{"create":{"_id":"a","status":201}},{"index":{"_id":"b","status":201}}]}`:        true,
		`{"items":[{"create":{"_id":"a","status":201}},{"index":{"_id":"b","status":200}}]}`:        true,
		`{"items":[{"create":{"_id":"a","status":201}},{"index":{"_id":"b","status":409}}]}`:        false,
		`{"items":[{"create":{"_id":"a","status":201}},{"create":{"_id":"b","status":201}}]}`:       false,
		`{"items":[{"create":{"_id":"a","status":201}}]}`:                                           false,
		`{"items":[{"create":{"_id":"a","status":201}} {"index":{"_id":"b","status":201}}]}`:        false,
		`{"items":[{"create":{"_id":"a","status":201}},{"index":{"_id":"c","status":201}}]}`:        false,
		`{"items":[{"create":{"_id":"a","status":201}},{"index":{"_id":"b","status":201}}],"x":1}`:  false,
		`{"items":[{"create":{"_id":"a","status":201}},{"index":{"_id":"b","status":201}},{"x":1}]`: false,
		`{"items":[{"create":{"_id":"a"`: false,
		``:                               false,
	} {
		replaced, got := allStored(req, []byte(answer))
		assert.Equal(t, want, got, answer)
		if want {
			assert.Equal(t, strings.Count(answer, "200"), replaced, answer)
		}
	}
}

// Every status that a request can end with means something definite.
func TestJudgeRequest(t *testing.T) {
	for status := 300; status < 600; status++ {
		for _, elastic := range []bool{true, false} {
			v, cause := judgeRequest(&reply{status: status, failure: failure{kind: "x", elastic: elastic}})
			want := hold
			switch {
			case status == 400, status == 413, status == 403 && !elastic:
				want = split
			case status == 408, status == 429, status >= 500:
				want = again
			}
			require.Equal(t, want, v, "status %d", status)
			require.NotEmpty(t, cause.Hint, "status %d", status)
			require.Equal(t, want == hold, cause.Permanent)
		}
	}
	for _, c := range []struct {
		name    string
		status  int
		f       failure
		typed   bool
		want    verdict
		hasHint string
	}{
		{"6.x without type", 400, failure{kind: "action_request_validation_exception", reason: "Validation Failed: 1: type is missing;", elastic: true}, false, flipType, ""},
		{"8.x with type", 400, failure{kind: "illegal_argument_exception", reason: "Action/metadata line [1] contains an unknown parameter [_type]", elastic: true}, true, flipType, ""},
		{"a document that says so, quoted", 400, failure{kind: "illegal_argument_exception", reason: "cannot read: Action/metadata line [1] contains an unknown parameter [_type]", elastic: true}, true, split, ""},
		{"a document that speaks of types", 400, failure{kind: "parse_exception", reason: "something about _type", elastic: true}, false, split, ""},
		{"cluster read-only", 403, failure{kind: "cluster_block_exception", elastic: true}, false, again, "disk"},
		{"a page that names an error", 403, failure{kind: "cluster_block_exception"}, false, split, ""},
		{"no explicit index", 400, failure{kind: "illegal_argument_exception", reason: "explicit index in bulk is not allowed", elastic: true}, false, hold, "allow_explicit_index"},
		{"nginx told plain http", 400, failure{kind: "http_400", reason: "<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>"}, false, hold, "https"},
		{"a page that quotes that", 400, failure{kind: "http_400", reason: "<html>The plain HTTP request was sent to HTTPS port"}, false, split, ""},
		{"a body that 6.x cannot read", 500, failure{kind: "json_parse_exception", elastic: true}, false, split, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, cause := judgeRequest(&reply{status: c.status, failure: c.f, typed: c.typed})
			require.Equal(t, c.want, v)
			require.Contains(t, cause.Hint, c.hasHint)
		})
	}
}

// Types and captured names go into logs: what does not look like one is not shown.
func TestNothingThatIsNoNameIsShown(t *testing.T) {
	var r answerReader
	for _, kind := range []string{"", "S3CRET value", strings.Repeat("x", maxKind+1), "a\nb"} {
		f := r.failure(fmt.Appendf(nil, `{"type":%q}`, kind))
		require.Equal(t, unknownKind, f.kind)
	}
	for name, want := range map[string]string{
		"user.name": "user.name", "用户": "用户", "": "(not shown)", "S3CRET value": "(not shown)",
		"a'b": "(not shown)", strings.Repeat("x", 101): "(not shown)",
	} {
		require.Equal(t, want, nameOf(name))
	}
}

// Retry-After comes in seconds or as a date, and is bounded.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, " 7 ": 7 * time.Second, "-7": 0, "0": 0, "soon": 0, "99999999999999999999": 0,
		"99999999": maxRetryAfter, "Thu, 26 Nov 2026 12:00:30 GMT": 30 * time.Second, "Thu, 26 Nov 2026 11:00:00 GMT": 0,
		"Thursday, 26-Nov-26 12:00:30 GMT": 30 * time.Second,
	} {
		require.Equal(t, want, retryAfter(http.Header{"Retry-After": {value}}, now), value)
	}
}
