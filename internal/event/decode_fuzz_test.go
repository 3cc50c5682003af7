package event_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/jsoncases"
	"ckafka-etl/record"
)

// wanted is what any reader of JSON finds in an event.
func wanted(payload string) (recs []record.Record, isEvent bool) {
	others := 0 // elements that hold something, but nothing of ours
	for _, m := range membersOf(payload) {
		if m.name != "Records" {
			continue
		}
		var elements []json.RawMessage
		if m.value[0] != '[' || json.Unmarshal(m.value, &elements) != nil {
			return nil, false
		}
		isEvent = true
		for _, e := range elements {
			recs = append(recs, wantedRecord(e))
			isOurs := func(m jsonMember) bool { return m.name == "Ckafka" }
			if e[0] == '{' && bytes.IndexByte(e, ':') > 0 && !slices.ContainsFunc(membersOf(string(e)), isOurs) {
				others++
			}
		}
	}
	return recs, isEvent && (others == 0 || others < len(recs))
}

func wantedRecord(element json.RawMessage) record.Record {
	rec := record.Record{Partition: -1, Offset: -1, Defect: "yes"}
	for _, m := range membersOf(string(element)) {
		if m.name != "Ckafka" {
			continue
		}
		rec.Defect = "yes"
		for _, f := range membersOf(string(m.value)) {
			var text string
			isString := f.value[0] == '"' && json.Unmarshal(f.value, &text) == nil
			switch {
			case f.name == "topic" && isString:
				rec.Topic = text
			case f.name == "partition" || f.name == "Partition":
				if n := wantedNumber(f.value); n >= 0 && n < 1<<31 {
					rec.Partition = int32(n)
				}
			case f.name == "offset":
				rec.Offset = wantedNumber(f.value)
			case f.name == "msgKey" && isString:
				rec.Key = nil
				if text != "" && text != "None" {
					rec.Key = []byte(text)
				}
			case f.name == "msgBody":
				rec.Defect = "yes"
				if isString {
					rec.Body, rec.Defect = []byte(text), ""
				}
			}
		}
	}
	if rec.Defect != "" {
		rec.Body = element
	}
	return rec
}

func wantedNumber(value json.RawMessage) int64 {
	m := regexp.MustCompile(`^"?([0-9]+)"?$`).FindSubmatch(value)
	if m == nil {
		return -1
	}
	n, _ := new(big.Int).SetString(string(m[1]), 10)
	if !n.IsInt64() {
		return -1
	}
	return n.Int64()
}

type jsonMember struct {
	name  string
	value json.RawMessage
}

// membersOf returns the members of JSON text, none if it is no object.
func membersOf(text string) (members []jsonMember) {
	dec := json.NewDecoder(strings.NewReader(text))
	if first, err := dec.Token(); err != nil || first != json.Delim('{') {
		return nil
	}
	for dec.More() {
		name, _ := dec.Token()
		var value json.RawMessage
		if dec.Decode(&value) != nil {
			return nil
		}
		members = append(members, jsonMember{name.(string), value})
	}
	return members
}

// checkDecode holds the decoder against encoding/json.
func checkDecode(t require.TestingT, payload string) {
	recs, err := decode(payload)
	var fault *event.PayloadError
	if err != nil {
		require.ErrorAs(t, err, &fault)
		require.True(t, fault.Offset >= 0 && fault.Offset <= len(payload))
	} else {
		for i, rec := range recs {
			require.Equal(t, i, rec.Pos)
			require.NotNil(t, rec.Batch)
			require.True(t, !rec.ASCII || utf8.Valid(rec.Body) && len(bytes.Runes(rec.Body)) == len(rec.Body))
		}
	}
	if !json.Valid([]byte(payload)) || strings.Count(payload, "[")+strings.Count(payload, "{") > 1000 {
		return
	}
	want, isEvent := wanted(payload)
	require.Equal(t, isEvent, err == nil, "%v", err)
	if !isEvent {
		return
	}
	require.Len(t, recs, len(want))
	for i, rec := range recs {
		require.Equal(t, want[i].Defect == "", rec.Defect == "", rec.Defect)
		require.Equal(t, want[i].Topic, valid(rec.Topic))
		require.Equal(t, want[i].Partition, rec.Partition)
		require.Equal(t, want[i].Offset, rec.Offset)
		require.Equal(t, want[i].Key == nil, rec.Key == nil)
		require.Equal(t, string(want[i].Key), valid(string(rec.Key)))
		require.Equal(t, valid(string(want[i].Body)), valid(string(rec.Body)))
	}
}

// valid replaces each byte that is not UTF-8, as encoding/json does.
func valid(s string) string { return string([]rune(s)) }

func FuzzDecode(f *testing.F) {
	for i, c := range jsoncases.All() {
		if len(c.Text) < 100 && i%40 == 0 {
			f.Add(`{"Records":[` + c.Text + `]}`)
			f.Add(one(`"msgBody":` + c.Text))
		}
	}
	for _, pattern := range []string{"events/*.json", "bad/*.json"} {
		files, err := filepath.Glob("../../testdata/" + pattern)
		require.NoError(f, err)
		require.NotEmpty(f, files)
		for _, file := range files {
			payload, err := os.ReadFile(file)
			require.NoError(f, err)
			if len(payload) < 20_000 {
				f.Add(string(payload))
			}
		}
	}
	f.Fuzz(func(t *testing.T, payload string) { checkDecode(t, payload) })
}

// Every text of the grammar as an element, as a body's value and as the payload:
// what is JSON gives one record, what is not gives an error or one record, never
// a neighbour's loss.
func TestDecodeConformance(t *testing.T) {
	for _, c := range jsoncases.All() {
		if len(c.Text) > 1900 {
			continue
		}
		checkDecode(t, c.Text)
		checkDecode(t, `{"Records":[`+c.Text+`]}`)
		checkDecode(t, one(`"offset":`+c.Text+`,"msgBody":"b"`))
		recs, err := decode(`{"Records":[{"Ckafka":{"msgBody":"a"}},` + c.Text + `,{"Ckafka":{"msgBody":"b"}}]}`)
		if c.Valid {
			require.NoError(t, err, c.Name)
			require.Len(t, recs, 3, c.Name)
			require.Equal(t, "b", string(recs[2].Body), c.Name)
		}
	}
}
