package transform

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// wide returns an object of n members. member returns the name and value of each.
func wide(n int, member func(i int) string) string {
	members := make([]string, n)
	for i := range members {
		members[i] = member(i)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func differing(i int) string { return fmt.Sprintf(`"n%d":%d`, i, i) }
func equal(int) string       { return `"n":1` }

// A record of 500,000 members took 155 MB, one of 200,000 equal names 76 MB: the
// function was killed for its memory, and got the same batch again for ever. A
// record with too many members is refused, whatever they are and wherever they
// come from; what lies deeper is no member of its own.
func TestTooManyMembers(t *testing.T) {
	quoted := func(s string) string {
		b, err := json.Marshal(s)
		require.NoError(t, err)
		return string(b)
	}
	nested := `{"a":` + wide(maxMembers+1, differing) + `}`
	for _, c := range []struct {
		name, body string
		members    int // 0: it is not refused
	}{
		{"as many as there may be", wide(maxMembers, differing), 0},
		{"one more", wide(maxMembers+1, differing), maxMembers + 1},
		{"equal names", wide(3*maxMembers, equal), 3 * maxMembers},
		{"in a string", quoted(quoted(wide(maxMembers+1, differing))), maxMembers + 1},
		{"in message", `{"a":1,"message":` + quoted(wide(maxMembers-1, differing)) + `}`, maxMembers + 1},
		{"as many with message's", `{"a":1,"message":` + quoted(wide(maxMembers-2, differing)) + `}`, 0},
		{"nested", nested, 0},
		{"broken behind them", wide(maxMembers+1, differing) + "}", 0},
		{"text behind them", wide(maxMembers+1, differing) + " {", 0},
		{"in an array", "[" + wide(maxMembers+1, differing) + "]", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorker(t, Options{IndexPrefix: "app"})
			doc := w.Do(newRecord(c.body))
			source := doc.AppendSource(nil)
			strict(t, source)
			if c.members == 0 {
				require.Nil(t, doc.Refused)
				return
			}
			require.Equal(t, &Refusal{
				"too_many_members",
				"the record has " + strconv.Itoa(c.members) + " members, 20000 are taken",
			}, doc.Refused)
			require.True(t, doc.Text)
			require.True(t, doc.Generated)
			require.LessOrEqual(t, cap(w.obj.members), 2*maxMembers)

			next := w.Do(newRecord(`{"a":1}`))
			require.Nil(t, next.Refused, "its neighbours are unharmed")
			require.Zero(t, next.CutFrom)
			require.Equal(t, `{"a":1}`, string(next.AppendSource(nil)))
		})
	}
}

// Bytes that are no text take three times their space once they are replaced, in
// each copy: 6 MB of them took 114 MB.
func TestTooManyBytesThatAreNoText(t *testing.T) {
	for n, refused := range map[int]bool{maxInvalid: false, maxInvalid + 1: true} {
		doc := newWorker(t, Options{IndexPrefix: "app"}).Do(newRecord(strings.Repeat("中", 10) + strings.Repeat("\xff", n)))
		source := doc.AppendSource(nil)
		strict(t, source)
		require.Equal(t, refused, doc.Refused != nil)
		if refused {
			require.Equal(t, &Refusal{"no_text", "the record has 1048577 bytes that are no valid UTF-8, 1048576 are taken"}, doc.Refused)
			require.Equal(t, 30+n, doc.CutFrom)
			require.Less(t, len(source), 3*maxKept+100)
		}
	}
}

// What is kept of a refused record for its dead letter is its beginning, cleaned
// as any text is, and cut between characters.
func TestRefusedRecordIsCutAndMasked(t *testing.T) {
	opts := Options{IndexPrefix: "app", Ignore: []string{"token", "**.password"}}
	secret := func(i int) string {
		return fmt.Sprintf(`"pass\u0077ord":"S3CRET%d","token":"S3CRET%d","中%d":%d`, i, i, i, i)
	}
	for shift := range 3 { // the cut falls on each byte of a character
		body := strings.Repeat(" ", shift) + wide(maxMembers, secret)
		doc := newWorker(t, opts).Do(newRecord(body))
		require.NotNil(t, doc.Refused)
		require.Equal(t, len(body), doc.CutFrom)
		var got map[string]string
		source := doc.AppendSource(nil)
		require.NoError(t, json.Unmarshal(source, &got))
		require.Len(t, got, 1)
		require.NotContains(t, got["msg_body"], "S3CRET")
		require.NotContains(t, got["msg_body"], "\uFFFD")
		require.Contains(t, got["msg_body"], `"中0":0`)
		require.Less(t, len(got["msg_body"]), maxKept)
	}

	small := wide(maxMembers+1, equal)
	doc := newWorker(t, opts).Do(newRecord(small))
	require.Zero(t, doc.CutFrom, "nothing is cut of a small one")
	require.Contains(t, string(doc.AppendSource(nil)), strings.ReplaceAll(small, `"`, `\"`))
}

// Bytes that only look like the inside of a character do not make the cut run
// away.
func TestCutAmongStrayBytes(t *testing.T) {
	w := newWorker(t, Options{IndexPrefix: "app"})
	kept := w.refuse([]byte(strings.Repeat("\x80", 2*maxKept)), "t", "r")
	require.InDelta(t, maxKept, len(kept), utf8.UTFMax)
}
