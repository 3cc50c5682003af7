package job

import "bytes"

// Object is a record's object as a list of members, for candidates whose
// library gives out raw values.
type Object struct{ members []member }

type member struct{ name, value string }

// Reset empties the object.
func (o *Object) Reset() { o.members = o.members[:0] }

// Set gives a member its value, a JSON text. The strings are kept, not copied.
func (o *Object) Set(name, value string) {
	if i := o.find(name); i >= 0 {
		o.members[i].value = value
		return
	}
	o.members = append(o.members, member{name, value})
}

// Get returns a member's JSON text, or "".
func (o *Object) Get(name string) string {
	if i := o.find(name); i >= 0 {
		return o.members[i].value
	}
	return ""
}

// Delete removes a member.
func (o *Object) Delete(name string) {
	if i := o.find(name); i >= 0 {
		o.members = append(o.members[:i], o.members[i+1:]...)
	}
}

func (o *Object) find(name string) int {
	for i := range o.members {
		if o.members[i].name == name {
			return i
		}
	}
	return -1
}

// Append removes what is ignored, stamps the object and appends it, as the
// document of r, behind its action line.
func (o *Object) Append(dst []byte, n *Namer, r *Record, ignored []string) []byte {
	for _, name := range ignored {
		o.Delete(name)
	}
	if o.find(TimeField) < 0 {
		o.Set(TimeField, n.Stamp)
	}
	dst = n.AppendAction(dst, r, content(o.Get(EventTime)), o.id())
	for i := range o.members {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		dst = append(dst, separator, '"')
		dst = AppendEscaped(dst, o.members[i].name)
		dst = append(dst, '"', ':')
		dst = append(dst, o.members[i].value...)
	}
	return append(dst, "}\n"...)
}

func (o *Object) id() string {
	value := o.Get(IDField)
	if value == "" || value[0] == '"' {
		return content(value)
	}
	if value[0] == '-' || value[0] >= '0' && value[0] <= '9' {
		return value
	}
	return ""
}

// content returns what is between the quotes of a JSON string, and "" for any
// other value. The event times and ids of the samples hold no escapes.
func content(value string) string {
	if len(value) < 2 || value[0] != '"' || bytes.IndexByte(Bytes(value), '\\') >= 0 {
		return ""
	}
	return value[1 : len(value)-1]
}
