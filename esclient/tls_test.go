package esclient

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// certificate is one of a chain made for a test.
type certificate struct {
	der []byte
	key *ecdsa.PrivateKey
	x   *x509.Certificate
}

func (c certificate) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.der})
}

func (c certificate) print() []byte { s := sha256.Sum256(c.der); return s[:] }

// issue makes a certificate, signed by parent or by itself.
func issue(t *testing.T, parent *certificate, change func(*x509.Certificate)) certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	require.NoError(t, err)
	x := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "test " + serial.String()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
	}
	change(x)
	by, signer := x, key
	if parent != nil {
		by, signer = parent.x, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, x, by, &key.PublicKey, signer)
	require.NoError(t, err)
	parsed, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return certificate{der, key, parsed}
}

func authority(x *x509.Certificate) { x.IsCA, x.KeyUsage = true, x509.KeyUsageCertSign }
func loopback(x *x509.Certificate)  { x.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)} }
func elsewhere(x *x509.Certificate) { x.DNSNames = []string{"elsewhere.example"} }
func expired(x *x509.Certificate)   { loopback(x); x.NotAfter = time.Now().Add(-time.Minute) }

// serve answers every bulk with one stored item, over TLS with a chain.
func serve(t *testing.T, chain ...certificate) *url.URL {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, id, _ := strings.Cut(string(body), `"_id":"`)
		id, _, _ = strings.Cut(id, `"`)
		_, _ = io.WriteString(w, `{"items":[{"create":{"_id":"`+id+`","status":201}}]}`)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	if chain != nil {
		c := tls.Certificate{PrivateKey: chain[0].key}
		for _, link := range chain {
			c.Certificate = append(c.Certificate, link.der)
		}
		s.TLS = &tls.Config{Certificates: []tls.Certificate{c}, MinVersion: tls.VersionTLS12}
		s.StartTLS()
	} else {
		s.Start()
	}
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	require.NoError(t, err)
	return u
}

func TestCertificates(t *testing.T) {
	ca := issue(t, nil, authority)
	other := issue(t, nil, authority)
	server := issue(t, &ca, loopback)
	old := issue(t, &ca, expired)
	foreign := issue(t, &ca, elsewhere)
	alone := issue(t, nil, loopback)
	aloneElsewhere := issue(t, nil, elsewhere)

	for _, c := range []struct {
		name  string
		chain []certificate
		set   func(*config.Elasticsearch)
		hint  string // "" = it works
	}{
		{"authority as text", []certificate{server}, func(c *config.Elasticsearch) { c.CACert = ca.pem() }, ""},
		{"wrong authority", []certificate{server}, func(c *config.Elasticsearch) { c.CACert = other.pem() }, "ES_CA_Cert"},
		{"system roots do not know it", []certificate{server}, func(*config.Elasticsearch) {}, "ES_CA_Cert"},
		{"expired", []certificate{old}, func(c *config.Elasticsearch) { c.CACert = ca.pem() }, "expired"},
		{"another name", []certificate{foreign}, func(c *config.Elasticsearch) { c.CACert = ca.pem() }, "another name"},
		{"fingerprint of the authority", []certificate{server, ca}, func(c *config.Elasticsearch) { c.CAFingerprint = ca.print() }, ""},
		{"fingerprint of the server", []certificate{server}, func(c *config.Elasticsearch) { c.CAFingerprint = server.print() }, ""},
		{"fingerprint of a server alone, by another name", []certificate{aloneElsewhere}, func(c *config.Elasticsearch) { c.CAFingerprint = aloneElsewhere.print() }, ""},
		{"fingerprint of another", []certificate{alone}, func(c *config.Elasticsearch) { c.CAFingerprint = other.print() }, "ES_CA_Fingerprint"},
		{"fingerprint of an authority that is shown but did not sign", []certificate{alone, ca}, func(c *config.Elasticsearch) { c.CAFingerprint = ca.print() }, "ES_CA_"},
		{"fingerprint of the authority, server expired", []certificate{old, ca}, func(c *config.Elasticsearch) { c.CAFingerprint = ca.print() }, "expired"},
		{"fingerprint of the authority, another name", []certificate{foreign, ca}, func(c *config.Elasticsearch) { c.CAFingerprint = ca.print() }, "another name"},
		{"insecure", []certificate{old}, func(c *config.Elasticsearch) { c.Insecure = true }, ""},
		{"https to a server without TLS", nil, func(*config.Elasticsearch) {}, "is it http?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := serve(t, c.chain...)
			u.Scheme = "https"
			cfg := config.Elasticsearch{
				Addresses: []config.Address{{URL: u}}, Keyword: "k", BulkBytes: 5 << 20, BulkConcurrency: 2, RequestTimeout: 10 * time.Second,
			}
			c.set(&cfg)
			requireOutcome(t, cfg, c.hint)
		})
	}
	t.Run("http to a server with TLS", func(t *testing.T) {
		u := serve(t, server)
		u.Scheme = "http"
		requireOutcome(t, config.Elasticsearch{
			Addresses: []config.Address{{URL: u}}, Keyword: "k", BulkBytes: 5 << 20, BulkConcurrency: 2, RequestTimeout: 10 * time.Second,
		}, "is it https?")
	})
}

// requireOutcome writes one record, and wants it stored, or unsettled with a
// cause that holds hint and that no retry was spent on.
func requireOutcome(t *testing.T, cfg config.Elasticsearch, hint string) {
	t.Helper()
	program, err := transform.New(transform.Options{IndexPrefix: "k"})
	require.NoError(t, err)
	c, err := New(Config{Elasticsearch: cfg, Program: program})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	recs := []record.Record{{Topic: "t", Body: []byte(`{"a":1}`), Batch: &record.Batch{Arrival: time.Now()}}}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	results, stats := c.Write(ctx, record.Delivery{Records: recs})
	require.Len(t, results, 1)
	if hint == "" {
		require.NotEqual(t, record.Unsettled, results[0].Outcome, "%+v", results[0].Cause)
		return
	}
	require.Equal(t, record.Unsettled, results[0].Outcome)
	require.Contains(t, results[0].Cause.Text(), hint)
	require.True(t, results[0].Cause.Permanent)
	require.Equal(t, 1, stats.Requests, "no retry helps against a certificate")
}
