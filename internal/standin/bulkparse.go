package standin

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// An operation is one action of a bulk request.
type operation struct {
	op       string // index, create or delete
	index    string
	id       string
	typ      string
	pipeline string
	source   []byte

	ifSeqNo int64 // of a delete: the sequence number that the document must have

	hasIndex, hasID, hasPipeline, hasSeqNo bool
}

// parseBulk takes a bulk body apart as the server's parser does. An error
// refuses the whole request. Seen on all: empty lines between actions are
// skipped, whatever follows an action's first member on its line is ignored
// (8.17 wants it to be JSON up to there), and an action whose source is
// missing at the body's end is silently left out of the answer.
func parseBulk(v Version, body []byte, index, typ, pipeline string, hasPipeline bool) ([]operation, *failure) {
	if len(body) == 0 {
		f := fail(400, "parse_exception", "request body is required")
		if v == ES817 {
			inner := f.exception
			f = fail(400, "parse_exception", "could not parse bulk request body").causedBy(inner)
			f.root = &inner
		}
		return nil, f
	}
	p := actionParser{v: v, r: newJSONReader(v)}
	var ops []operation
	for len(body) > 0 {
		line, rest, f := p.cutLine(body)
		if f != nil {
			return nil, f
		}
		body = rest
		op := operation{index: index, hasIndex: index != "", typ: typ, pipeline: pipeline, hasPipeline: hasPipeline}
		found, f := p.action(line, &op)
		if f != nil {
			return nil, f
		}
		if !found {
			continue
		}
		if op.op == "update" {
			return nil, unsupported("the update action")
		}
		if op.op != "delete" {
			if len(body) == 0 {
				break
			}
			if line, body, f = p.cutLine(body); f != nil {
				return nil, f
			}
			op.source = bytes.TrimSuffix(line, []byte("\r"))
		}
		if op.op == "index" || op.op == "create" || op.op == "delete" {
			ops = append(ops, op)
		}
	}
	return ops, p.validate(ops)
}

type actionParser struct {
	v    Version
	r    *jsonReader
	line int
}

func (p *actionParser) cutLine(body []byte) (line, rest []byte, _ *failure) {
	p.line++
	line, rest, ok := bytes.Cut(body, []byte("\n"))
	switch {
	case ok:
		return line, rest, nil
	case p.v == ES68:
		return nil, nil, illegalArgument("The bulk request must be terminated by a newline [\n]")
	}
	return nil, nil, illegalArgument(`The bulk request must be terminated by a newline [\n]`)
}

// action reads an action line into op; found is false for an empty one.
func (p *actionParser) action(line []byte, op *operation) (found bool, _ *failure) {
	p.r.reset(line)
	kind, raw, e := p.r.next(false)
	switch {
	case e != nil:
		return false, p.malformed(e)
	case kind == 0:
		return false, nil
	case kind != '{':
		return false, p.expected("START_OBJECT", kind, raw)
	}
	if kind, raw, e = p.r.next(true); e != nil {
		return false, p.malformed(e)
	}
	if kind != '"' {
		return false, illegalArgument("Malformed action/metadata line [%d], expected FIELD_NAME but found [END_OBJECT]", p.line)
	}
	switch op.op = unquote(raw); op.op {
	case "index", "create", "delete", "update":
	default:
		switch p.v {
		case ES817:
			return false, illegalArgument("Malformed action/metadata line [%d], expected field [create], [delete], [index] or [update] but found [%s]", p.line, op.op)
		case OpenSearch2:
			return false, illegalArgument("Malformed action/metadata line [%d], expected one of [create, delete, index, update] but found [%s]", p.line, op.op)
		}
	}
	if kind, raw, e = p.r.next(false); e != nil {
		return false, p.malformed(e)
	}
	if kind != '{' {
		return false, p.expected("START_OBJECT or END_OBJECT", kind, raw)
	}
	if f := p.parameters(op); f != nil {
		return false, f
	}
	if p.v == ES817 {
		// Seen: it reads on until the object ends or the line does.
		for depth := p.r.dec.StackDepth(); depth > 0; depth = p.r.dec.StackDepth() {
			if kind, _, e := p.r.next(false); e != nil && !e.eof {
				return false, p.malformed(e)
			} else if kind == 0 || e != nil {
				return true, nil
			}
		}
		if _, _, e := p.r.next(false); e != nil {
			return false, p.malformed(e)
		}
	}
	return true, nil
}

