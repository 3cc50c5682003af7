package esclient

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"ckafka-etl/config"
)

// dialTimeout is how long a connection may take to be made. Within a VPC it
// takes about a millisecond, and a dead host should not cost a whole try.
const dialTimeout = 5 * time.Second

func newTransport(cfg *config.Elasticsearch) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout}
	t := &http.Transport{
		DialContext:         dialer.DialContext,
		TLSHandshakeTimeout: dialTimeout,
		TLSClientConfig:     tlsConfig(cfg),
		MaxIdleConnsPerHost: cfg.BulkConcurrency,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true, // answers are small; unpacking them is billed
		WriteBufferSize:     64 << 10,
	}
	if len(cfg.CAFingerprint) > 0 {
		t.DialTLSContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return shakeHands(ctx, conn, addr, cfg.CAFingerprint)
		}
	}
	return t
}

func tlsConfig(cfg *config.Elasticsearch) *tls.Config {
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	switch {
	case cfg.Insecure:
		t.InsecureSkipVerify = true // ES_Insecure asks for it and is warned about at every start
	case len(cfg.CACert) > 0:
		t.RootCAs = x509.NewCertPool()
		t.RootCAs.AppendCertsFromPEM(cfg.CACert)
	}
	return t
}

// shakeHands makes a TLS connection to a server that has to show the
// certificate with the given fingerprint.
func shakeHands(ctx context.Context, conn net.Conn, addr string, print []byte) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	c := tls.Client(conn, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         host,
		InsecureSkipVerify: true, //nolint:gosec // the chain is verified against the fingerprint instead
		VerifyConnection:   func(s tls.ConnectionState) error { return verifyPrint(s.PeerCertificates, host, print) },
	})
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := c.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return c, nil
}

// errFingerprint says that no certificate of the server has the fingerprint.
var errFingerprint = errors.New("no certificate that the server sent has the fingerprint of ES_CA_Fingerprint")

// verifyPrint accepts a server that presents the certificate with the given
// SHA-256: as its own, or as the authority that vouches for its own. In the
// second case the name in its own must match too.
func verifyPrint(chain []*x509.Certificate, host string, print []byte) error {
	for i, cert := range chain {
		if sum := sha256.Sum256(cert.Raw); !bytes.Equal(sum[:], print) {
			continue
		}
		opts := x509.VerifyOptions{Roots: x509.NewCertPool(), Intermediates: x509.NewCertPool()}
		opts.Roots.AddCert(cert)
		for _, other := range chain[1:] {
			opts.Intermediates.AddCert(other)
		}
		if i > 0 {
			opts.DNSName = host
		}
		if _, err := chain[0].Verify(opts); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
		}
		return nil
	}
	return errFingerprint
}

// guard is the transport below estransport. It makes two things safe: a
// request's buffer, which may only be used again once the transport has let go
// of it, and io.EOF, at which estransport would send the request once more
// with a body that is already read.
type guard struct{ base http.RoundTripper }

func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if body, ok := req.Context().Value(bodyKey{}).(*lentBody); ok {
		req.Body, req.GetBody = body, nil
		req.ContentLength = int64(body.Len())
	}
	res, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	return res, nil
}

type bodyKey struct{}

// lentBody is a request body whose bytes are lent to the transport until it
// closes it, which may be after the answer has come.
type lentBody struct {
	*bytes.Reader
	once   sync.Once
	closed chan struct{}
}

func newLentBody(b []byte) *lentBody {
	return &lentBody{Reader: bytes.NewReader(b), closed: make(chan struct{})}
}

// Close gives the bytes back. The transport may call it more than once.
func (b *lentBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// returned reports whether the transport has let go of the bytes.
func (b *lentBody) returned() bool {
	select {
	case <-b.closed:
		return true
	default:
		return false
	}
}

// readAll reads at most limit bytes and reports whether that was all.
func readAll(r io.Reader, limit int64, dst []byte) ([]byte, bool, error) {
	buf := bytes.NewBuffer(dst[:0])
	_, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	return buf.Bytes(), int64(buf.Len()) <= limit, err
}
