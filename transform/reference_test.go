package transform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"ckafka-etl/record"
)

// The reference makes documents as the design's text says, with encoding/json,
// maps and time.Parse, and with no thought of speed. Tests hold the real code
// against it. Which parts of a text are hidden is held against a reference of its
// own (reference_mask_test.go): here it only counts that each string is masked as
// a text of its own would be.

// refDocument is what the reference makes of a record.
type refDocument struct {
	source        string // with the white space of the original
	index, id     string // the id is not escaped
	generated     bool
	text          bool
	masked        bool // values are hidden in strings: escapes may be spelt otherwise
	replaced      int
	outsideWindow bool
	unreadTime    string // the first field that is not understood
	unreadID      bool
	stamped       bool
}

// refMember is a member of an object: its name, its name as it is written with
// quotes, and its value.
type refMember struct {
	name, key string
	value     json.RawMessage
}

func reference(opts Options, rec *record.Record) refDocument {
	zone := opts.Zone
	if zone == nil {
		zone = time.UTC
	}
	var doc refDocument
	text, bad := refValidUTF8(string(rec.Body))
	doc.replaced = rec.Lossy + bad

	members, inner, lossy, ok := refUnwrap(text)
	doc.replaced += lossy
	if ok && rec.Defect == "" {
		members = refUnique(members)
		members, lossy = refMergeMessage(members, opts.Ignore, opts.Merge)
		doc.replaced += lossy
	} else {
		doc.text = true
		r, err := newRules(opts.Ignore)
		if err != nil {
			panic(err)
		}
		members = []refMember{{"msg_body", `"msg_body"`, refQuote(maskedText(r, inner))}}
	}
	members = refRemove(members, nil, refRules(opts.Ignore))
	if !doc.text {
		r := refMust(newRules(opts.Ignore))
		for i := range members {
			value := refMaskStrings(r, members[i].value)
			doc.masked = doc.masked || !bytes.Equal(value, members[i].value)
			members[i].value = value
		}
	}
	at, found := refEventTime(members, opts, rec.Batch.Arrival, zone, &doc)
	if opts.TimeField != "" {
		stamp := rec.Batch.Arrival
		if found && !opts.TimeOverwrite {
			stamp = at
		}
		members, doc.stamped = refStamp(members, opts, stamp.In(zone))
	}
	layouts := map[Period]string{Day: "-2006-01-02", Hour: "-2006-01-02-15", Month: "-2006-01", Ever: ""}
	doc.index = opts.IndexPrefix + at.In(zone).Format(layouts[opts.Period])
	if opts.Period == Week {
		year, week := at.In(zone).ISOWeek()
		doc.index += fmt.Sprintf("-%04d-w%02d", year, week)
	}

	if opts.IDField != "" && !doc.text {
		value, several := refFind(members, opts.IDField)
		doc.id, doc.unreadID = refID(value)
		doc.unreadID = doc.unreadID || several
	}
	if opts.IDField == "_id" && doc.id != "" {
		members = slices.DeleteFunc(members, func(m refMember) bool { return m.name == "_id" })
	}
	if doc.id == "" {
		doc.generated = true
		doc.id = refCoordinates(opts, rec)
	}
	doc.source = refEncode(members)
	return doc
}

// refEventTime returns the time that names the index: the first that is read and
// lies in the window, else the arrival.
func refEventTime(members []refMember, opts Options, arrival time.Time, zone *time.Location, doc *refDocument) (at time.Time, found bool) {
	for _, path := range opts.TimeFields {
		value, several := refFind(members, path)
		if value == nil && !several {
			for _, m := range members {
				if !strings.Contains(path, ".") && value == nil && refSameASCII(m.name, path) {
					value = m.value
				}
			}
		}
		how, t := lacking, time.Time{}
		switch {
		case several:
			how = unread
		case value != nil:
			t, how = refReader{zone, arrival}.read(value, 0)
		}
		switch {
		case how == lacking:
		case how == unread:
			if doc.unreadTime == "" {
				doc.unreadTime = path
			}
		case arrival.Sub(t) > opts.WindowBack || t.Sub(arrival) > opts.WindowAhead:
			doc.outsideWindow = true
		default:
			doc.outsideWindow = false
			return t, true
		}
	}
	return arrival, false
}

