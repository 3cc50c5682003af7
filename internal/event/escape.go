package event

import (
	"unicode/utf8"

	"ckafka-etl/internal/rawjson"
)

// appendString appends s as a JSON string.
func appendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	if utf8.Valid(s) {
		dst = rawjson.AppendEscapedValid(dst, s)
	} else {
		dst, _ = rawjson.AppendEscaped(dst, s)
	}
	return append(dst, '"')
}
