package esclient

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
)

const (
	// maxAnswer is how much of an answer is read at most, after decompression.
	// A bulk answer that quotes 10,000 values of some kilobytes is shorter.
	maxAnswer = 256 << 20
	// maxPage is how much of an error page is kept.
	maxPage = 64 << 10
	// keepString is how long a string of an answer may be once the answer is
	// long; shortString, once it is very long.
	keepString  = 8 << 10
	shortString = 256
)

// errAnswerTooLong says that an answer had no end within maxAnswer.
var errAnswerTooLong = errors.New("the answer is longer than 256 MiB")

// decoded returns a reader of what an answer holds: servers and proxies
// compress although nobody asked them to.
func decoded(res *http.Response) (io.Reader, error) {
	switch encoding := strings.ToLower(strings.TrimSpace(res.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
		return res.Body, nil
	case "gzip", "x-gzip":
		zr, err := gzip.NewReader(res.Body)
		if err != nil {
			return nil, fmt.Errorf("the answer's gzip: %w", err)
		}
		return zr, nil
	default:
		return nil, errors.New("the answer has a Content-Encoding that was not asked for")
	}
}

// readAnswer reads a bulk answer about a number of items into dst. Up to a usual
// length it is read as it is; of a longer one, the strings are cut, which leaves
// what it says of each item and bounds what is kept of the reasons.
func readAnswer(r io.Reader, items int, dst []byte) ([]byte, error) {
	usual := 64<<10 + 512*items
	buf := bytes.NewBuffer(dst[:0])
	n, err := buf.ReadFrom(io.LimitReader(r, int64(usual)))
	if err != nil || n < int64(usual) {
		return trimBOM(buf.Bytes()), err
	}
	cutter := stringCutter{most: keepString}
	out := cutter.cut(buf.Bytes()[:0], buf.Bytes())
	part := make([]byte, 32<<10)
	for read := usual; ; {
		n, err := r.Read(part)
		out = cutter.cut(out, part[:n])
		if len(out) > 2*usual {
			cutter.most = shortString
		}
		if read += n; read > maxAnswer {
			return out, errAnswerTooLong
		}
		if errors.Is(err, io.EOF) {
			return trimBOM(out), nil
		}
		if err != nil {
			return out, err
		}
	}
}

func trimBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\uFEFF")) }

// stringCutter copies JSON text and leaves out what of a string is beyond most
// bytes. It keeps escapes whole. The text comes in parts.
type stringCutter struct {
	most     int
	inString bool
	length   int // of the string so far
	escape   int // bytes of an escape that are still to come; -1: its kind is
	skipping bool
}

// cut appends what is kept of part to dst, which may be the same memory.
func (c *stringCutter) cut(dst, part []byte) []byte {
	for _, b := range part {
		switch {
		case !c.inString:
			if b == '"' {
				c.inString, c.length, c.skipping = true, 0, false
			}
		case c.escape > 0:
			c.escape--
		case c.escape < 0:
			if c.escape = 0; b == 'u' {
				c.escape = 4
			}
		case b == '"':
			c.inString, c.skipping = false, false
		default:
			// Where a character starts: the only place where it may be cut.
			if c.length >= c.most && (b < 0x80 || b >= 0xC0) {
				c.skipping = true
			}
			if b == '\\' {
				c.escape = -1
			}
		}
		c.length++
		if !c.skipping {
			dst = append(dst, b)
		}
	}
	return dst
}

// cut cuts a text to at most n bytes, at the start of a character.
func cut(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
