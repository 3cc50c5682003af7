package netfault_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/core/netfault"
)

// Errors as the standard library makes them, and as the Kafka client does.
func TestOf(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	written := &net.OpError{Op: "write", Err: os.NewSyscallError("write", syscall.EPIPE)}
	for _, c := range []struct {
		name    string
		err     error
		kind    netfault.Kind
		typ     string
		lasting bool
		unsent  bool
		broken  bool
		writing bool
	}{
		{"refused", dial, netfault.Refused, "network_error", false, true, false, false},
		{"reset", fmt.Errorf("read: %w", syscall.ECONNRESET), netfault.Other, "network_error", false, false, true, false},
		{"broken pipe", written, netfault.Other, "network_error", false, false, true, true},
		{"closed", io.EOF, netfault.Disconnected, "connection_closed", false, false, true, false},
		{"cut", io.ErrUnexpectedEOF, netfault.Disconnected, "connection_closed", false, false, true, false},
		{"deadline", context.DeadlineExceeded, netfault.NoAnswer, "no_answer", false, false, false, false},
		{"timeout", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, netfault.NoAnswer, "no_answer", false, false, false, false},
		{"authority", x509.UnknownAuthorityError{}, netfault.UnknownCA, "certificate_not_trusted", true, true, false, false},
		{"name", x509.HostnameError{Host: "h", Certificate: &x509.Certificate{}}, netfault.WrongName, "certificate_not_trusted", true, true, false, false},
		{"expired", &tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}, netfault.BadChain, "certificate_not_trusted", true, true, false, false},
		{"no TLS", tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"}, netfault.NoTLS, "no_tls", true, true, false, false},
		{"TLS wanted", errors.New("invalid large response size 352518912 > limit; the first three bytes received appear to be a tls alert record for TLS v1.2"), netfault.WantsTLS, "tls_wanted", true, false, false, false},
		{"HTTP", errors.New("the four size bytes are 'HTTP' in ascii"), netfault.SpeaksHTTP, "wrong_protocol", true, false, false, false},
		{"not HTTP", errors.New(`net/http: HTTP/1.x transport connection broken: malformed HTTP response "\x15"`), netfault.NotHTTP, "network_error", false, false, false, false},
		{"anything", errors.New(strings.Repeat("x", 1000)), netfault.Other, "network_error", false, false, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := netfault.Of(c.err)
			require.Equal(t, c.kind, f.Kind)
			require.Equal(t, c.typ, f.Type)
			require.Equal(t, c.lasting, f.Lasting)
			require.NotEmpty(t, f.Text)
			require.LessOrEqual(t, len(f.Text), 200+len("…"))
			require.Equal(t, c.unsent, netfault.Unsent(c.err))
			require.Equal(t, c.broken, netfault.Broken(c.err))
			require.Equal(t, c.writing, netfault.BrokeWriting(c.err))
		})
	}
}

// The errors that real connections give.
func TestOfRealConnections(t *testing.T) {
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for url, want := range map[string]netfault.Kind{
		strings.Replace(plain.URL, "http:", "https:", 1): netfault.NoTLS,
		secure.URL:                         netfault.UnknownCA,
		"http://" + closed.Addr().String(): netfault.Refused,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		require.NoError(t, err)
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			require.NoError(t, res.Body.Close())
		}
		require.Error(t, err)
		require.Equal(t, want, netfault.Of(err).Kind, url)
		require.True(t, netfault.Unsent(err))
	}
}
