package config

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io/fs"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// now is the time in every test.
func now() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }

// What turns the sinks on, for tests that are about something else.
var (
	esOn    = []string{"ES_Address=es", "ES_Index_KeyWord=log"}
	kafkaOn = []string{"kafka_address=k", "kafka_topic_name=t"}
	bothOn  = slices.Concat(esOn, kafkaOn)
	httpsOn = []string{"ES_Address=https://es", "ES_Index_KeyWord=log"}
)

func with(base []string, more ...string) []string { return slices.Concat(base, more) }

// load loads an environment with the certificate files given, and no others.
func load(environ []string, files map[string][]byte) (*Config, error) {
	return Loader{
		ReadFile: func(path string) ([]byte, error) {
			if data, ok := files[path]; ok {
				return data, nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
		Now: now,
	}.Load(environ)
}

// mustLoad loads an environment in which nothing may be wrong.
func mustLoad(t *testing.T, environ []string) *Config {
	t.Helper()
	cfg, err := load(environ, nil)
	require.NoError(t, err)
	return cfg
}

// problemsOf loads an environment in which something must be wrong.
func problemsOf(t *testing.T, environ []string) *Error {
	t.Helper()
	cfg, err := load(environ, nil)
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Nil(t, cfg)
	require.NotEmpty(t, e.Problems)
	return e
}

// newCert returns a certificate that ends at the given time, and its key, as PEM.
func newCert(t *testing.T, ends time.Time) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    ends.AddDate(-1, 0, 0),
		NotAfter:     ends,
		IsCA:         true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	require.NoError(t, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	require.NoError(t, err)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