func (p *actionParser) parameters(op *operation) *failure {
	for {
		kind, raw, e := p.r.next(true)
		if e != nil {
			return p.malformed(e)
		}
		if kind == '}' {
			return nil
		}
		name := unquote(raw)
		kind, raw, e = p.r.next(false)
		switch {
		case e != nil:
			return p.malformed(e)
		case kind == '{' || kind == '[':
			return illegalArgument("Malformed action/metadata line [%d], expected a simple value for field [%s] but found [%s]", p.line, name, tokenName(kind, raw))
		case kind == 'n':
			continue
		}
		value := string(raw)
		if kind == '"' {
			value = unquote(raw)
		}
		switch name {
		case "_index":
			op.index, op.hasIndex = value, true
		case "_id":
			op.id, op.hasID = value, true
		case "pipeline":
			op.pipeline, op.hasPipeline = value, true
		case "_type":
			if !p.v.namesTypes() {
				return illegalArgument("Action/metadata line [%d] contains an unknown parameter [_type]", p.line)
			}
			op.typ = value
		case "if_seq_no", "if_primary_term":
			n, err := strconv.ParseInt(value, 10, 64)
			if op.op != "delete" || err != nil {
				return unsupported("the parameter [" + name + "] of another action than delete")
			}
			if name == "if_seq_no" {
				op.ifSeqNo, op.hasSeqNo = n, true
			}
		case "routing", "version", "version_type", "retry_on_conflict", "require_alias", "dynamic_templates", "op_type", "_source":
			return unsupported("the parameter [" + name + "] of an action")
		default:
			return illegalArgument("Action/metadata line [%d] contains an unknown parameter [%s]", p.line, name)
		}
	}
}

// malformed is an action line that is not JSON: a 500 on 6.8, a 400 elsewhere.
func (p *actionParser) malformed(e *syntaxError) *failure {
	f := &failure{status: 400, exception: e.cause(p.v)}
	switch {
	case p.v == ES68:
		f.status = 500
	case p.v == ES817 && e.inString:
		f = fail(400, "parse_exception", "could not parse bulk request body").causedBy(f.exception)
	}
	return f
}

func (p *actionParser) expected(want string, kind jsontext.Kind, raw []byte) *failure {
	name := tokenName(kind, raw)
	switch kind {
	case '0':
		name = "VALUE_NUMBER"
	case 't', 'f':
		name = "VALUE_BOOLEAN"
	}
	return illegalArgument("Malformed action/metadata line [%d], expected %s but found [%s]", p.line, want, name)
}

// validate makes the checks that refuse a whole request, in the words of
// action_request_validation_exception. Seen on all: an id of more than 512
// bytes is one of them. On 6.8 so are a missing type and a create without id.
func (p *actionParser) validate(ops []operation) *failure {
	var wrong []string
	if len(ops) == 0 {
		wrong = append(wrong, "no requests added")
	}
	for _, op := range ops {
		if !op.hasIndex {
			wrong = append(wrong, "index is missing")
		}
		if p.v == ES68 && op.typ == "" {
			wrong = append(wrong, "type is missing")
		}
		switch {
		case op.op == "delete" && op.id == "":
			wrong = append(wrong, "id is missing")
		case p.v == ES68 && op.op == "create" && !op.hasID:
			wrong = append(wrong, "an id must be provided if version type or value are set")
		case len(op.id) > 512 && p.v == ES68:
			wrong = append(wrong, "id is too long, must be no longer than 512 bytes but was: "+itoa(len(op.id)))
		case len(op.id) > 512:
			wrong = append(wrong, "id ["+op.id+"] is too long, must be no longer than 512 bytes but was: "+itoa(len(op.id)))
		}
		if op.hasPipeline && op.pipeline == "" {
			wrong = append(wrong, "pipeline cannot be an empty string")
		}
	}
	if wrong == nil {
		return nil
	}
	var b strings.Builder
	for i, w := range wrong {
		b.WriteString(itoa(i+1) + ": " + w + ";")
	}
	return fail(400, "action_request_validation_exception", "Validation Failed: %s", b.String())
}
