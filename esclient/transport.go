package esclient

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
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
			return handshake(ctx, conn, addr, cfg.CAFingerprint)
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

// handshake makes a TLS connection to a server that has to show the
// certificate with the given fingerprint.
func handshake(ctx context.Context, conn net.Conn, addr string, fingerprint []byte) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	c := tls.Client(conn, &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         host,
		InsecureSkipVerify: true, //nolint:gosec // the chain is verified against the fingerprint instead
		VerifyConnection:   func(s tls.ConnectionState) error { return verifyFingerprint(s.PeerCertificates, host, fingerprint) },
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

// verifyFingerprint accepts a server that presents the certificate with the given
// SHA-256: as its own, or as the authority that vouches for its own. In the
// second case the name in its own must match too.
func verifyFingerprint(chain []*x509.Certificate, host string, fingerprint []byte) error {
	for i, cert := range chain {
		if sum := sha256.Sum256(cert.Raw); !bytes.Equal(sum[:], fingerprint) {
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

type bodyKey struct{}

// lentBody is a request body whose bytes are lent to the transport until it
// closes it, which may be after the answer has come.
type lentBody struct {
	*bytes.Reader
	left   atomic.Int64
	once   sync.Once
	closed chan struct{}
}

func newLentBody(b []byte) *lentBody {
	lent := &lentBody{Reader: bytes.NewReader(b), closed: make(chan struct{})}
	lent.left.Store(int64(len(b)))
	return lent
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

// unread returns how many bytes the transport has not taken.
func (b *lentBody) unread() int64 { return b.left.Load() }

// Read counts what the transport takes.
func (b *lentBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.left.Add(-int64(n))
	return n, err
}

// WriteTo counts what the transport takes at once.
func (b *lentBody) WriteTo(w io.Writer) (int64, error) {
	n, err := b.Reader.WriteTo(w)
	b.left.Add(-n)
	return n, err
}
