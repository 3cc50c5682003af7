package modelserver

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"ckafka-etl/internal/rawjson"
)

// Form is how the bytes of an answer come.
type Form uint8

// The forms of an answer. Some proxies compress what nobody asked them to, and
// some write a byte-order mark before what they have buffered.
const (
	AnyForm Form = iota // the traits', and for these the same as Plain
	Plain
	Marked     // behind a byte-order mark
	Compressed // with gzip, and it says so
	Chunked    // without a length, a few bytes at a time
)

// Reply is an answer to a whole request.
type Reply struct {
	Status int
	// Name says what Body is, for the names of tests.
	Name string
	// Body is the answer; in it {body} stands for what was sent, and {escaped}
	// for the same as the inside of a JSON string.
	Body string
	// Pad is how many blanks follow the body.
	Pad int
	// RetryAfter is how long the server wants to be left alone; 0: it does not
	// say. AsDate: it says it as a date.
	RetryAfter time.Duration
	AsDate     bool
	Form       Form
	// Pause is between the head of the answer and its body.
	Pause time.Duration
}

// response makes an HTTP response of a reply.
func (r *Reply) response(req *http.Request, sent []byte, form Form, now time.Time) *http.Response {
	text := r.Body
	if strings.Contains(text, "{body}") || strings.Contains(text, "{escaped}") {
		escaped, _ := rawjson.AppendEscaped(nil, sent)
		text = strings.NewReplacer("{body}", string(sent), "{escaped}", string(escaped)).Replace(text)
	}
	res := &http.Response{
		Status: strconv.Itoa(r.Status) + " " + http.StatusText(r.Status), StatusCode: r.Status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Request: req,
	}
	kind := "text/html"
	if strings.HasPrefix(text, "{") {
		kind = "application/json"
	}
	res.Header.Set("Content-Type", kind)
	if r.RetryAfter > 0 {
		value := strconv.Itoa(int(r.RetryAfter / time.Second))
		if r.AsDate {
			value = now.Add(r.RetryAfter).UTC().Format(http.TimeFormat)
		}
		res.Header.Set("Retry-After", value)
	}
	if r.Status >= 300 && r.Status < 400 {
		res.Header.Set("Location", "http://login.example/?from="+req.URL.Path)
	}
	form = max(form, Plain)
	if r.Form != AnyForm {
		form = r.Form
	}
	body := append([]byte(text), strings.Repeat(" ", r.Pad)...)
	res.Body = &answerBody{ctx: req.Context().Done(), pause: r.Pause, r: shape(res, body, form)}
	return res
}

// shape writes an answer's body in one of the forms.
func shape(res *http.Response, body []byte, form Form) io.Reader {
	res.ContentLength = int64(len(body))
	switch form {
	case Marked:
		body = append([]byte("\xef\xbb\xbf"), body...)
		res.ContentLength = int64(len(body))
	case Compressed:
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		_, _ = zw.Write(body) // a bytes.Buffer takes everything
		_ = zw.Close()
		res.Header.Set("Content-Encoding", "gzip")
		res.ContentLength = int64(b.Len())
		return &b
	case Chunked:
		res.ContentLength = -1
		res.TransferEncoding = []string{"chunked"}
		return &fewBytes{r: bytes.NewReader(body)}
	case AnyForm, Plain:
	}
	return bytes.NewReader(body)
}

// fewBytes gives few bytes with each call.
type fewBytes struct{ r io.Reader }

func (f *fewBytes) Read(p []byte) (int, error) {
	const most = 700
	return f.r.Read(p[:min(len(p), most)])
}

// errReset is what a connection says that the other side has reset.
var errReset = syscall.ECONNRESET

// answerBody is the body of an answer: it waits before its first byte if it is
// told to, and knows whether it was closed.
type answerBody struct {
	ctx    <-chan struct{}
	pause  time.Duration
	r      io.Reader
	cut    bool // breaks off instead of ending
	closed func()
}

var errLate = errors.New("modelserver: the request was cancelled before the answer's body came")

func (b *answerBody) Read(p []byte) (int, error) {
	if b.pause > 0 {
		pause := time.NewTimer(b.pause)
		defer pause.Stop()
		select {
		case <-b.ctx:
			return 0, errLate
		case <-pause.C:
			b.pause = 0
		}
	}
	n, err := b.r.Read(p)
	if errors.Is(err, io.EOF) && b.cut {
		return n, networkError("read", errReset)
	}
	return n, err
}

func (b *answerBody) Close() error {
	if b.closed != nil {
		b.closed()
		b.closed = nil
	}
	return nil
}
