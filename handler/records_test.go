package handler_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/lab/modelserver"
)

// sent is one record, and what has to become of it.
type sent struct {
	kind kind
	body string
	id   string // of its field, or ""
	mark string // stands in its document, and in no other's
}

// kind says what is the matter with a record.
type kind string

const (
	plain     kind = "plain"
	withID    kind = "with id" // of a field
	bulky     kind = "bulky"
	text      kind = "text"
	phrase    kind = "phrase"     // says what servers say, and is sound
	conflict  kind = "conflict"   // with the mapping
	conflicID kind = "conflictID" // the same, with an id of a field
	odd       kind = "odd"        // refused with words that nobody knows
	trips     kind = "trips"      // the server has a bug that it meets
	poison    kind = "poison"     // the whole request is refused, by the server
	banned    kind = "banned"     // the whole request is refused, by a firewall
	tooLarge  kind = "too large"
	immense   kind = "immense" // a term, and the same as a letter
	longID    kind = "long id"
	malformed kind = "malformed"
)

// refused reports whether a record of this kind can never be stored.
func (k kind) refused() bool {
	switch k {
	case plain, withID, bulky, text, phrase:
		return false
	default:
		return true
	}
}

// needsOthers reports whether a record of this kind is known by what becomes of
// others, inRequest if it is by those of its own request.
func (k kind) needsOthers() (inRequest, some bool) {
	switch k {
	case poison, banned, tooLarge:
		return true, true
	case odd, trips:
		return false, true
	default:
		return false, false
	}
}

const (
	maxBody  = 20_000 // of a server with a limit
	maxTerm  = 32_766 // bytes of a keyword
	banMark  = "<script>"
	poisonIs = `"p":"POISON"`
)

// newRecord makes record number n.
func newRecord(k kind, n int, id, saying string, long int) sent {
	r := sent{kind: k, mark: fmt.Sprintf("mark-%d-", n)}
	fields := map[string]any{"m": r.mark, "password": "S3CRET"}
	if saying != "" {
		fields[saying] = 1
	}
	switch k {
	case plain:
	case withID:
		r.id = id
	case conflicID:
		r.id, fields["n"] = id, "text "+r.mark
	case bulky:
		fields["filler"] = filler(n, 8_000)
	case text:
		r.body = r.mark + ` password=S3CRET`
	case phrase:
		fields["said"] = saying
	case conflict:
		fields["n"] = "text " + r.mark + strings.Repeat("z", long) + saying
	case odd:
		fields["odd"] = r.mark + saying
	case trips:
		fields["trips"] = true
	case poison:
		fields["p"] = "POISON"
	case banned:
		fields["q"] = banMark + "alert(1)"
	case tooLarge:
		fields["filler"] = filler(n, long)
	case immense:
		fields["sql"] = strings.Repeat("中", maxTerm/2)
	case longID:
		r.id = strings.Repeat("x", 513)
	case malformed:
		r.body = r.mark
	}
	if r.id != "" {
		fields["log_id"] = r.id
	}
	if r.body == "" {
		body, err := json.Marshal(fields)
		if err != nil {
			panic(err) // strings and numbers
		}
		r.body = string(bytes.ReplaceAll(body, []byte(`\u003c`), []byte("<")))
		r.body = strings.ReplaceAll(r.body, `\u003e`, ">")
	}
	return r
}

// filler is a text that does not get much smaller by compression.
func filler(seed, size int) string {
	r := rand.New(rand.NewPCG(uint64(seed), 1))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

// payload is the event of a batch from partition 1 of topic t.
func payload(recs []sent, offset int64) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i := range recs {
		if i > 0 {
			b.WriteByte(',')
		}
		if recs[i].kind == malformed {
			fmt.Fprintf(&b, `{"Ckafka":{"topic":"t","partition":1,"offset":%d,"msgBody":{"m":%q}}}`, offset+int64(i), recs[i].mark)
			continue
		}
		one := event.Append(nil, []event.Record{{Topic: "t", Partition: 1, Offset: offset + int64(i), Body: []byte(recs[i].body)}})
		b.Write(bytes.TrimSuffix(bytes.TrimPrefix(one, []byte(`{"Records":[`)), []byte(`]}`)))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

var markOf = regexp.MustCompile(`mark-\d+-`)

// key names the record that a document was made of.
func key(source []byte) string { return string(markOf.Find(source)) }

// refuse is what the model refuses for itself.
func refuse(conflict modelserver.Refusal) func(index string, source []byte) *modelserver.Refusal {
	unknown := modelserver.Refusal{Status: 400, Type: "acme_rule_exception", Reason: "no rule for {source}", Proof: modelserver.Unproved}
	bug := modelserver.Refusal{Status: 500, Type: "null_pointer_exception", Reason: "because {source} is null", Proof: modelserver.Unproved}
	term := modelserver.Refusal{
		Status: 400, Type: "illegal_argument_exception", Proof: modelserver.OfRecord,
		Reason: `Document contains at least one immense term in field="sql" (whose UTF8 encoding is longer than the max length 32766), all of which were skipped. Please correct the analyzer to not produce such terms. The prefix of the first immense term is: '[109, 97, 114, 107]...', original message: bytes can be at most 32766 in length; got 49149`,
	}
	return func(index string, source []byte) *modelserver.Refusal {
		switch {
		case len(source) > maxTerm && hasTerm(source):
			return &term
		case index == deadIndex:
			return nil
		case bytes.Contains(source, []byte(`"n":"text`)):
			return &conflict
		case bytes.Contains(source, []byte(`"odd":`)):
			return &unknown
		case bytes.Contains(source, []byte(`"trips":true`)):
			return &bug
		}
		return nil
	}
}

// hasTerm reports whether a string in a document is too long for a keyword.
func hasTerm(source []byte) bool {
	for inside, length, i := false, 0, 0; i < len(source); i++ {
		switch c := source[i]; {
		case c == '"':
			inside, length = !inside, 0
		case inside:
			if c == '\\' {
				i++
			}
			if length++; length > maxTerm {
				return true
			}
		}
	}
	return false
}
