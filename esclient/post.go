package esclient

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/elastic/go-elasticsearch/v7/esapi"
	"github.com/klauspost/compress/gzip"

	"ckafka-etl/record"
)

// maxRetryAfter bounds what a server may ask for with Retry-After.
const maxRetryAfter = 30 * time.Second

// reply is what came of a request.
type reply struct {
	status     int
	body       []byte // the answer, of a 2xx only
	failure    failure
	err        error // set if there was no answer that could be read
	reused     bool  // it went over a kept connection
	certainty  bool  // err is about certificates or protocol: trying again is no use
	retryAfter time.Duration
}

// answerTooLarge is the cause when a bulk answer was longer than we read.
const answerTooLarge = "answer_too_large"

// elsewhere reports whether another address may do better at once.
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

// send posts one bulk body once. It returns the buffer of the answer for reuse
// and whether the transport has let go of the request body.
func (c *Client) send(ctx context.Context, body []byte, pipeline string, most int64, buf []byte) (r reply, answer []byte, free bool) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	var conn net.Conn
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(i httptrace.GotConnInfo) { r.reused, conn = i.Reused, i.Conn },
	})
	lent := newLentBody(body)
	ctx = context.WithValue(ctx, bodyKey{}, lent)
	header := http.Header{"Content-Type": {"application/x-ndjson"}}
	if c.cfg.GzipLevel > 0 {
		header.Set("Content-Encoding", "gzip")
	}
	started := time.Now()
	res, err := esapi.BulkRequest{
		Body: http.NoBody, Pipeline: pipeline, FilterPath: filterPath, Header: header, Timeout: serverWait(ctx),
	}.Do(ctx, c.es)
	if err != nil {
		r.err, r.certainty = err, certain(err)
		c.debug(ctx, r, len(body), started)
		return r, buf, lent.returned()
	}
	defer func() { _ = res.Body.Close() }()
	r.status = res.StatusCode
	if r.status == http.StatusRequestEntityTooLarge && conn != nil {
		// Elasticsearch 6.8 takes what it has not read of the body for further
		// requests, and its answers to them would be taken for answers to ours.
		_ = conn.Close()
	}
	r.retryAfter = retryAfter(res.Header)
	answer, whole, err := readAll(res.Body, most, buf)
	switch {
	case err != nil:
		r.err = err
	case r.status >= 200 && r.status < 300 && !whole:
		r.status, r.failure = http.StatusRequestEntityTooLarge, failure{kind: answerTooLarge}
	case r.status >= 200 && r.status < 300:
		r.body = answer
	default:
		var reader answerReader
		r.failure = reader.request(answer, r.status)
	}
	c.debug(ctx, r, len(body), started)
	return r, answer, lent.returned()
}

func (c *Client) debug(ctx context.Context, r reply, size int, started time.Time) {
	if !c.cfg.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	c.cfg.Logger.LogAttrs(ctx, slog.LevelDebug, "bulk request", slog.Int("status", r.status),
		slog.String("cause", errText(r.err)), slog.Int("bytes", size), slog.Bool("kept_connection", r.reused),
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

func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || seconds <= 0 {
		return 0
	}
	return min(time.Duration(min(seconds, 3600))*time.Second, maxRetryAfter)
}

// certain reports whether an error will come again at once and always.
func certain(err error) bool {
	if errors.Is(err, errFingerprint) || noTLS(err) {
		return true
	}
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok
}

// noTLS reports whether a server was asked for TLS and speaks none.
func noTLS(err error) bool {
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// networkCause describes a request that got no answer that could be read.
func networkCause(err error) *record.Cause {
	c := &record.Cause{Type: "network_error", Safe: errText(err)}
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, invalid := errors.AsType[x509.CertificateInvalidError](err)
	switch {
	case errors.Is(err, errFingerprint):
		c.Type, c.Hint = "certificate_not_trusted", "look at ES_CA_Fingerprint"
	case unknown:
		c.Type, c.Hint = "certificate_not_trusted", "look at ES_CA_Cert or ES_CA_Fingerprint"
	case name:
		c.Type, c.Hint = "certificate_not_trusted", "the certificate is for another name: look at ES_Address"
	case invalid:
		c.Type, c.Hint = "certificate_not_trusted", "look at the server's certificate: has it expired?"
	case noTLS(err):
		c.Type, c.Safe, c.Hint = "no_tls", "the server does not speak TLS", "look at ES_Address: is it http?"
	case strings.Contains(err.Error(), "malformed HTTP"):
		c.Safe, c.Hint = "the server does not speak HTTP", "look at ES_Address: is it https?"
	case errors.Is(err, context.DeadlineExceeded):
		c.Type, c.Safe = "no_answer", "no answer in time"
		c.Hint = "look at ES_Address, at the function's VPC and timeout, and at ES_Request_Timeout"
	case errors.Is(err, syscall.ECONNREFUSED):
		c.Hint = "nothing listens there: look at ES_Address and at the server"
	default:
		c.Hint = "look at ES_Address, the function's VPC and the server"
	}
	c.Permanent = certain(err)
	return c
}

// errText returns an error of the network. None of them holds a document or a
// secret: addresses carry no user when they are dialled.
func errText(err error) string {
	if err == nil {
		return ""
	}
	return short(err.Error())
}

// counters counts what one call sent.
type counters struct{ requests, retries, bytes atomic.Int64 }

func (n *counters) stats() record.Stats {
	return record.Stats{Requests: int(n.requests.Load()), Retries: int(n.retries.Load()), Bytes: n.bytes.Load()}
}
