package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/platform"
)

// A function that takes more memory than it has is killed, and gets the same
// batch again for ever. One record of 500,000 members took 155 MB, one of
// 200,000 equal names 76 MB, 6 MB of bytes that are no text 114 MB, and elements
// that are no records 1.5 GB. Whatever an event of 6 MB holds, the smallest
// function has the memory for it, and what is sound in it is stored.
func TestPeakMemoryOfOddEvents(t *testing.T) {
	const mostRSS = 64 << 20
	path := buildFunction(t)
	for _, c := range []struct {
		name         string
		payload      []byte
		stored, dead int // none: it is no event
	}{
		{"500,000 members", amongOthers(members(500_000, differing)), 2, 1},
		{"200,000 equal names", amongOthers(members(200_000, func(dst []byte, _ int) []byte { return append(dst, "an-equal-name"...) })), 2, 1},
		{"members in a string", amongOthers(quote(members(370_000, differing))), 2, 1},
		{"members in message", amongOthers(fmt.Appendf(nil, `{"message":%s}`, quote(members(370_000, differing)))), 2, 1},
		{"members deeper down", amongOthers(fmt.Appendf(nil, `{"a":%s}`, members(490_000, differing))), 2, 1}, // the server's limit of fields
		{"bytes that are no text", amongOthers(bytes.Repeat([]byte{0xFF}, 6_200_000)), 2, 1},
		{"100,000 tiny records", elements(100_000, `{"Ckafka":{"topic":"t","offset":%d,"msgBody":"{}"}}`), 100_000, 0},
		{"10,000 malformed records", elements(10_000, `{"Ckafka":{"topic":"t","offset":%d,"msgBody":{"a":"`+strings.Repeat("x", 550)+`"}}}`), 0, 10_000},
		{"200,000 tiny records", elements(200_000, `{"Ckafka":{"offset":%06d}}`), 0, 0},
		{"3,000,000 elements", []byte(`{"Records":[` + strings.Repeat("1,", 3_000_000) + `1]}`), 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.LessOrEqual(t, len(c.payload), event.MaxBytes)
			s, url := startStandin(t)
			in, err := platform.Start(t.Context(), platform.Function{
				Path: path, MemoryMB: 64, Timeout: 5 * time.Minute,
				Env: map[string]string{"ES_Address": url, "ES_Index_KeyWord": "k", "ES_Log_IgnoreWord": "token,**.password", "Retry_Pace": "0"},
			})
			require.NoError(t, err)
			t.Cleanup(in.Stop)
			for range 2 {
				reply, err := in.Invoke(t.Context(), c.payload)
				require.NoError(t, err)
				if c.stored+c.dead == 0 {
					require.NotNil(t, reply.Error)
					require.Equal(t, "PayloadError", reply.Error.Type)
					continue
				}
				require.Nil(t, reply.Error, "%v", reply.Error)
				var account counts
				require.NoError(t, json.Unmarshal(reply.Payload, &account))
				require.Equal(t, c.stored, account.Stored+account.Duplicate)
				require.Equal(t, c.dead, account.Dead)
			}
			in.Stop()
			require.Equal(t, c.dead, s.Count("dead-letter-k"))
			require.LessOrEqual(t, in.Usage().PeakRSS, int64(mostRSS), "peak of the resident set, bytes")
			t.Logf("peak of the resident set: %.1f MB", float64(in.Usage().PeakRSS)/1e6)
		})
	}
}

// members returns an object of n members with the names that name appends.
func members(n int, name func(dst []byte, i int) []byte) []byte {
	text := []byte{'{'}
	for i := range n {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(name(append(text, '"'), i), `":1`...)
	}
	return append(text, '}')
}

// differing appends one of 1,679,616 names of four bytes.
func differing(dst []byte, i int) []byte {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyz"
	return append(dst, digits[i/36/36/36%36], digits[i/36/36%36], digits[i/36%36], digits[i%36])
}

// quote returns an ASCII text as a JSON string.
func quote(text []byte) []byte {
	return append(append([]byte{'"'}, bytes.ReplaceAll(text, []byte{'"'}, []byte(`\"`))...), '"')
}

// amongOthers returns an event of a record with such a body between two others.
func amongOthers(body []byte) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i, body := range [][]byte{[]byte(`{"n":1}`), body, []byte(`{"n":2}`)} {
		if i > 0 {
			b.WriteByte(',')
		}
		text := bytes.ReplaceAll(bytes.ReplaceAll(body, []byte{'\\'}, []byte(`\\`)), []byte{'"'}, []byte(`\"`))
		fmt.Fprintf(&b, `{"Ckafka":{"topic":"t","partition":1,"offset":%d,"msgBody":"%s"}}`, i, text)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// elements returns an event of n elements, of a format with a number.
func elements(n int, format string) []byte {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf(format, i)
	}
	return []byte(`{"Records":[` + strings.Join(list, ",") + `]}`)
}
