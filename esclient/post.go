package esclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v7/esapi"
	"github.com/klauspost/compress/gzip"

	"ckafka-etl/internal/core/netfault"
	"ckafka-etl/record"
)

// reply is what came of a request.
type reply struct {
	status     int
	body       []byte  // the answer, of a 2xx only
	failure    failure // of any other status
	typed      bool    // the action lines had _type
	err        error   // set if there was no answer that could be read
	reused     bool    // it went over a kept connection
	unread     bool    // the connection broke before all of the body was taken
	retryAfter time.Duration
}

// busy reports whether the reply says that the server cannot take anything now,
// and that another address may do better at once.
func (r *reply) elsewhere() bool {
	switch r.status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return r.err != nil
	}
}

// mayBeStale reports whether the reply may be that of a kept connection and not
// the server's: the connection was dead, or held an answer to something else.
func (r *reply) mayBeStale() bool {
	return r.reused && (r.err != nil || r.status == http.StatusBadRequest)
}

// post sends a bulk body to an address once. It only reads req. The answer is
// written to req.answerBuf; req.reusable says whether the transport has let go
// of the body.
func (c *Client) post(ctx context.Context, req *request, limit time.Duration) (r reply) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var conn net.Conn
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { r.reused, conn = i.Reused, i.Conn },
	})
	lent := newLentBody(req.wire())
	ctx = context.WithValue(ctx, bodyKey{}, lent)
	header := http.Header{"Content-Type": {"application/x-ndjson"}}
	if req.packed != nil {
		header.Set("Content-Encoding", "gzip")
	}
	started := time.Now()
	defer func() {
		req.reusable = req.reusable && lent.returned()
		c.debug(ctx, &r, len(req.body), started)
	}()
	r.typed = req.typed
	res, err := esapi.BulkRequest{
		Body: http.NoBody, Pipeline: req.pipeline, FilterPath: filterPath, Header: header, Timeout: serverWait(ctx),
	}.Do(ctx, c.pool.nodes[req.node])
	if err != nil {
		r.err, r.unread = err, lent.unread() > 0 || netfault.BrokeWriting(err)
		return r
	}
	defer func() { _ = res.Body.Close() }()
	r.status, r.retryAfter = res.StatusCode, retryAfter(res.Header, time.Now())
	r.err = c.readReply(&r, &http.Response{Body: res.Body, Header: res.Header}, req)
	if r.status == http.StatusRequestEntityTooLarge && conn != nil {
		// Elasticsearch 6.8 takes what it has not read of the body for further
		// requests, and its answers to them would be taken for answers to ours.
		_ = conn.Close()
	}
	return r
}

// readReply reads an answer's body: all of it, or of a refusal a page.
func (c *Client) readReply(r *reply, res *http.Response, req *request) error {
	body, err := decoded(res)
	if r.status >= 200 && r.status < 300 {
		if err != nil {
			return err
		}
		req.answerBuf, err = readAnswer(body, len(req.items), req.answerBuf)
		r.body = req.answerBuf
		return err
	}
	var page []byte
	if err == nil {
		// What is missing of a page does not matter: the status says enough.
		page, _ = io.ReadAll(io.LimitReader(body, maxPage))
	}
	var reader answerReader
	r.failure = reader.request(trimBOM(page), r.status)
	return nil
}

func (c *Client) debug(ctx context.Context, r *reply, size int, started time.Time) {
	if !c.cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	text := ""
	if r.err != nil {
		text = netfault.Of(r.err).Text
	}
	c.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "bulk request", slog.Int("status", r.status),
		slog.String("cause", text), slog.Int("bytes", size), slog.Bool("kept_connection", r.reused),
		slog.Int64("ms", time.Since(started).Milliseconds()))
}

// serverWait is how long the server may wait for what a document lacks: an
// index that is being created, a shard that comes up. If it is left its own
// minute, we are gone before it answers, and one index that is ill keeps back
// what it has to say of all the others.
func serverWait(ctx context.Context) time.Duration {
	end, ok := ctx.Deadline()
	if !ok {
		return 0 // the server's own
	}
	return max(time.Until(end)/2, time.Millisecond)
}

// compress returns body as gzip in a buffer of the pool.
func (c *Client) compress(body []byte) []byte {
	out := bytes.NewBuffer(c.bufs.get(len(body) / 4))
	zw, err := gzip.NewWriterLevel(out, c.cfg.GzipLevel)
	if err != nil { // the level was checked: it cannot be wrong
		zw = gzip.NewWriter(out)
	}
	_, _ = zw.Write(body) // a bytes.Buffer takes everything
	_ = zw.Close()
	return out.Bytes()
}

// maxRetryAfter bounds what a server may ask for with Retry-After.
const maxRetryAfter = 10 * time.Minute

// retryAfter reads the header in both its forms: seconds, or a date.
func retryAfter(h http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(h.Get("Retry-After"))
	if value == "" {
		return 0
	}
	var d time.Duration
	if seconds, err := strconv.Atoi(value); err == nil {
		d = time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, 0), maxRetryAfter)
}

// networkCause describes a request that got no answer that could be read.
func networkCause(err error) *record.Cause {
	f := netfault.Of(err)
	c := &record.Cause{Type: f.Type, Safe: f.Text, Permanent: f.Lasting}
	switch {
	case errors.Is(err, errFingerprint):
		c.Type, c.Permanent, c.Hint = "certificate_not_trusted", true, "look at ES_CA_Fingerprint"
	case errors.Is(err, errAnswerTooLong):
		c.Type, c.Hint = "unreadable_answer", "look at what stands between the function and Elasticsearch"
	case f.Kind == netfault.UnknownCA:
		c.Hint = "look at ES_CA_Cert or ES_CA_Fingerprint"
	case f.Kind == netfault.WrongName:
		c.Hint = "the certificate is for another name: look at ES_Address"
	case f.Kind == netfault.BadChain:
		c.Hint = "look at the server's certificate: has it expired?"
	case f.Kind == netfault.NoTLS:
		c.Hint = "look at ES_Address: is it http?"
	case f.Kind == netfault.NotHTTP:
		c.Hint = "look at ES_Address: is it https?"
	case f.Kind == netfault.NoAnswer:
		c.Hint = "look at ES_Address, at the function's VPC and timeout, and at ES_Request_Timeout"
	case f.Kind == netfault.Refused:
		c.Hint = "nothing listens there: look at ES_Address and at the server"
	default:
		c.Hint = "look at ES_Address, the function's VPC and the server"
	}
	return c
}

// lasting reports whether an error will come again at once and always.
func lasting(err error) bool { return networkCause(err).Permanent }
