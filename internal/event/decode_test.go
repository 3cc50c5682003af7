package event_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/record"
)

var arrival = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func decode(payload string) ([]record.Record, error) {
	var d event.Decoder
	return d.Decode([]byte(payload), arrival, nil)
}

// one wraps the members of a Ckafka object into an event.
func one(members string) string { return `{"Records":[{"Ckafka":{` + members + `}}]}` }

func TestDecodeRecord(t *testing.T) {
	const unknown = record.Unknown
	for _, c := range []struct {
		name, members     string
		topic, key, body  string
		partition         int32
		offset            int64
		nullKey, notASCII bool
		lossy             int
	}{
		{name: "all", members: `"topic":"t","partition":1,"offset":36,"msgKey":"k","msgBody":"b"`, topic: "t", partition: 1, offset: 36, key: "k", body: "b"},
		{name: "other order", members: `"msgBody":"b","offset":36,"msgKey":"k","topic":"t","partition":1`, topic: "t", partition: 1, offset: 36, key: "k", body: "b"},
		{name: "white space", members: " \"topic\" :\n\"t\" ,\t\"partition\":1\r, \"offset\" : 36 , \"msgBody\" : \"b\" ", topic: "t", partition: 1, offset: 36, body: "b", nullKey: true},
		{name: "unknown members", members: `"x":{"y":[1,"]"]},"msgBody":"b","z":"\"}"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "key None", members: `"msgKey":"None","msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "key empty", members: `"msgKey":"","msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "key null", members: `"msgKey":null,"msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "key number", members: `"msgKey":5,"msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "key escaped", members: `"msgKey":"\u4e2d\n","msgBody":"b"`, partition: unknown, offset: unknown, body: "b", key: "中\n"},
		{name: "key twice", members: `"msgKey":"a","msgKey":"None","msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "Partition", members: `"Partition":2,"msgBody":"b"`, partition: 2, offset: unknown, body: "b", nullKey: true},
		{name: "Partition and partition", members: `"Partition":2,"partition":"","msgBody":"b"`, partition: 2, offset: unknown, body: "b", nullKey: true},
		{name: "partition empty", members: `"partition":"","offset":"","msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "numbers as strings", members: `"partition":"3","offset":"0036","msgBody":"b"`, partition: 3, offset: 36, body: "b", nullKey: true},
		{name: "numbers null", members: `"partition":null,"offset":null,"msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "numbers negative", members: `"partition":-1,"offset":-36,"msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "numbers with fractions", members: `"partition":1.0,"offset":3.6e1,"msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "largest numbers", members: `"partition":2147483647,"offset":9223372036854775807,"msgBody":"b"`, partition: 1<<31 - 1, offset: 1<<63 - 1, body: "b", nullKey: true},
		{name: "numbers too large", members: `"partition":2147483648,"offset":9223372036854775808,"msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "numbers far too large", members: `"partition":99999999999999999999,"offset":1e400,"msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "wrong types", members: `"topic":5,"partition":{},"offset":[1],"msgKey":{},"msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "topic escaped", members: `"topic":"\u0074\u4e2d","msgBody":"b"`, topic: "t中", partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "names escaped", members: `"t\u006fpic":"t","part\u0069tion":1,"offs\u0065t":36,"msg\u004bey":"k","\u006dsgBody":"b"`, topic: "t", partition: 1, offset: 36, key: "k", body: "b"},
		{name: "body empty", members: `"msgBody":""`, partition: unknown, offset: unknown, nullKey: true},
		{name: "body twice", members: `"msgBody":"a","msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "body null, then a string", members: `"msgBody":null,"msgBody":"b"`, partition: unknown, offset: unknown, body: "b", nullKey: true},
		{name: "body escaped", members: `"msgBody":"{\"a\":\"\\u4e2d\\\\\"}\n\/\ud83c\udf89"`, partition: unknown, offset: unknown, body: `{"a":"\u4e2d\\"}` + "\n/🎉", nullKey: true, notASCII: true},
		{name: "body not ASCII", members: `"msgBody":"中"`, partition: unknown, offset: unknown, body: "中", nullKey: true, notASCII: true},
		{name: "body of lone surrogates", members: `"msgBody":"\ud800x\udc00"`, partition: unknown, offset: unknown, body: "\uFFFDx\uFFFD", nullKey: true, notASCII: true, lossy: 2},
		// The trigger's encoder may be sloppy: a batch must not be lost for it.
		{name: "body with control characters", members: "\"msgBody\":\"a\n\x00b\"", partition: unknown, offset: unknown, body: "a\n\x00b", nullKey: true},
		{name: "body with unknown escapes", members: `"msgBody":"a\zb\u12"`, partition: unknown, offset: unknown, body: `a\zb\u12`, nullKey: true},
		{name: "body with invalid UTF-8", members: "\"msgBody\":\"a\xffb\"", partition: unknown, offset: unknown, body: "a\xffb", nullKey: true, notASCII: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			recs, err := decode(one(c.members))
			require.NoError(t, err)
			require.Len(t, recs, 1)
			rec := recs[0]
			assert.Empty(t, rec.Defect)
			assert.Equal(t, c.topic, rec.Topic)
			assert.Equal(t, c.partition, rec.Partition)
			assert.Equal(t, c.offset, rec.Offset)
			assert.Equal(t, c.nullKey, rec.Key == nil)
			assert.Equal(t, c.key, string(rec.Key))
			assert.Equal(t, c.body, string(rec.Body))
			assert.Equal(t, c.lossy, rec.Lossy)
			assert.False(t, rec.ASCII && c.notASCII)
			assert.Equal(t, arrival, rec.Batch.Arrival)
		})
	}
}

func TestDecodeMalformedRecord(t *testing.T) {
	for _, c := range []struct{ name, element, defect string }{
		{"null", `null`, "the element of Records is not an object"},
		{"number", `12`, "the element of Records is not an object"},
		{"string", `"a\"]"`, "the element of Records is not an object"},
		{"array", `[{"Ckafka":{}}]`, "the element of Records is not an object"},
		{"empty object", `{}`, "it has no Ckafka object"},
		{"other trigger", `{"Cmq":{"msgBody":"b"}}`, "it has no Ckafka object"},
		{"other case", `{"ckafka":{"msgBody":"b"}}`, "it has no Ckafka object"},
		{"Ckafka null", `{"Ckafka":null}`, "Ckafka is not an object"},
		{"Ckafka string", `{"Ckafka":"{}"}`, "Ckafka is not an object"},
		{"Ckafka empty", `{"Ckafka":{ }}`, "it has no msgBody"},
		{"no body", `{"Ckafka":{"topic":"t","partition":1,"offset":2}}`, "it has no msgBody"},
		{"body null", `{"Ckafka":{"msgBody":null}}`, "msgBody is null, not a string"},
		{"body number", `{"Ckafka":{"msgBody":-12}}`, "msgBody is a number, not a string"},
		{"body boolean", `{"Ckafka":{"msgBody":false}}`, "msgBody is a boolean, not a string"},
		{"body object", `{"Ckafka":{"msgBody":{"a":"}"}}}`, "msgBody is an object, not a string"},
		{"body array", `{"Ckafka":{"msgBody":["]"]}}`, "msgBody is an array, not a string"},
		{"body good, then bad", `{"Ckafka":{"msgBody":"\ud800","msgBody":1}}`, "msgBody is a number, not a string"},
		{"two Ckafka", `{"Ckafka":{"msgBody":"b"},"Ckafka":{}}`, "it has no msgBody"},
	} {
		t.Run(c.name, func(t *testing.T) {
			const good = `{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgBody":"good"}}`
			recs, err := decode(`{"Records":[` + good + "," + c.element + " ,\n" + good + `]}`)
			require.NoError(t, err)
			require.Len(t, recs, 3)
			for i, rec := range recs {
				assert.Equal(t, i, rec.Pos)
				assert.Same(t, recs[0].Batch, rec.Batch)
			}
			assert.Equal(t, c.defect, recs[1].Defect)
			assert.Equal(t, c.element, string(recs[1].Body))
			assert.Zero(t, recs[1].Lossy)
			for _, i := range []int{0, 2} {
				assert.Empty(t, recs[i].Defect)
				assert.Equal(t, "good", string(recs[i].Body))
			}
		})
	}
}

func TestDecodePayload(t *testing.T) {
	for _, c := range []struct {
		name, payload string
		records       int
		reason        string // empty: it is an event
	}{
		{name: "no record", payload: `{"Records":[]}`},
		{name: "no record, blanks", payload: " { \"Records\" : [ ] } \n"},
		{name: "other members", payload: `{"a":{"Records":1},"Records":[{}],"b":[]}`, records: 1},
		{name: "name escaped", payload: `{"Rec\u006frds":[{}]}`, records: 1},
		{name: "Records twice", payload: `{"Records":[1,2],"Records":[3]}`, records: 3},
		{name: "empty", payload: ``, reason: "expected an object at byte 0"},
		{name: "null", payload: `null`, reason: "expected an object at byte 0"},
		{name: "array", payload: `[{}]`, reason: "expected an object at byte 0"},
		{name: "string", payload: `"{\"Records\":[]}"`, reason: "expected an object at byte 0"},
		{name: "byte order mark", payload: "\uFEFF{\"Records\":[]}", reason: "expected an object at byte 0"},
		{name: "empty object", payload: `{}`, reason: "it has no Records at byte 2"},
		{name: "other trigger", payload: `{"Type":"Timer"}`, reason: "it has no Records"},
		{name: "records of another trigger", payload: `{"Records":[{"Cmq":{"msgBody":"b"}},{"a":1}]}`, reason: "its records are of another trigger"},
		{name: "one record of ours", payload: `{"Records":[{"Cmq":{"msgBody":"b"}},{"Ckafka":1}]}`, records: 2},
		{name: "other case", payload: `{"records":[]}`, reason: "it has no Records"},
		{name: "Records nested", payload: `{"a":{"Records":[]}}`, reason: "it has no Records"},
		{name: "Records null", payload: `{"Records":null}`, reason: "Records is not an array at byte 11"},
		{name: "Records object", payload: `{"Records":{}}`, reason: "Records is not an array"},
		{name: "text behind", payload: `{"Records":[]} x`, reason: "text after the event at byte 15"},
		{name: "two events", payload: `{"Records":[]}{"Records":[]}`, reason: "text after the event"},
		{name: "trailing comma", payload: `{"Records":[{},]}`, reason: "a value is not JSON or does not end"},
		{name: "no comma", payload: `{"Records":[{}{}]}`, reason: "expected a comma or the end of Records"},
		{name: "member without comma", payload: `{"a":1"Records":[]}`, reason: "expected a comma or the end of an object"},
		{name: "member with two commas", payload: `{"a":1,,"Records":[]}`, reason: "expected a name"},
		{name: "trailing comma behind a member", payload: `{"Records":[],}`, reason: "expected a name"},
		{name: "no colon", payload: `{"Records"[]}`, reason: "expected a colon"},
		{name: "name without quotes", payload: `{Records:[]}`, reason: "expected a name"},
		{name: "value is no JSON", payload: `{"Records":[{"Ckafka":{"partition":01}}]}`, reason: "a value is not JSON or does not end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			recs, err := decode(c.payload)
			if c.reason == "" {
				require.NoError(t, err)
				require.Len(t, recs, c.records)
				return
			}
			var fault *event.PayloadError
			require.ErrorAs(t, err, &fault)
			require.True(t, fault.Permanent())
			require.ErrorContains(t, err, c.reason)
		})
	}
}

// An event that was cut off anywhere is no event: half a batch must not pass for
// a whole one.
func TestDecodeTruncatedPayload(t *testing.T) {
	payload := `{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"None","msgBody":"{\"a\":1}"}},{"Ckafka":{"msgBody":"b"}}]}`
	for n := range len(payload) {
		_, err := decode(payload[:n])
		var fault *event.PayloadError
		require.ErrorAs(t, err, &fault, payload[:n])
		require.LessOrEqual(t, fault.Offset, n)
	}
}

// A topic was once taken for the one before it, if that was spelt like it with
// escapes.
func TestDecodeTopicsOneAfterTheOther(t *testing.T) {
	element := func(topic string) string { return `{"Ckafka":{"topic":"` + topic + `","msgBody":""}}` }
	var topics []string
	recs, err := decode(`{"Records":[` + strings.Join([]string{element(`a\\u0062`), element(`a\u0062`), element("ab"), element("ab"), element("")}, ",") + `]}`)
	require.NoError(t, err)
	for _, rec := range recs {
		topics = append(topics, rec.Topic)
	}
	require.Equal(t, []string{`a\u0062`, "ab", "ab", "ab", ""}, topics)
}

// The event's hash names records without coordinates. It is the payload's, so
// that the same event delivered again gives the same names.
func TestDecodeHashesEventsOnlyWithoutCoordinates(t *testing.T) {
	const located = `{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgBody":"b"}}`
	recs, err := decode(`{"Records":[` + located + `]}`)
	require.NoError(t, err)
	require.Zero(t, recs[0].Batch.Event)

	hash := func(payload string) uint64 {
		recs, err := decode(payload)
		require.NoError(t, err)
		return recs[0].Batch.Event
	}
	with := `{"Records":[` + located + `,{"Ckafka":{"topic":"t","partition":1,"msgBody":"b"}}]}`
	require.NotZero(t, hash(with))
	require.Equal(t, hash(with), hash(with))
	require.NotEqual(t, hash(with), hash(with+" "))
}

// A decoder is used for one event after the other: nothing of one is left in the
// next, and Trim gives back what a large one took.
func TestDecoderIsReused(t *testing.T) {
	var d event.Decoder
	large := one(`"topic":"t","partition":1,"offset":36,"msgKey":"k","msgBody":"` + strings.Repeat("x", 4<<20) + `"`)
	small := one(`"msgBody":"b"`)
	var recs []record.Record
	for range 3 {
		for _, payload := range []string{large, small, `{"Records":[{"Ckafka":`, small} {
			found, err := d.Decode([]byte(payload), arrival, recs[:0])
			var fault *event.PayloadError
			require.True(t, err == nil || errors.As(err, &fault))
			if payload == small {
				require.NoError(t, err)
				require.Equal(t, record.Record{
					Partition: -1, Offset: -1, Body: []byte("b"), ASCII: true, Batch: found[0].Batch,
				}, found[0])
			}
			recs = found
		}
		d.Trim()
	}
	text := []byte(small)
	d.Trim()
	allocated := testing.AllocsPerRun(10, func() { recs, _ = d.Decode(text, arrival, recs[:0]) })
	require.LessOrEqual(t, allocated, 1.0, "only the batch")
}
