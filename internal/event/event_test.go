package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tencentyun/scf-go-lib/events"
)

func TestAppend(t *testing.T) {
	for _, c := range []struct {
		name string
		recs []Record
		want string
	}{
		{"none", nil, `{"Records":[]}`},
		{
			"one without a key",
			[]Record{{Topic: "t", Partition: 1, Offset: 36, Body: []byte("hello")}},
			`{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"None","msgBody":"hello"}}]}`,
		},
		{
			"two with keys, one of them empty",
			[]Record{
				{Topic: "a.b-c_d", Partition: 0, Offset: 0, Key: []byte("k"), Body: []byte("")},
				{Topic: "t", Partition: math.MaxInt32, Offset: math.MaxInt64, Key: []byte{}, Body: []byte("x")},
			},
			`{"Records":[{"Ckafka":{"topic":"a.b-c_d","partition":0,"offset":0,"msgKey":"k","msgBody":""}},` +
				`{"Ckafka":{"topic":"t","partition":2147483647,"offset":9223372036854775807,"msgKey":"","msgBody":"x"}}]}`,
		},
		{
			"JSON in the body",
			[]Record{{Topic: "t", Offset: 1, Body: []byte(`{"a":"b\n"}`)}},
			`{"Records":[{"Ckafka":{"topic":"t","partition":0,"offset":1,"msgKey":"None","msgBody":"{\"a\":\"b\\n\"}"}}]}`,
		},
		{
			"control characters, HTML left alone, each invalid byte replaced",
			[]Record{{Topic: "t", Offset: 1, Key: []byte("\x00\x1f\t"), Body: []byte("<&>中\xff\xfe/\u2028")}},
			"{\"Records\":[{\"Ckafka\":{\"topic\":\"t\",\"partition\":0,\"offset\":1,\"msgKey\":\"\\u0000\\u001f\\t\",\"msgBody\":\"<&>中\uFFFD\uFFFD/\u2028\"}}]}",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Append([]byte("before:"), c.recs)
			assert.Equal(t, "before:"+c.want, string(got))
		})
	}
}

// decode reads an event with the platform library's own types, which are what
// other functions use.
func decode(t *testing.T, data []byte) []events.CkafkaMessage {
	t.Helper()
	require.True(t, utf8.Valid(data), "an event is UTF-8")
	var e events.CkafkaEvent
	require.NoError(t, json.Unmarshal(data, &e))
	msgs := make([]events.CkafkaMessage, len(e.Records))
	for i, r := range e.Records {
		msgs[i] = r.Message
	}
	return msgs
}

// overJSON is what is left of b after its way through JSON.
func overJSON(t *testing.T, b []byte) string {
	t.Helper()
	text, err := json.Marshal(string(b))
	require.NoError(t, err)
	var s string
	require.NoError(t, json.Unmarshal(text, &s))
	return s
}

func FuzzAppend(f *testing.F) {
	f.Add("t", int32(1), int64(36), []byte("key"), true, []byte(`{"a":1}`))
	f.Add("t", int32(0), int64(0), []byte(nil), false, []byte("\xff\x00\"\\\u2028中"))
	f.Add("t\"\xed\xa0\x80", int32(-1), int64(-1), []byte("None"), true, []byte("\xf0\x9f\x98\x80 \x7f"))
	f.Fuzz(func(t *testing.T, topic string, partition int32, offset int64, key []byte, hasKey bool, body []byte) {
		wantKey := "None"
		if hasKey {
			key = append([]byte{}, key...)
			wantKey = overJSON(t, key)
		} else {
			key = nil
		}
		r := Record{Topic: topic, Partition: partition, Offset: offset, Key: key, Body: body}
		data := Append(nil, []Record{r, r})
		want := events.CkafkaMessage{
			Topic: overJSON(t, []byte(topic)), Partition: int64(partition), Offset: offset,
			Key: wantKey, Body: overJSON(t, body),
		}
		assert.Equal(t, []events.CkafkaMessage{want, want}, decode(t, data))

		b, err := NewBuilder(2)
		require.NoError(t, err)
		for range 2 {
			ok, err := b.Add(&r)
			require.NoError(t, err)
			require.True(t, ok)
		}
		assert.Equal(t, string(data), string(b.Event()), "the builder makes the same event")
		assert.Equal(t, len(data), b.Size())
	})
}

const accessLog = `{"time_local":"2024-05-12T08:15:42.318+08:00","remote_addr":"203.0.113.87","request_method":"GET",` +
	`"uri":"/api/v2/orders/8837261/items?page=3&size=50&sort=created_at","status":200,"body_bytes_sent":18423,` +
	`"request_time":0.046,"upstream_addr":"10.0.4.17:8080","upstream_response_time":0.043,"host":"shop.example.com",` +
	`"http_referer":"https://shop.example.com/orders/8837261","http_user_agent":"Mozilla/5.0 (Windows NT 10.0; Win64; x64) ` +
	`AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0 Safari/537.36","request_id":"7f1c2f0d9a3b4e5f8a6b7c8d9e0f1a2b"}`

