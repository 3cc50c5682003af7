package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
)

func TestReadPayloads(t *testing.T) {
	long := `"` + strings.Repeat("x", event.MaxBytes-2) + `"`
	for _, c := range []struct {
		name, text string
		want       []string // name, data, name, data …
		err        string
	}{
		{"empty", "", []string{"f", ""}, ""},
		{"only white space", " \n\n\t\n", []string{"f", ""}, ""},
		{"one event, no line break", `{}`, []string{"f", `{}`}, ""},
		{"one event", "{}\n\n", []string{"f", `{}`}, ""},
		{"one event over lines", "{\n \"a\":\n1\n}\n", []string{"f", "{\n \"a\":\n1\n}"}, ""},
		{"an event a line", "{}\r\n\r\n []\r\n1", []string{"f:1", `{}`, "f:3", ` []`, "f:4", `1`}, ""},
		{"a broken line", "{}\n{\n", []string{"f:1", `{}`, "f:2", `{`}, ""},
		{"no JSON", "hello\nthere\n", []string{"f", "hello\nthere"}, ""},
		{"as large as may be", long + "\n" + long, []string{"f:1", long, "f:2", long}, ""},
		{"too large", long + " \n", nil, "f:1: larger than 6291456 bytes"},
		{"too large over lines", "{\n" + long + "}", nil, "f: larger than 6291456 bytes"},
		{"too large later", "{}\n" + long + "xxx", []string{"f", `{}`}, "f:2: larger than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			err := readPayloads(iotest.HalfReader(strings.NewReader(c.text)), "f", func(p payload) error {
				got = append(got, p.name, string(p.data))
				return nil
			})
			if c.err == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, c.err)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

func TestReadPayloadsStops(t *testing.T) {
	broken := errors.New("broken")
	calls := 0
	err := readPayloads(strings.NewReader("1\n2\n3\n"), "f", func(payload) error { calls++; return broken })
	require.ErrorIs(t, err, broken)
	assert.Equal(t, 1, calls)

	for _, text := range []string{"", "{}\n", "{}\n{}\n", "{\n"} {
		r := io.MultiReader(strings.NewReader(text), iotest.ErrReader(broken))
		err := readPayloads(r, "f", func(payload) error { return nil })
		require.ErrorIs(t, err, broken, "%q", text)
	}
}
