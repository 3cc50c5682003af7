package standin

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A syntaxError is text that is not JSON as the server reads it. The server
// names different exceptions for different places.
type syntaxError struct {
	eof      bool // the text ends too early
	inString bool // it is the text of a string value that is wrong
	limit    bool // it is JSON, but too deep or a number too long
	reason   string
	offset   int64
}

// A jsonReader reads JSON token by token. Names of one object must differ,
// after unescaping; UTF-8 must be valid; escaped lone surrogates are allowed,
// as real servers allow them.
type jsonReader struct {
	dec   *jsontext.Decoder
	buf   *bytes.Buffer
	valid bool // the text is valid UTF-8
	// deepest and longest are the limits of depth and of a number's length.
	deepest, longest int
}

// Seen on 8.17: documents deeper than 1,000 are refused. The older ones know no
// such limit; theirs is the decoder's own, 10,000. Seen on 8.17 and OpenSearch:
// numbers of more than 1,000 digits are refused.
func newJSONReader(v Version) *jsonReader {
	r := &jsonReader{buf: new(bytes.Buffer)}
	if v == ES817 {
		r.deepest = 1000
	}
	if v == ES817 || v == OpenSearch2 {
		r.longest = 1000
	}
	r.dec = jsontext.NewDecoder(r.buf, jsontext.AllowInvalidUTF8(true))
	return r
}

func (r *jsonReader) reset(text []byte) {
	*r.buf = *bytes.NewBuffer(text)
	r.dec.Reset(r.buf, jsontext.AllowInvalidUTF8(true))
	r.valid = utf8.Valid(text)
}

// next reads a token. For a string or number raw is its text; it is valid
// until the next call. kind is 0 at the text's end.
func (r *jsonReader) next(isName bool) (kind jsontext.Kind, raw []byte, _ *syntaxError) {
	kind = r.dec.PeekKind()
	switch kind {
	case '{', '}', '[', ']':
		if _, err := r.dec.ReadToken(); err != nil {
			return 0, nil, r.syntaxError(err, false)
		}
		if r.deepest > 0 && r.dec.StackDepth() > r.deepest {
			return 0, nil, &syntaxError{limit: true, offset: r.dec.InputOffset(), reason: "Document nesting depth (" + itoa(r.dec.StackDepth()) + ") exceeds the maximum allowed (" + itoa(r.deepest) + ", from `StreamReadConstraints.getMaxNestingDepth()`)"}
		}
		return kind, nil, nil
	}
	raw, err := r.dec.ReadValue()
	if errors.Is(err, io.EOF) {
		return 0, nil, nil
	}
	if err != nil {
		return 0, nil, r.syntaxError(err, kind == '"' && !isName)
	}
	switch {
	case kind == '"' && !r.valid && !utf8.Valid(raw):
		return 0, nil, &syntaxError{inString: !isName, offset: r.dec.InputOffset(), reason: "Invalid UTF-8"}
	case kind == '0' && r.longest > 0 && digits(raw) > r.longest:
		return 0, nil, &syntaxError{limit: true, offset: r.dec.InputOffset(), reason: "Number value length (" + itoa(digits(raw)) + ") exceeds the maximum allowed (" + itoa(r.longest) + ", from `StreamReadConstraints.getMaxNumberLength()`)"}
	}
	return kind, raw, nil
}

// digits is the length of a number without its sign and point.
func digits(number []byte) int {
	return len(number) - bytes.Count(number, []byte(".")) - bytes.Count(number[:1], []byte("-"))
}

func (r *jsonReader) syntaxError(err error, inString bool) *syntaxError {
	e := &syntaxError{inString: inString, offset: r.dec.InputOffset(), reason: err.Error()}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		e.eof, e.reason = true, "Unexpected end-of-input"
	}
	if errors.Is(err, jsontext.ErrDuplicateName) {
		e.reason = "Duplicate field"
	}
	return e
}

// cause is the exception for e, as each version nests it.
func (e *syntaxError) cause(v Version) exception {
	c := exception{Type: "json_parse_exception", Reason: e.reason}
	switch {
	case e.limit:
		c.Type = "stream_constraints_exception"
	case e.eof:
		c.Type = "json_e_o_f_exception"
	}
	if v != ES817 || e.inString || e.limit {
		return c
	}
	outer := exception{Type: "x_content_parse_exception", Reason: at(e.offset) + c.Reason, CausedBy: &c}
	if e.eof {
		outer.Type, outer.Reason = "x_content_e_o_f_exception", at(e.offset)+"Unexpected end of file"
	}
	return outer
}

// at is the place that 8.x puts before a reason.
func at(offset int64) string { return "[1:" + itoa(int(offset)+1) + "] " }

// unquote is the text of a JSON string.
func unquote(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	// A lone surrogate becomes U+FFFD, which is reported as an error too.
	s, _ := jsontext.AppendUnquote(nil, raw)
	return string(s)
}
