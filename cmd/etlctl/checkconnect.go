package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"ckafka-etl/record"
)

// connect reports whether a server (host:port) can be reached: its name is
// known and somebody listens. Variable is the one with the address.
func connect(ctx context.Context, r *checkReport, addr, variable string, timeout time.Duration) bool {
	const check = "connection"
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	begin := time.Now()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
	if err == nil {
		r.ok(check, "%s answers in %v", conn.RemoteAddr(), short(time.Since(begin)))
		_ = conn.Close()
		return true
	}
	_, unknown := errors.AsType[*net.DNSError](err)
	timedOut, _ := errors.AsType[net.Error](err)
	switch {
	case unknown:
		r.fail(check, "look at "+variable+"; the name may be known only within the function's VPC", "the name of %s cannot be resolved", addr)
	case errors.Is(err, syscall.ECONNREFUSED):
		r.fail(check, "look at the port in "+variable+" and at whether the server runs", "nothing listens at %s", addr)
	case timedOut != nil && timedOut.Timeout() || errors.Is(err, context.DeadlineExceeded):
		r.fail(check, "look at "+variable+", the security groups and the VPC: can this machine reach it at all?", "%s does not answer within %v", addr, timeout)
	default:
		r.fail(check, "look at "+variable+" and at the network", "%v", err)
	}
	return false
}

// certificates are what a server shows, looked at and not verified.
type certificates []*x509.Certificate

// showCertificate shakes hands and takes whatever certificate comes. Nothing is
// sent over the connection. Verifying is for the function's own client.
func showCertificate(ctx context.Context, addr string, timeout time.Duration) (certificates, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	dialer := tls.Dialer{Config: &tls.Config{
		MinVersion: tls.VersionTLS12, InsecureSkipVerify: true, //nolint:gosec // see above
	}}
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	c, ok := conn.(*tls.Conn)
	if !ok {
		return nil, errors.New("not a TLS connection")
	}
	return c.ConnectionState().PeerCertificates, nil
}

// String describes the server's own certificate in words.
func (c certificates) String() string {
	if len(c) == 0 {
		return "no certificate"
	}
	cert := c[0]
	issuer := "issued by " + nameOf(cert.Issuer.CommonName, cert.Issuer.String())
	if cert.Issuer.String() == cert.Subject.String() {
		issuer = "self-signed"
	}
	return fmt.Sprintf("%s, for %s, %s, %s", nameOf(cert.Subject.CommonName, cert.Subject.String()), hostsOf(cert), issuer, c.validity(time.Now()))
}

func nameOf(common, whole string) string {
	switch {
	case common != "":
		return common
	case whole != "":
		return whole
	}
	return "no name"
}

// hostsOf says which hosts the certificate is for.
func hostsOf(cert *x509.Certificate) string {
	hosts := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		hosts = append(hosts, ip.String())
	}
	const most = 5
	switch n := len(hosts); {
	case n == 0:
		return "no host"
	case n > most:
		return strings.Join(hosts[:most], " ") + fmt.Sprintf(" and %d more", n-most)
	}
	return strings.Join(hosts, " ")
}

const day = 24 * time.Hour

func (c certificates) validity(now time.Time) string {
	from, to := c[0].NotBefore, c[0].NotAfter
	switch left := to.Sub(now); {
	case now.Before(from):
		return "not valid before " + from.UTC().Format("2006-01-02 15:04 MST")
	case left < 0:
		return "expired on " + to.UTC().Format("2006-01-02 15:04 MST")
	case left < 2*day:
		return "valid until " + to.UTC().Format("2006-01-02 15:04 MST")
	default:
		return fmt.Sprintf("valid until %s (%d days)", to.UTC().Format("2006-01-02"), int(left/day))
	}
}

// endsSoon reports whether the certificate has less than a month left.
func (c certificates) endsSoon(now time.Time) bool {
	return len(c) > 0 && c[0].NotAfter.Sub(now) < 30*day
}

// fingerprint is that of the last certificate that the server sent, which is
// the authority's if it sent one.
func (c certificates) fingerprint() string {
	if len(c) == 0 {
		return ""
	}
	sum := sha256.Sum256(c[len(c)-1].Raw)
	return hex.EncodeToString(sum[:])
}

// trusted reports a certificate that the function's client trusts. err is set if
// it could not be looked at.
func (r *checkReport) trusted(shown certificates, err error) {
	const check = "certificate"
	switch {
	case err != nil:
		r.note(check, "trusted, but it was not shown a second time: %v", err)
	case shown.endsSoon(time.Now()):
		r.warn(check, "have it renewed; then the function must trust the new one", "trusted: %s", shown)
	default:
		r.ok(check, "trusted: %s", shown)
	}
}

// notTrusted says why a certificate is not trusted, and what it is.
func notTrusted(failure *record.Cause, shown certificates) string {
	reason := cmp.Or(failure.Safe, failure.Reason)
	if _, rest, ok := strings.Cut(reason, "x509: "); ok {
		reason = rest
	}
	return fmt.Sprintf("not trusted: %s; it is %s", reason, shown)
}

// trustHint adds the fingerprint that would make an Elasticsearch server's
// certificate trusted, where trust is what is missing.
func trustHint(hint string, shown certificates) string {
	const variable = "ES_CA_Fingerprint"
	if print := shown.fingerprint(); print != "" && strings.Contains(hint, variable) {
		hint += "; if this is your server: " + variable + "=" + print
	}
	return hint
}
