package transform

import (
	"bytes"

	"ckafka-etl/internal/rawjson"
)

// lookup returns the value at path, given a member whose name may be its
// start, or nil. value is known to be valid JSON. An array of one element is as
// that element; one of several, of which one at least has the path, has no one
// value: several is true then.
func lookup(name, value []byte, path string) (found []byte, several bool) {
	n := len(name)
	switch {
	case n > len(path) || path[:n] != string(name):
		return nil, false
	case n == len(path):
		return value, false
	case path[n] != '.':
		return nil, false
	}
	return inside(value, path[n+1:])
}

// inside looks path up among the members of an object, or of the object that is
// the one element of an array.
func inside(value []byte, path string) (found []byte, several bool) {
	switch value[0] {
	case '{':
		return insideObject(value, path)
	case '[':
		return insideArray(value, path)
	}
	return nil, false
}

func insideObject(object []byte, path string) (found []byte, several bool) {
	k := keeper{data: object}
	for i := k.space(1); object[i] != '}'; {
		if object[i] == ',' {
			i = k.space(i + 1)
		}
		end := rawjson.StringEnd(object, i+1)
		name := object[i+1 : end]
		if bytes.IndexByte(name, '\\') >= 0 {
			name, _ = rawjson.AppendUnescaped(nil, name)
		}
		from := k.space(k.space(end+1) + 1)
		to := k.valueEnd(from)
		if found, several = lookup(name, object[from:to], path); found != nil || several {
			return found, several
		}
		i = k.space(to)
	}
	return nil, false
}

func insideArray(array []byte, path string) (found []byte, several bool) {
	k := keeper{data: array}
	n, with := 0, false
	for i := k.space(1); array[i] != ']'; n++ {
		if array[i] == ',' {
			i = k.space(i + 1)
		}
		to := k.valueEnd(i)
		if !with && array[i] == '{' {
			found, several = insideObject(array[i:to], path)
			with = found != nil || several
		}
		i = k.space(to)
	}
	if with && n > 1 {
		return nil, true
	}
	return found, several
}

// valueEnd returns the end of the value at data[i].
func (k *keeper) valueEnd(i int) int {
	if k.data[i] != '{' && k.data[i] != '[' {
		return k.scalarEnd(i)
	}
	for depth := 0; ; {
		switch k.data[i] {
		case '"':
			i = rawjson.StringEnd(k.data, i+1)
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
}
