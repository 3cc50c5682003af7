package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
)

// maxCertFile bounds what is read from a certificate file. The system's whole
// list of authorities has about 200 KiB.
const maxCertFile = 1 << 20

const (
	pemBegin = "-----BEGIN CERTIFICATE-----"
	pemEnd   = "-----END CERTIFICATE-----"
)

// caCert returns the certificates that a variable holds or whose file it
// names, as PEM without anything else, or nil.
func (r *reader) caCert(name string) []byte {
	value := r.env[name]
	if value == "" {
		return nil
	}
	from := "the text"
	var data []byte
	if strings.Contains(value, "-----BEGIN ") {
		// Consoles and YAML turn line ends into \n or spaces. Spaces within the
		// base64 text do no harm.
		data = []byte(strings.NewReplacer(`\r`, "", `\n`, "\n", pemBegin, "\n"+pemBegin+"\n", pemEnd, "\n"+pemEnd+"\n").Replace(value))
	} else {
		from = "file " + quote(value)
		var err error
		if data, err = r.ReadFile(value); err != nil {
			if pathErr, ok := errors.AsType[*fs.PathError](err); ok {
				err = pathErr.Err
			}
			r.problem(name, from+" cannot be read: "+err.Error()+"; allowed: "+allowedCert)
			return nil
		}
	}
	certs := r.certificates(name, data)
	if certs == nil {
		r.problem(name, from+" holds no certificate that can be read; allowed: "+allowedCert)
	}
	return certs
}

// certificates returns the certificates in data that can be parsed, as PEM.
func (r *reader) certificates(name string, data []byte) []byte {
	var certs []byte
	for n := 1; ; n++ {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			return certs
		}
		which := "certificate " + strconv.Itoa(n)
		if block.Type != "CERTIFICATE" {
			r.warn(name, "block "+strconv.Itoa(n)+" is no certificate, and ignored; if it is a private key, it should not be here")
			continue
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			r.warn(name, which+" cannot be read, and is ignored")
			continue
		}
		if r.Now().After(cert.NotAfter) {
			r.warn(name, which+" expired on "+cert.NotAfter.UTC().Format(time.DateOnly))
		}
		certs = append(certs, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})...)
	}
}

func readSmallFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := io.ReadAll(io.LimitReader(f, maxCertFile+1))
	if err == nil && len(data) > maxCertFile {
		err = errors.New("larger than 1 MiB")
	}
	return data, err
}
