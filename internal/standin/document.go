package standin

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A documentParser checks a document against the mapping of its index and
// notes the fields it would add: the server's dynamic mapping.
type documentParser struct {
	v   Version
	r   *jsonReader
	to  *mapping
	add additions
	id  string

	// How deep it is in objects and in arrays of arrays: OpenSearch's own limits.
	objects, arrays int
}

// parseDocument checks that source may be stored in ix and extends the mapping.
func (s *Server) parseDocument(ix *index, id string, source []byte) *failure {
	merged, f := s.parseOnce(ix, id, source)
	if merged && f == nil {
		_, f = s.parseOnce(ix, id, source)
	}
	return f
}

func (s *Server) parseOnce(ix *index, id string, source []byte) (merged bool, _ *failure) {
	p := documentParser{v: s.version, r: s.reader, to: ix.mapping, id: id}
	p.add = additions{v: s.version, limit: ix.maxFields, to: ix.mapping}
	if f := p.document(source); f != nil {
		return false, f
	}
	return p.add.merged, p.add.commit(ix.name)
}

func (p *documentParser) document(source []byte) *failure {
	p.r.reset(source)
	if len(source) == 0 {
		return fail(400, p.v.parsing(), "%sfailed to parse, document is empty", p.at0())
	}
	if !bytes.HasPrefix(bytes.TrimLeft(source, " \t\r\n"), []byte("{")) {
		c := exception{Type: "not_x_content_exception", Reason: "Compressor detection can only be called on some xcontent bytes or compressed xcontent bytes"}
		if p.v == ES817 {
			return &failure{status: 500, exception: c}
		}
		return p.failParse(c)
	}
	if _, _, e := p.r.next(false); e != nil {
		return p.failSyntax(e)
	}
	if f := p.object("", true); f != nil {
		return f
	}
	switch kind, raw, e := p.r.next(false); {
	case e != nil && p.v == ES817:
		c := e.cause(p.v)
		return fail(400, p.v.parsing(), "%s%s", at(e.offset), c.Reason).causedBy(c)
	case e != nil:
		return p.failSyntax(e)
	case kind != 0:
		c := exception{Type: "illegal_argument_exception", Reason: "Malformed content, found extra data after parsing: " + tokenName(kind, raw)}
		if p.v == ES817 {
			return &failure{status: 400, exception: c}
		}
		return p.failParse(c)
	}
	return nil
}

// object reads the members of an object whose start was read. path is empty at
// the top, else it ends with a dot.
func (p *documentParser) object(path string, top bool) *failure {
	p.objects++
	defer func() { p.objects-- }()
	if p.v == OpenSearch2 && p.objects > maxDepth {
		return p.failParse(exception{Type: "parse_exception", Reason: "The depth of the field has exceeded the allowed limit of [20]. This limit can be set by changing the [index.mapping.depth.limit] index level setting."})
	}
	for {
		kind, raw, e := p.r.next(true)
		if e != nil {
			return p.failSyntax(e)
		}
		if kind == '}' {
			return nil
		}
		name := unquote(raw)
		if top && isMetadata(p.v, name) {
			return p.metadata(name, "")
		}
		parts, f := p.split(path, name)
		if f != nil {
			return f
		}
		if top && isMetadata(p.v, parts[0]) {
			return p.metadata(parts[0], name)
		}
		if f := p.member(path, parts); f != nil {
			return f
		}
	}
}

// member reads the value of a member whose name has the given parts: a.b is b
// inside of a.
func (p *documentParser) member(path string, parts []string) *failure {
	kind, raw, e := p.r.next(false)
	if e != nil {
		return p.failSyntax(e)
	}
	// 6.8 to 7.17 make the objects on the way when there is something to put
	// into them, 8.17 always.
	if p.v != ES817 && (kind == 'n' || kind == '[') {
		return p.value(path+strings.Join(parts, "."), parts[len(parts)-1], kind, raw)
	}
	for i := range parts[:len(parts)-1] {
		if f := p.parent(path+strings.Join(parts[:i+1], "."), path+strings.Join(parts, ".")); f != nil {
			return f
		}
	}
	return p.value(path+strings.Join(parts, "."), parts[len(parts)-1], kind, raw)
}

// parent checks that a part of a dotted name is an object.
func (p *documentParser) parent(object, whole string) *failure {
	t, mapped := p.to.fields[object]
	switch {
	case !mapped:
		return p.addField(object, objectField)
	case t == objectField:
		return nil
	case p.v == ES817:
		return p.failField(object, t.String(), "", t.accept(p.v, '{', nil, p.r.dec.InputOffset()))
	}
	return fail(400, p.v.parsing(), "Could not dynamically add mapping for field [%s]. Existing mapping for [%s] must be of type object but found [%s].", whole, object, t)
}

// value checks a value against its field, or adds the field.
func (p *documentParser) value(path, name string, kind jsontext.Kind, raw []byte) *failure {
	t, mapped := p.to.fields[path]
	switch {
	case kind == '[':
		return p.array(path)
	case kind == 'n':
		return nil
	case mapped && t == objectField && kind != '{':
		return fail(400, p.v.parsing(), "%sobject mapping for [%s] tried to parse field [%s] as object, but found a concrete value", p.at(), path, name)
	case kind == '{' && (!mapped || t == objectField):
		if !mapped {
			if f := p.addField(path, objectField); f != nil {
				return f
			}
		}
		return p.object(path+".", false)
	}
	if !mapped {
		var why *exception
		if t, why = p.guess(kind, raw); why != nil && t == objectField {
			return p.failParse(*why)
		} else if why != nil {
			return p.failField(path, t.String(), preview(kind, raw), why)
		}
	}
	if why := t.accept(p.v, kind, raw, p.r.dec.InputOffset()); why != nil {
		shown := preview(kind, raw)
		if kind == '{' {
			if e := p.skipObject(); e != nil {
				return p.failSyntax(e)
			}
		}
		return p.failField(path, t.String(), shown, why)
	}
	if !mapped {
		return p.addField(path, t)
	}
	return nil
}

