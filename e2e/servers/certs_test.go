package servers

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCertificates(t *testing.T) {
	ca, err := NewCA("one")
	require.NoError(t, err)
	other, err := NewCA("one")
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(ca.PEM()))

	block, _ := pem.Decode(ca.PEM())
	sum := sha256.Sum256(block.Bytes)
	assert.Equal(t, hex.EncodeToString(sum[:]), ca.Fingerprint())

	good := func() (*Certificate, error) { return ca.Issue("127.0.0.1", "es.example") }
	tests := map[string]struct {
		issue func() (*Certificate, error)
		host  string
		want  any // nil, or a pointer to the error that the verification must fail with
	}{
		"good, by address": {good, "127.0.0.1", nil},
		"good, by name":    {good, "es.example", nil},
		"other name":       {good, "other.example", &x509.HostnameError{}},
		"other address":    {good, "127.0.0.2", &x509.HostnameError{}},
		"expired":          {func() (*Certificate, error) { return ca.IssueExpired("127.0.0.1") }, "127.0.0.1", &x509.CertificateInvalidError{}},
		"other CA":         {func() (*Certificate, error) { return other.Issue("127.0.0.1") }, "127.0.0.1", &x509.UnknownAuthorityError{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cert, err := tt.issue()
			require.NoError(t, err)
			pair, err := tls.X509KeyPair(cert.Cert, cert.Key)
			require.NoError(t, err, "certificate and key must belong together")
			require.Len(t, pair.Certificate, 2, "the CA's certificate comes along")
			_, err = pair.Leaf.Verify(x509.VerifyOptions{
				DNSName: tt.host, Roots: roots, CurrentTime: time.Now(),
				KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
			})
			if tt.want == nil {
				require.NoError(t, err)
				return
			}
			require.ErrorAs(t, err, tt.want)
			if invalid, ok := tt.want.(*x509.CertificateInvalidError); ok {
				assert.Equal(t, x509.Expired, invalid.Reason)
			}
		})
	}
}
