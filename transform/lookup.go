package transform

import (
	"bytes"

	"ckafka-etl/internal/rawjson"
)

// lookup returns the value at path, given a member whose name may be its
// start, or nil. value is known to be valid JSON.
func lookup(name, value []byte, path string) []byte {
	n := len(name)
	switch {
	case n > len(path) || path[:n] != string(name):
		return nil
	case n == len(path):
		return value
	case path[n] != '.' || value[0] != '{':
		return nil
	}
	return inside(value, path[n+1:])
}

// inside looks path up among the members of an object.
func inside(object []byte, path string) []byte {
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
		if v := lookup(name, object[from:to], path); v != nil {
			return v
		}
		i = k.space(to)
	}
	return nil
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