// array reads elements as if each stood alone. An element that is no object
// has no name in the server's messages.
func (p *documentParser) array(path string) *failure {
	p.arrays++
	defer func() { p.arrays-- }()
	if p.v == OpenSearch2 && p.arrays > maxDepth {
		return p.failParse(exception{Type: "parse_exception", Reason: "The depth of the nested array field has exceeded the allowed limit of [20]. This limit can be set by changing the [index.mapping.depth.limit] index level setting."})
	}
	for {
		kind, raw, e := p.r.next(false)
		if e != nil {
			return p.failSyntax(e)
		}
		if kind == ']' {
			return nil
		}
		if p.v != ES817 && kind != 'n' && kind != '[' {
			parts := strings.Split(path, ".")
			for i := 1; i < len(parts); i++ {
				if f := p.parent(strings.Join(parts[:i], "."), path); f != nil {
					return f
				}
			}
		}
		if f := p.value(path, "null", kind, raw); f != nil {
			return f
		}
	}
}

// guess is the type that the server gives a new field. A reason means that the
// document is refused; with objectField no field is named.
func (p *documentParser) guess(kind jsontext.Kind, raw []byte) (fieldType, *exception) {
	switch kind {
	case 't', 'f':
		return booleanField, nil
	case '0':
		if strings.ContainsAny(string(raw), ".eE") {
			return floatField, nil
		}
		if p.v == ES68 && !fitsLong(string(raw)) {
			return objectField, &exception{Type: "illegal_state_exception", Reason: "No matching token for number_type [BIG_INTEGER]"}
		}
		return longField, nil
	}
	switch format, why := detectDate(p.v, unquote(raw)); format {
	case isoDate:
		return isoDateField, why
	case slashDate:
		return slashDateField, why
	}
	return textField, nil
}

func (p *documentParser) addField(path string, t fieldType) *failure {
	if why := p.add.add(path, t); why != nil {
		return p.failParse(*why)
	}
	return nil
}

// split takes a member's name apart at its dots. Dots at the end are dropped,
// as Java's split drops them.
func (p *documentParser) split(path, name string) ([]string, *failure) {
	if name == "" {
		return nil, p.failParse(exception{Type: "illegal_argument_exception", Reason: "field name cannot be an empty string"})
	}
	parts := strings.Split(strings.TrimRight(name, "."), ".")
	if parts[0] == "" && len(parts) == 1 {
		switch c := (exception{Type: "illegal_argument_exception", Reason: "field name cannot contain only dots"}); p.v {
		case ES68, ES710:
			return nil, p.failParse(exception{Type: "array_index_out_of_bounds_exception", Reason: "Index -1 out of bounds for length 0"})
		case OpenSearch2:
			c.Reason = "field name cannot contain only the character [.]"
			fallthrough
		default:
			return nil, p.failParse(c)
		}
	}
	if !strings.Contains(name, ".") {
		if p.v == ES817 && isBlank(name) {
			return nil, fail(400, p.v.parsing(), "%sField name cannot contain only whitespace: [%s]", p.at(), path+name)
		}
		return parts, nil
	}
	for _, part := range parts {
		c := exception{Type: "illegal_argument_exception"}
		switch empty := part == ""; {
		case !isBlank(part):
			continue
		case p.v == ES817 && empty:
			c.Reason = "field name cannot contain only whitespace: ['" + name + "']"
		case p.v == ES817:
			c.Reason = "field name starting or ending with a [.] makes object resolution ambiguous: [" + name + "]"
		case empty:
			c.Reason = "object field starting or ending with a [.] makes object resolution ambiguous: [" + name + "]"
		default:
			c.Reason = "object field cannot contain only whitespace: ['" + name + "']"
		}
		return nil, p.failParse(c)
	}
	return parts, nil
}

func (p *documentParser) skipObject() *syntaxError {
	for depth := 1; depth > 0; {
		kind, _, e := p.r.next(false)
		if e != nil {
			return e
		}
		switch kind {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
	}
	return nil
}

func (p *documentParser) at() string {
	if p.v != ES817 {
		return ""
	}
	return at(p.r.dec.InputOffset())
}

func (p *documentParser) at0() string {
	if p.v != ES817 {
		return ""
	}
	return "[0:0] "
}

// failParse is a document that cannot be parsed for a reason.
func (p *documentParser) failParse(c exception) *failure {
	if p.v == ES817 {
		return fail(400, p.v.parsing(), "%sfailed to parse: %s", p.at(), c.Reason).causedBy(c)
	}
	return fail(400, p.v.parsing(), "failed to parse").causedBy(c)
}

func (p *documentParser) failSyntax(e *syntaxError) *failure { return p.failParse(e.cause(p.v)) }

// failField is a value that its field refuses.
func (p *documentParser) failField(path, typ, value string, c *exception) *failure {
	reason := p.at() + "failed to parse field [" + path + "] of type [" + typ + "] in document with id '" + p.id + "'"
	if p.v != ES68 {
		reason += ". Preview of field's value: '" + value + "'"
	}
	return fail(400, p.v.parsing(), "%s", reason).causedBy(*c)
}

func preview(kind jsontext.Kind, raw []byte) string {
	switch kind {
	case '"':
		return unquote(raw)
	case '{':
		return "{}"
	}
	return string(raw)
}