// refSameASCII reports whether two names differ in nothing but the case of ASCII
// letters.
func refSameASCII(a, b string) bool {
	lower := func(s string) string {
		return strings.Map(func(r rune) rune {
			if r >= 'A' && r <= 'Z' {
				r += 'a' - 'A'
			}
			return r
		}, s)
	}
	return lower(a) == lower(b)
}

// refValidUTF8 replaces each byte that is not UTF-8.
func refValidUTF8(s string) (valid string, bad int) {
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			bad++
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String(), bad
}

func refUnwrap(text string) (members []refMember, inner string, lossy int, ok bool) {
	for layer := 0; ; layer++ {
		plain := strings.TrimPrefix(text, "\uFEFF")
		if members, bad, ok := refObject(plain); ok {
			return members, plain, lossy + bad, true
		}
		var content string
		if layer == 8 || !refValid(plain) || json.Unmarshal([]byte(plain), &content) != nil || strings.Trim(plain, " \t\r\n")[0] != '"' {
			return nil, text, lossy, false
		}
		if !refValid(strings.TrimPrefix(content, "\uFEFF")) {
			return nil, text, lossy, false
		}
		lossy += refLoneSurrogates(plain)
		text = content
	}
}

// refValid reports whether text is JSON of at most 1,000 levels.
func refValid(text string) bool {
	return json.Valid([]byte(text)) && refDepth(text) <= 1000
}

var (
	refTokens = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|[{}\[\]]`)
	// A pair, or one half alone, or any other escape.
	refSurrogates = regexp.MustCompile(`\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.`)
	refStrings    = regexp.MustCompile(`"(?:[^"\\]|\\.)*"[ \t\r\n]*:?`)
	refEscapes    = regexp.MustCompile(`\\\\|\\u202[89]|\\[bf]`)
)

func refDepth(text string) (deepest int) {
	depth := 0
	for _, token := range refTokens.FindAllString(text, -1) {
		switch token {
		case "{", "[":
			depth++
			deepest = max(deepest, depth)
		case "}", "]":
			depth--
		}
	}
	return deepest
}

// refLoneSurrogates counts the escapes in JSON text that have no UTF-8 form.
func refLoneSurrogates(text string) (n int) {
	for _, m := range refSurrogates.FindAllStringSubmatch(text, -1) {
		if m[1] != "" {
			n++
		}
	}
	return n
}

// refObject returns an object's members. lossy counts the lone surrogates in
// all its names, which become U+FFFD.
func refObject(text string) (members []refMember, lossy int, ok bool) {
	if !refValid(text) || strings.Trim(text, " \t\r\n")[0] != '{' {
		return nil, 0, false
	}
	text = refStrings.ReplaceAllStringFunc(text, func(s string) string {
		if !strings.HasSuffix(s, ":") {
			return s
		}
		lossy += refLoneSurrogates(s)
		return refSurrogates.ReplaceAllStringFunc(s, func(e string) string {
			if refLoneSurrogates(e) == 1 {
				return `\ufffd`
			}
			return e
		})
	})
	return refMembers(text), lossy, true
}

// refMembers returns the members of what is known to be an object.
func refMembers(text string) (members []refMember) {
	dec := json.NewDecoder(strings.NewReader(text))
	refMust(dec.Token()) // {
	for dec.More() {
		from := dec.InputOffset()
		name := refMust(dec.Token()).(string)
		key := strings.TrimLeft(text[from:dec.InputOffset()], ", \t\r\n")
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			panic(err)
		}
		members = append(members, refMember{name, key, value})
	}
	return members
}

