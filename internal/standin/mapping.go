package standin

import (
	"strings"
	"unicode"
)

// maxDepth is index.mapping.depth.limit: objects within objects.
const maxDepth = 20

// A mapping is the fields of an index, made from the documents it got.
type mapping struct {
	// fields holds every field, objects too, by its full path.
	fields map[string]fieldType
	// count is what the total fields limit counts: fields, objects, and the
	// .keyword below each text.
	count int
}

func newMapping() *mapping { return &mapping{fields: map[string]fieldType{}} }

// weight is how much a field counts against the limit.
func (t fieldType) weight() int {
	if t == textField {
		return 2
	}
	return 1
}

// additions are the fields that one document would add.
type additions struct {
	v     Version
	limit int // index.mapping.total_fields.limit
	to    *mapping

	paths    []string // in the order of the document
	types    map[string]fieldType
	count    int
	conflict *failure // the first field of two types
	merged   bool     // 6.8: a number or date field changed its type on the way
}

// add notes a field that is not mapped yet. Two types for one field refuse the
// document, but only after all of it was read.
func (a *additions) add(path string, t fieldType) *exception {
	old, seen := a.types[path]
	switch {
	case seen && old == t:
		return nil
	case seen && a.v == ES68 && mergesIn6(old, t):
		// The last one counts, and the document is read again with it.
		a.types[path], a.merged = t, true
		return nil
	case seen:
		if a.conflict == nil {
			a.conflict = a.typeConflict(path, old, t)
		}
		return nil
	}
	if a.types == nil {
		a.types = map[string]fieldType{}
	}
	a.types[path] = t
	a.paths = append(a.paths, path)
	a.count += t.weight()
	return a.onTheFly(path, t)
}

func mergesIn6(a, b fieldType) bool {
	number := func(t fieldType) bool { return t == longField || t == floatField }
	date := func(t fieldType) bool { return t == isoDateField || t == slashDateField }
	return number(a) && number(b) || date(a) && date(b)
}

// onTheFly checks the limits that 7.17 (fields without .keyword) and 8.17
// check while they read a document.
func (a *additions) onTheFly(path string, t fieldType) *exception {
	if a.v != ES717 && a.v != ES817 {
		return nil
	}
	n := a.count
	if a.v == ES717 {
		n = len(a.paths)
	}
	if a.to.count+n > a.limit {
		return &exception{Type: "illegal_argument_exception", Reason: "Limit of total fields [" + itoa(a.limit) + "] has been exceeded while adding new fields [" + itoa(n) + "]"}
	}
	if a.v == ES817 && t == objectField && tooDeep(path) {
		return &exception{Type: "illegal_argument_exception", Reason: a.depthReason("", path)}
	}
	return nil
}

func tooDeep(object string) bool { return strings.Count(object, ".")+2 > maxDepth }

func (a *additions) depthReason(index, path string) string {
	return "Limit of mapping depth [" + itoa(maxDepth) + "]" + a.inIndex(index) + " has been exceeded due to object field [" + path + "]"
}

func (a *additions) inIndex(index string) string {
	if a.v == ES68 {
		return " in index [" + index + "]"
	}
	return ""
}

func (a *additions) typeConflict(path string, old, t fieldType) *failure {
	switch {
	case old.String() == t.String():
		return illegalArgument("Mapper for [%s] conflicts with existing mapper:\n\tCannot update parameter [format]", path)
	case a.v == ES68 && t == objectField:
		return illegalArgument("mapper [%s] of different type, current_type [%s], merged_type [ObjectMapper]", path, old)
	case a.v == ES68 && old == objectField:
		return illegalArgument("Can't merge a non object mapping [%s] with an object mapping [%s]", path, path)
	case a.v == ES68:
		return illegalArgument("mapper [%s] of different type, current_type [%s], merged_type [%s]", path, old, t)
	case old == objectField || t == objectField && a.v != ES817:
		return illegalArgument("can't merge a non object mapping [%s] with an object mapping", path)
	case t == objectField:
		return illegalArgument("mapper [%s] cannot be changed from type [%s] to [ObjectMapper]", path, old)
	}
	return illegalArgument("mapper [%s] cannot be changed from type [%s] to [%s]", path, old, t)
}

// commit makes the additions part of the mapping, or refuses them all.
func (a *additions) commit(index string) *failure {
	if a.conflict != nil {
		return a.conflict
	}
	for _, path := range a.paths {
		if a.v != ES817 && strings.Contains(path, ".") && hasBlankPart(path) {
			return illegalArgument("object field cannot contain only whitespace: ['%s']", path)
		}
	}
	if a.to.count+a.count > a.limit {
		return illegalArgument("Limit of total fields [%d]%s has been exceeded", a.limit, a.inIndex(index))
	}
	for _, path := range a.paths {
		if a.types[path] == objectField && tooDeep(path) {
			return illegalArgument("%s", a.depthReason(index, path))
		}
	}
	for _, path := range a.paths {
		a.to.fields[path] = a.types[path]
	}
	a.to.count += a.count
	return nil
}

func hasBlankPart(path string) bool {
	for part := range strings.SplitSeq(path, ".") {
		if isBlank(part) {
			return true
		}
	}
	return false
}

// isBlank is Java's: white space, but not the no-break spaces.
func isBlank(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsSpace(r) && (r < 0x1c || r > 0x1f) || r == 0xa0 || r == 0x2007 || r == 0x202f || r == 0x85
	}) < 0
}

// properties renders the fields below an object as GET _mapping does.
func (m *mapping) properties(v Version, prefix string) map[string]any {
	out := map[string]any{}
	for path, t := range m.fields {
		name, ok := strings.CutPrefix(path, prefix)
		if !ok || strings.Contains(name, ".") {
			continue
		}
		switch t {
		case objectField:
			if below := m.properties(v, path+"."); len(below) > 0 {
				out[name] = map[string]any{"properties": below}
			} else {
				out[name] = map[string]any{"type": "object"}
			}
		case textField:
			out[name] = map[string]any{"type": "text", "fields": map[string]any{"keyword": map[string]any{"type": "keyword", "ignore_above": 256}}}
		case slashDateField:
			date := map[string]any{"type": "date", "format": "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"}
			switch v {
			case ES817:
				date["locale"] = ""
			case OpenSearch2:
				date["print_format"] = "yyyy/MM/dd HH:mm:ss"
			}
			out[name] = date
		default:
			out[name] = map[string]any{"type": t.String()}
		}
	}
	return out
}

// render is the mapping as GET _mapping shows it.
func (m *mapping) render(v Version, typ string) map[string]any {
	out := map[string]any{}
	if len(m.fields) > 0 {
		out["properties"] = m.properties(v, "")
		if v == ES68 {
			out = map[string]any{typ: out}
		}
	}
	return out
}