func FuzzAppendString(f *testing.F) {
	f.Add([]byte(accessLog))
	f.Add([]byte("\x00\x1f\t\r\n\b\f\"\\/\x7f<&>\u2028中\U0001F600"))
	f.Add([]byte("\xff\xed\xa0\x80\""))
	f.Fuzz(func(t *testing.T, s []byte) {
		want, _ := jsontext.AppendQuote([]byte("before:"), s)
		assert.Equal(t, string(want), string(appendString([]byte("before:"), s)))
	})
}

func BenchmarkAppend(b *testing.B) {
	body := []byte(accessLog)
	r := Record{Topic: "access", Partition: 3, Offset: 123456789, Body: body}
	recs := make([]Record, 1000)
	for i := range recs {
		recs[i] = r
	}
	buf := Append(nil, recs)
	b.SetBytes(int64(len(buf)))
	for b.Loop() {
		buf = Append(buf[:0], recs)
	}
}

func TestBuilderClosesByCount(t *testing.T) {
	b, err := NewBuilder(3)
	require.NoError(t, err)
	assert.JSONEq(t, `{"Records":[]}`, string(b.Event()))
	assert.Equal(t, len(`{"Records":[]}`), b.Size())
	for event := range 3 {
		var recs []Record
		for i := range 3 {
			assert.False(t, b.Full())
			r := Record{Topic: "t", Offset: int64(10*event + i), Body: []byte("b")}
			ok, err := b.Add(&r)
			require.NoError(t, err)
			require.True(t, ok)
			recs = append(recs, r)
			assert.Equal(t, i+1, b.Len())
			assert.Equal(t, string(Append(nil, recs)), string(b.Event()), "an event can be looked at before it is full")
		}
		assert.True(t, b.Full())
		ok, err := b.Add(&Record{Topic: "t", Offset: 99})
		require.NoError(t, err)
		assert.False(t, ok)
		assert.Equal(t, string(Append(nil, recs)), string(b.Event()), "a record that did not fit leaves no trace")
		b.Reset()
	}
}

func TestNewBuilderRefuses(t *testing.T) {
	for _, n := range []int{-1, 0, MaxRecords + 1} {
		_, err := NewBuilder(n)
		assert.ErrorContains(t, err, fmt.Sprintf("got %d, want 1 to 10000", n))
	}
	_, err := NewBuilder(MaxRecords)
	assert.NoError(t, err)
}

// sized returns a record whose event, alone, has exactly size bytes.
func sized(offset int64, size int) *Record {
	r := &Record{Topic: "t", Offset: offset}
	r.Body = bytes.Repeat([]byte("x"), size-len(Append(nil, []Record{*r})))
	return r
}

func TestBuilderClosesBySize(t *testing.T) {
	b, err := NewBuilder(MaxRecords)
	require.NoError(t, err)

	// A record is escaped before it is counted: half the bytes, but too large.
	quotes := &Record{Topic: "t", Partition: 4, Offset: 7, Body: bytes.Repeat([]byte(`"`), MaxBytes/2)}
	ok, err := b.Add(quotes)
	assert.False(t, ok)
	var tooLarge *TooLargeError
	require.ErrorAs(t, err, &tooLarge)
	assert.Equal(t, len(Append(nil, []Record{*quotes})), tooLarge.Size)
	assert.ErrorContains(t, err, "record t-4-7 makes an event of")

	ok, err = b.Add(sized(1, MaxBytes))
	require.NoError(t, err)
	require.True(t, ok, "exactly the limit fits")
	assert.Equal(t, MaxBytes, b.Size())
	assert.Len(t, b.Event(), MaxBytes)

	ok, err = b.Add(sized(2, MaxBytes))
	require.NoError(t, err, "it fits another event")
	assert.False(t, ok)
	_, err = b.Add(sized(3, MaxBytes+1))
	require.ErrorAs(t, err, &tooLarge, "it fits no event, whatever is in this one")
	assert.Equal(t, MaxBytes+1, tooLarge.Size)
	assert.Equal(t, 1, b.Len())
	b.Reset()

	// Two that fill an event to the byte, and two that are one byte too many.
	frame := len(`{"Records":[]}`)
	first := sized(10, MaxBytes/2)
	rest := MaxBytes - MaxBytes/2 - 1 + frame
	for _, c := range []struct {
		second *Record
		want   bool
	}{{sized(11, rest), true}, {sized(12, rest+1), false}} {
		b.Reset()
		ok, err = b.Add(first)
		require.NoError(t, err)
		require.True(t, ok)
		ok, err = b.Add(c.second)
		require.NoError(t, err)
		assert.Equal(t, c.want, ok, "offset %d", c.second.Offset)
	}
}