func refMust[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// refUnique keeps the last value of a name, at the place of the first.
func refUnique(members []refMember) []refMember {
	var kept []refMember
	at := map[string]int{}
	for _, m := range members {
		if i, ok := at[m.name]; ok {
			kept[i] = m
			continue
		}
		at[m.name] = len(kept)
		kept = append(kept, m)
	}
	return kept
}

func refMergeMessage(members []refMember, ignore []string, merge Merge) (_ []refMember, lossy int) {
	if merge == MergeNone {
		return members, 0
	}
	i := slices.IndexFunc(members, func(m refMember) bool { return m.name == "message" })
	var content string
	if i < 0 || members[i].value[0] != '"' || json.Unmarshal(members[i].value, &content) != nil {
		return members, 0
	}
	inner, lossy, ok := refObject(strings.TrimPrefix(content, "\uFEFF"))
	if !ok {
		return members, 0
	}
	lossy += refLoneSurrogates(string(members[i].value))
	members = slices.Delete(slices.Clone(members), i, i+1)
	// What is merged is cleaned while it is still the message's.
	var rules []refRule
	for _, r := range refRules(ignore) {
		if len(r.names) > 1 && r.names[0] == "message" {
			rules = append(rules, refRule{names: r.names})
		}
	}
	inner = refRemove(inner, []string{"message"}, rules)
	if merge == MergeUnder {
		for _, m := range refUnique(inner) {
			if !slices.ContainsFunc(members, func(own refMember) bool { return own.name == m.name }) {
				members = append(members, m)
			}
		}
		return members, lossy
	}
	return refUnique(append(members, inner...)), lossy
}

// refQuote makes a JSON string that escapes only what must be.
func refQuote(s string) json.RawMessage {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	// encoding/json escapes two characters more than it must.
	out := refEscapes.ReplaceAllStringFunc(strings.TrimSpace(b.String()), func(m string) string {
		switch m {
		case `\u2028`:
			return "\u2028"
		case `\u2029`:
			return "\u2029"
		}
		return m
	})
	return json.RawMessage(out)
}

type refRule struct {
	names []string
	deep  bool
}

func refRules(paths []string) (rules []refRule) {
	for _, p := range paths {
		rest, deep := strings.CutPrefix(p, "**.")
		rules = append(rules, refRule{strings.Split(rest, "."), deep})
	}
	return rules
}

// matches reports whether the rule removes what stands at path: whether its
// names stand at the path's start or, if it is deep, anywhere in it, in any case of
// ASCII letters.
func (r refRule) matches(path []string) bool {
	same := func(a, b string) bool { return a == b || r.deep && refLower(a) == refLower(b) }
	for at := range path {
		if len(path)-at >= len(r.names) && slices.EqualFunc(path[at:at+len(r.names)], r.names, same) {
			return true
		}
		if !r.deep {
			return false
		}
	}
	return false
}

func refLower(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}, s)
}

// refMaskStrings hides the values of the deep rules' words in each string of a
// value.
func refMaskStrings(r *rules, value json.RawMessage) json.RawMessage {
	if len(r.deep.words) == 0 {
		return value
	}
	return json.RawMessage(refStrings.ReplaceAllStringFunc(string(value), func(s string) string {
		if strings.HasSuffix(s, ":") {
			return s
		}
		end := strings.LastIndexByte(s, '"') + 1
		var text string
		refMust(0, json.Unmarshal([]byte(s[:end]), &text))
		var m masker
		if hidden := appendMasked(nil, []byte(text), m.spans(&r.deep, []byte(text))); string(hidden) != text {
			return string(refQuote(string(hidden))) + s[end:]
		}
		return s
	}))
}

// refSpelling writes all strings of JSON text with the same escapes.
func refSpelling(text string) string {
	return refTokens.ReplaceAllStringFunc(text, func(s string) string {
		if s[0] != '"' {
			return s
		}
		var plain string
		refMust(0, json.Unmarshal([]byte(s), &plain))
		return string(refQuote(plain))
	})
}

// refRemove removes ignored members. path is where the object stands.
func refRemove(members []refMember, path []string, rules []refRule) (kept []refMember) {
	for _, m := range members {
		here := append(slices.Clone(path), strings.Split(m.name, ".")...)
		if slices.ContainsFunc(rules, func(r refRule) bool { return r.matches(here) }) {
			continue
		}
		m.value = refRemoveInside(m.value, here, rules)
		kept = append(kept, m)
	}
	return kept
}

