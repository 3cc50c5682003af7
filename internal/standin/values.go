package standin

import (
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A fieldType is what a field was mapped as.
type fieldType int

const (
	objectField fieldType = iota
	longField
	floatField
	booleanField
	textField // with a .keyword below it
	isoDateField
	slashDateField
)

func (t fieldType) String() string {
	return [...]string{"object", "long", "float", "boolean", "text", "date", "date"}[t]
}

// accept says why a field of a type refuses a value, or nil. The value is
// scalar, or the start of an object. What is said of a version was seen on it.
func (t fieldType) accept(v Version, kind jsontext.Kind, raw []byte, offset int64) *exception {
	switch t {
	case longField, floatField:
		return t.acceptNumber(v, kind, raw)
	case booleanField:
		switch kind {
		case 't', 'f':
			return nil
		case '"':
			if s := unquote(raw); s != "" && s != "true" && s != "false" {
				return &exception{Type: "illegal_argument_exception", Reason: "Failed to parse value [" + s + "] as only [true] or [false] are allowed."}
			}
			return nil
		}
		return wrongToken(v, kind, raw, "not of boolean type")
	case textField:
		switch {
		case kind != '{':
			return nil
		case v == ES817:
			return &exception{Type: "illegal_argument_exception", Reason: "Expected text at 1:" + itoa(int(offset)) + " but found START_OBJECT"}
		}
		return &exception{Type: "illegal_state_exception", Reason: "Can't get text on a START_OBJECT at 1:" + itoa(int(offset))}
	default:
		f := isoDate
		if t == slashDateField {
			f = slashDate
		}
		switch kind {
		case '{':
			if v == ES817 {
				return &exception{Type: "illegal_argument_exception", Reason: "Expected text at 1:" + itoa(int(offset)) + " but found START_OBJECT"}
			}
			return &exception{Type: "illegal_state_exception", Reason: "Can't get text on a START_OBJECT at 1:" + itoa(int(offset))}
		case '"':
			return acceptDate(v, f, unquote(raw))
		}
		return acceptDate(v, f, string(raw))
	}
}

func (t fieldType) acceptNumber(v Version, kind jsontext.Kind, raw []byte) *exception {
	switch kind {
	case '{':
		if v == ES817 {
			return &exception{Type: "illegal_argument_exception", Reason: "Cannot parse object as number"}
		}
		return wrongToken(v, kind, raw, "not numeric, can not use numeric value accessors")
	case 't', 'f':
		return wrongToken(v, kind, raw, "not numeric, can not use numeric value accessors")
	case '0':
		if t == floatField {
			return finite(strings.TrimSpace(string(raw)))
		}
		if fitsLong(string(raw)) {
			return nil
		}
		shown := string(raw)
		if len(raw) >= 1000 {
			shown = "[Integer with " + itoa(len(raw)) + " digits]"
		}
		c := exception{Type: "input_coercion_exception", Reason: "Numeric value (" + shown + ") out of range of long (-9223372036854775808 - 9223372036854775807)"}
		switch v {
		case ES68:
			c.Type = "json_parse_exception"
		case ES817:
			return &exception{Type: "x_content_parse_exception", Reason: c.Reason, CausedBy: &c}
		}
		return &c
	}
	s := unquote(raw)
	switch {
	case s == "": // coerced to null
		return nil
	case t == floatField:
		return acceptFloatText(s)
	}
	switch {
	case !isDecimal(s):
		return &exception{Type: "illegal_argument_exception", Reason: "For input string: \"" + s + "\""}
	case !fitsLongText(s):
		return &exception{Type: "illegal_argument_exception", Reason: "Value [" + s + "] is out of range for a long"}
	}
	return nil
}

// wrongToken is a JSON value that a number or boolean field cannot read.
func wrongToken(v Version, kind jsontext.Kind, raw []byte, what string) *exception {
	c := exception{Type: "json_parse_exception", Reason: "Current token (" + tokenName(kind, raw) + ") " + what}
	if v == ES817 {
		return &exception{Type: "x_content_parse_exception", Reason: c.Reason, CausedBy: &c}
	}
	return &c
}

// tokenName is the parser's name for a JSON token.
func tokenName(kind jsontext.Kind, raw []byte) string {
	switch kind {
	case '{':
		return "START_OBJECT"
	case '[':
		return "START_ARRAY"
	case 't':
		return "VALUE_TRUE"
	case 'f':
		return "VALUE_FALSE"
	case 'n':
		return "VALUE_NULL"
	case '"':
		return "VALUE_STRING"
	}
	if strings.ContainsAny(string(raw), ".eE") {
		return "VALUE_NUMBER_FLOAT"
	}
	return "VALUE_NUMBER_INT"
}

// acceptFloatText: the text is what Java takes for a float, and finite.
func acceptFloatText(s string) *exception {
	t := strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	unsigned := strings.TrimLeft(t, "+-")
	switch {
	case t == "":
		return &exception{Type: "number_format_exception", Reason: "empty String"}
	case len(t)-len(unsigned) > 1:
	case unsigned == "NaN" || unsigned == "Infinity":
		return notFinite(strings.TrimPrefix(t, "+"))
	case strings.HasPrefix(unsigned, "0x") || strings.HasPrefix(unsigned, "0X"):
		if strings.ContainsAny(unsigned, "pP") && !strings.Contains(unsigned, "_") {
			if _, err := strconv.ParseFloat(strings.TrimRight(t, "dDfF"), 32); err == nil {
				return nil
			}
		}
	default:
		number := t
		if c := t[len(t)-1]; strings.IndexByte("dDfF", c) >= 0 {
			number = t[:len(t)-1]
		}
		if isDecimal(number) {
			return finite(number)
		}
	}
	return &exception{Type: "number_format_exception", Reason: "For input string: \"" + s + "\""}
}

func finite(number string) *exception {
	f, _ := strconv.ParseFloat(number, 32) // a number too large is an infinity and an error
	switch {
	case math.IsInf(f, 1):
		return notFinite("Infinity")
	case math.IsInf(f, -1):
		return notFinite("-Infinity")
	}
	return nil
}

func notFinite(value string) *exception {
	return &exception{Type: "illegal_argument_exception", Reason: "[float] supports only finite values, but got [" + value + "]"}
}

// isDecimal reports whether s is a decimal number as Java's BigDecimal reads
// it: 1. and .5 and +1 are. (Java takes digits of all scripts; only ASCII here.)
func isDecimal(s string) bool {
	s = strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+")
	number, exponent, hasExponent := s, "0", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		number, exponent, hasExponent = s[:i], s[i+1:], true
	}
	if hasExponent && exponent != "" && (exponent[0] == '+' || exponent[0] == '-') {
		exponent = exponent[1:]
	}
	whole, fraction, _ := strings.Cut(number, ".")
	return whole+fraction != "" && allDigits(whole+fraction) && exponent != "" && allDigits(exponent)
}

// fitsLong reports whether a JSON number can be a long. With a point or an
// exponent it is read as a double first, for which 2^63 still counts as one.
func fitsLong(number string) bool {
	if strings.ContainsAny(number, ".eE") {
		f, err := strconv.ParseFloat(number, 64)
		return err == nil && math.Abs(f) <= 1<<63
	}
	_, err := strconv.ParseInt(number, 10, 64)
	return err == nil
}

// fitsLongText is the same for a decimal number in a string, which is exact.
func fitsLongText(number string) bool {
	if strings.ContainsAny(number, "eE") {
		f, err := strconv.ParseFloat(number, 64)
		return err == nil && math.Abs(f) < 1<<63
	}
	whole, _, _ := strings.Cut(number, ".")
	if strings.Trim(whole, "+-") == "" {
		return true
	}
	_, err := strconv.ParseInt(whole, 10, 64)
	return err == nil
}

// looksNumeric: Java reads it as a double, so date detection passes it by.
func looksNumeric(s string) bool {
	c := acceptFloatText(s)
	return c == nil || c.Type != "number_format_exception"
}

func allDigits(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

func itoa(n int) string { return strconv.Itoa(n) }

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}
