package servers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// CA is a certificate authority of its own. For a server that clients must
// not trust, take a certificate from a second CA.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Certificate is a server's certificate and its key, both PEM; Cert has the
// CA's certificate behind the server's.
type Certificate struct{ Cert, Key []byte }

// NewCA makes a CA that is valid for a day. Two CAs with the same name are
// still two.
func NewCA(name string) (*CA, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(name, time.Now())
	if err != nil {
		return nil, err
	}
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &CA{cert: cert, key: key}, nil
}

// PEM returns the CA's certificate, for clients that shall trust it.
func (ca *CA) PEM() []byte { return pemBlock("CERTIFICATE", ca.cert.Raw) }

// Fingerprint returns the SHA-256 of the CA's certificate, in lower-case hex.
func (ca *CA) Fingerprint() string {
	sum := sha256.Sum256(ca.cert.Raw)
	return hex.EncodeToString(sum[:])
}

// Issue makes a certificate for a server with these names or IP addresses,
// valid from an hour ago until tomorrow. For one with the wrong name, name
// another host.
func (ca *CA) Issue(hosts ...string) (*Certificate, error) { return ca.issue(time.Now(), hosts) }

// IssueExpired makes a certificate that ran out a day ago.
func (ca *CA) IssueExpired(hosts ...string) (*Certificate, error) {
	return ca.issue(time.Now().Add(-2*validity), hosts)
}

func (ca *CA) issue(now time.Time, hosts []string) (*Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate("server", now)
	if err != nil {
		return nil, err
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return nil, err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return &Certificate{
		Cert: append(pemBlock("CERTIFICATE", der), ca.PEM()...),
		Key:  pemBlock("PRIVATE KEY", pkcs8),
	}, nil
}

const validity = 24 * time.Hour

func newTemplate(name string, now time.Time) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(validity),
	}, nil
}

func pemBlock(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
