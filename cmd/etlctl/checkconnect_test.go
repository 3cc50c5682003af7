package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/standin"
)

// selfSigned makes a certificate for 127.0.0.1 and the given hosts.
func selfSigned(t *testing.T, from, to time.Time, hosts ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "etlctl test"}, NotBefore: from, NotAfter: to,
		DNSNames: hosts, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

// authority makes a certificate that is good for a year, and it as PEM.
func authority(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	pair := selfSigned(t, time.Now().Add(-day), time.Now().Add(365*day))
	return pair, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: pair.Certificate[0]}))
}

func TestCheckElasticsearchTLS(t *testing.T) {
	pair, pool := authority(t)
	s := standin.New()
	l, err := s.StartTLS(pair)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	sum := sha256.Sum256(pair.Certificate[0])
	print := hex.EncodeToString(sum[:])
	for _, c := range []struct {
		name string
		env  []string
		code int
		want []string
	}{
		{"trusted", []string{"ES_CA_Cert=" + pool}, exitOK, []string{
			"✓ certificate   trusted: etlctl test, for 127.0.0.1, self-signed, valid until ", "✓ clean-up",
		}},
		{"by its fingerprint", []string{"ES_CA_Fingerprint=" + print}, exitOK, []string{"✓ certificate   trusted: ", "✓ clean-up"}},
		{"not verified", []string{"ES_Insecure=yes"}, exitOK, []string{"! certificate   not verified: etlctl test, for 127.0.0.1, self-signed"}},
		{"unknown", nil, exitFailure, []string{
			"✗ certificate   not trusted: certificate signed by unknown authority; it is etlctl test",
			"→ look at ES_CA_Cert or ES_CA_Fingerprint; if this is your server: ES_CA_Fingerprint=" + print,
		}},
		{"another fingerprint", []string{"ES_CA_Fingerprint=" + hex.EncodeToString(make([]byte, 32))}, exitFailure, []string{
			"✗ certificate   not trusted: ", "look at ES_CA_Fingerprint; if this is your server: ES_CA_Fingerprint=" + print,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, _, code := runTool(t, append(c.env, "ES_Address="+l.URL(), "ES_Index_KeyWord=log"), "check")
			assert.Equal(t, c.code, code)
			for _, want := range c.want {
				assert.Contains(t, out, want)
			}
		})
	}

	plain, err := s.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, plain.Close()) })
	out, _, code := runTool(t, []string{"ES_Address=https" + plain.URL()[len("http"):], "ES_Index_KeyWord=log"}, "check")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, out, "✗ certificate   no TLS connection: the server does not speak TLS\n")
	assert.Contains(t, out, "→ look at ES_Address: is it http?")
}

func TestCertificates(t *testing.T) {
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name     string
		from, to time.Time
		want     string
		soon     bool
	}{
		{"good", now.Add(-day), now.Add(400 * day), "valid until 2027-12-29 (400 days)", false},
		{"ends soon", now.Add(-day), now.Add(29 * day), "valid until 2026-12-23 (29 days)", true},
		{"ends today", now.Add(-day), now.Add(time.Hour), "valid until 2026-11-24 09:00 UTC", true},
		{"expired", now.Add(-9 * day), now.Add(-time.Hour), "expired on 2026-11-24 07:00 UTC", true},
		{"not yet", now.Add(time.Hour), now.Add(400 * day), "not valid before 2026-11-24 09:00 UTC", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := certificates{selfSigned(t, c.from, c.to).Leaf}
			assert.Equal(t, c.want, list.validity(now))
			assert.Equal(t, c.soon, list.endsSoon(now))
		})
	}
	many := certificates{selfSigned(t, now, now, "a", "b", "c", "d", "e", "f").Leaf}
	assert.Contains(t, many.String(), "for a b c d e and 2 more")
	assert.Equal(t, "no certificate", certificates(nil).String())
	assert.Empty(t, certificates(nil).fingerprint())
}