func refRemoveInside(value json.RawMessage, path []string, rules []refRule) json.RawMessage {
	if len(rules) == 0 {
		return value
	}
	switch value[0] {
	case '{':
		return json.RawMessage(refEncode(refRemove(refMembers(string(value)), path, rules)))
	case '[':
		var elems []json.RawMessage
		if err := json.Unmarshal(value, &elems); err != nil {
			panic(err)
		}
		for i := range elems {
			elems[i] = refRemoveInside(elems[i], path, rules)
		}
		return slices.Concat([]byte{'['}, bytes.Join(slices.Collect(func(yield func([]byte) bool) {
			for _, e := range elems {
				if !yield(e) {
					return
				}
			}
		}), []byte{','}), []byte{']'})
	default:
		return value
	}
}

func refEncode(members []refMember) string {
	var parts []string
	for _, m := range members {
		parts = append(parts, m.key+":"+string(m.value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func refStamp(members []refMember, opts Options, at time.Time) (_ []refMember, stamped bool) {
	stamp := json.RawMessage(strconv.Quote(at.Format("2006-01-02T15:04:05.000Z07:00")))
	i := slices.IndexFunc(members, func(m refMember) bool { return m.name == opts.TimeField })
	switch {
	case i < 0:
		return append(members, refMember{opts.TimeField, string(refQuote(opts.TimeField)), stamp}), true
	case opts.TimeOverwrite, regexp.MustCompile(`^(?:null|"[ \t]*")$`).Match(members[i].value):
		members[i].value = stamp
		return members, true
	}
	return members, false
}

// refFind returns the value at a path: the first that is there, if names with
// dots and nested names spell the same path. An array of one element is as that
// element; several: the path leads to several elements.
func refFind(members []refMember, path string) (value json.RawMessage, several bool) {
	for _, m := range members {
		if m.name == path {
			return m.value, false
		}
		rest, ok := strings.CutPrefix(path, m.name+".")
		if !ok {
			continue
		}
		var elems []json.RawMessage
		switch m.value[0] {
		case '{':
			elems = append(elems, m.value)
		case '[':
			if err := json.Unmarshal(m.value, &elems); err != nil {
				panic(err)
			}
		}
		for _, e := range elems {
			if e[0] != '{' || value != nil || several {
				continue
			}
			value, several = refFind(refMembers(string(e)), rest)
		}
		if (value != nil || several) && len(elems) > 1 {
			return nil, true
		}
		if value != nil || several {
			return value, several
		}
	}
	return nil, false
}

// refID returns the id that a value is, "" if it is none, and whether it is
// something that cannot be one.
func refID(value json.RawMessage) (id string, unread bool) {
	switch {
	case value == nil || regexp.MustCompile(`^(?:null|"[ \t]*")$`).Match(value):
		return "", false
	case value[0] == '{':
		if v, _ := refFind(refMembers(string(value)), "$oid"); v != nil && v[0] == '"' {
			return refID(v)
		}
		return "", true
	case value[0] == '"':
		var s string
		if err := json.Unmarshal(value, &s); err != nil {
			panic(err)
		}
		if strings.Contains(s, "\uFFFD") {
			return "", true
		}
		return s, false
	case strings.ContainsRune("-0123456789", rune(value[0])):
		return string(value), false
	default:
		return "", true
	}
}

func refCoordinates(opts Options, rec *record.Record) string {
	hash := crc32.Checksum(rec.Body, crc32.MakeTable(crc32.Castagnoli))
	where := fmt.Sprintf("%d-%d", rec.Partition, rec.Offset)
	if rec.Topic == "" || rec.Partition < 0 || rec.Offset < 0 {
		where = fmt.Sprintf("e%016x-%d", rec.Batch.Event, rec.Pos)
	}
	topic, _ := refValidUTF8(rec.Topic[:min(len(rec.Topic), 249)])
	return fmt.Sprintf("%s%s-%s-%08x", opts.IDPrefix, topic, where, hash)
}
