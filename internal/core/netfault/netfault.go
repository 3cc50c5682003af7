// Package netfault says what an error of the network means for an operator. It
// is what both sinks know of dead addresses, TLS and wrong protocols; which
// variable to look at is the sink's to say.
package netfault

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// Kind is what is wrong.
type Kind uint8

// The kinds.
const (
	Other        Kind = iota // the connection could not be made, or broke
	UnknownCA                // the certificate's authority is not trusted
	WrongName                // the certificate is for another name
	BadChain                 // the certificate is not valid, for instance no more
	NoTLS                    // TLS was asked of a server that does not speak it
	WantsTLS                 // the server speaks TLS and was not asked for it
	NotHTTP                  // the server speaks something else than HTTP
	SpeaksHTTP               // the server speaks HTTP where something else was wanted
	NoAnswer                 // no answer in time
	Refused                  // nothing listens at the address
	Disconnected             // the server closed the connection
)

// Fault describes an error. Both texts are fit for logs: errors of the network
// hold no document and, as addresses carry no user when they are dialled, no
// secret.
type Fault struct {
	Kind Kind
	// Type is short and stable: "network_error", "certificate_not_trusted",
	// "no_tls", "tls_wanted", "no_answer", "connection_closed".
	Type string
	// Text says it in a few words, at most 200 bytes.
	Text string
	// Lasting says that the error will come again until somebody changes
	// something.
	Lasting bool
}

// Of describes err, which must not be nil.
func Of(err error) Fault {
	f := Fault{Type: "network_error", Text: clip(err.Error())}
	switch {
	case isCertificate(err):
		f.Type, f.Lasting = "certificate_not_trusted", true
		f.Kind = certificateKind(err)
	case isNoTLS(err):
		f = Fault{NoTLS, "no_tls", "the server does not speak TLS", true}
	case strings.Contains(err.Error(), "tls alert record"):
		f = Fault{WantsTLS, "tls_wanted", "the server wants TLS", true}
	case strings.Contains(err.Error(), "'HTTP' in ascii"):
		f = Fault{SpeaksHTTP, "wrong_protocol", "the server speaks HTTP", true}
	case strings.Contains(err.Error(), "malformed HTTP"):
		f.Kind, f.Text = NotHTTP, "the server does not speak HTTP"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled), isTimeout(err):
		f = Fault{NoAnswer, "no_answer", "no answer in time", false}
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Kind = Refused
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		f = Fault{Disconnected, "connection_closed", "the server closed the connection", false}
	}
	return f
}

func isCertificate(err error) bool {
	_, ok := errors.AsType[*tls.CertificateVerificationError](err)
	return ok || certificateKind(err) != BadChain
}

func certificateKind(err error) Kind {
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return UnknownCA
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return WrongName
	}
	return BadChain
}

func isNoTLS(err error) bool {
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// Unsent reports whether err came before anything of the request can have
// reached the server: the connection was never made.
func Unsent(err error) bool {
	if e, ok := errors.AsType[*net.OpError](err); ok && e.Op == "dial" {
		return true
	}
	return isCertificate(err) || isNoTLS(err) || errors.Is(err, syscall.ECONNREFUSED)
}

// Broken reports whether err is a connection that broke in use.
func Broken(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe)
}

// BrokeWriting reports whether err is a connection that broke while the request
// was being written: the server has not taken all of it.
func BrokeWriting(err error) bool {
	e, ok := errors.AsType[*net.OpError](err)
	return errors.Is(err, syscall.EPIPE) || ok && e.Op == "write"
}

func clip(s string) string {
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
