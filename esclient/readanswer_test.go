package esclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// One refused value of 200 kB, quoted, made an answer too long: 20 stored records
// were counted as duplicates and the rest became a dead letter without a reason.
func TestLongAnswerIsRead(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"took":1,"items":[`)
	for i := range 20 {
		fmt.Fprintf(&b, `{"create":{"_id":"%d","status":201}},`, i)
	}
	long := strings.Repeat(`中\n`, 300_000)
	fmt.Fprintf(&b, `{"create":{"_id":"x","status":400,"error":{"type":"t","reason":"start %s","caused_by":{"type":"c","reason":"%s"}}}}]}`, long, long)
	got, err := readAnswer(iotest.HalfReader(strings.NewReader(b.String())), 21, nil)
	require.NoError(t, err)
	require.Less(t, len(got), 64<<10)
	var r answerReader
	var items []answerItem
	require.True(t, r.items(got, func(it answerItem) { items = append(items, it) }))
	require.Len(t, items, 21)
	require.Equal(t, "x", string(items[20].id))
	f := r.failure(items[20].err)
	require.True(t, strings.HasPrefix(f.reason, "start 中\n"))
	require.LessOrEqual(t, len(f.text()), maxReason+len("…"))
}

// A hostile answer does not outgrow the function's memory, and has an end.
func TestAnswerIsBounded(t *testing.T) {
	part := []byte(`{"create":{"_id":"x","status":400,"error":{"type":"t","reason":"` + strings.Repeat("y", 10_000) + `"}}},`)
	endless := io.MultiReader(strings.NewReader(`{"items":[`), &repeater{part: part})
	got, err := readAnswer(endless, 10, nil)
	require.ErrorIs(t, err, errAnswerTooLong)
	require.Less(t, len(got), 20<<20)
}

type repeater struct {
	part []byte
	at   int
}

func (r *repeater) Read(p []byte) (n int, _ error) {
	for n < len(p) {
		k := copy(p[n:], r.part[r.at:])
		n += k
		r.at = (r.at + k) % len(r.part)
	}
	return n, nil
}

// Cutting strings leaves JSON with the same shape, whatever the parts.
func TestStringCutter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := map[string]any{}
		for i := range rapid.IntRange(0, 5).Draw(t, "members") {
			value[fmt.Sprint(i)] = []any{rapid.StringN(0, 40, -1).Draw(t, "text"), float64(i), nil}
		}
		text, err := json.Marshal(value)
		require.NoError(t, err)
		if rapid.Bool().Draw(t, "escaped") { // no hex digit, which may stand in an escape
			text = []byte(strings.ReplaceAll(string(text), "z", `\u007a`))
		}
		c := stringCutter{most: rapid.IntRange(4, 30).Draw(t, "most")}
		var got []byte
		for rest := text; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "part")
			got = c.cut(got, rest[:n])
			rest = rest[n:]
		}
		var back map[string]any
		require.NoError(t, json.Unmarshal(got, &back), "%s", got)
		require.Len(t, back, len(value))
		for name, v := range value {
			was, is := v.([]any)[0].(string), back[name].([]any)[0].(string)
			require.LessOrEqual(t, len(is), c.most+12)
			if len(was) < c.most/6 {
				require.Equal(t, was, is)
			}
		}
	})
}

// Answers are read however they come.
func TestDecoded(t *testing.T) {
	const text = `{"items":[]}`
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	_, _ = zw.Write([]byte("\uFEFF" + text))
	require.NoError(t, zw.Close())
	for encoding, body := range map[string]string{"": text, "identity": "\uFEFF" + text, "gzip": packed.String(), "X-GZIP": packed.String()} {
		r, err := decoded(&http.Response{Header: http.Header{"Content-Encoding": {encoding}}, Body: io.NopCloser(strings.NewReader(body))})
		require.NoError(t, err)
		got, err := readAnswer(r, 1, nil)
		require.NoError(t, err)
		require.Equal(t, text, string(got))
	}
	for encoding, body := range map[string]string{"br": text, "gzip": text} {
		_, err := decoded(&http.Response{Header: http.Header{"Content-Encoding": {encoding}}, Body: io.NopCloser(strings.NewReader(body))})
		require.Error(t, err)
	}
}
