package config

import (
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCACert(t *testing.T) {
	valid, key := newCert(t, now().AddDate(1, 0, 0))
	expired, _ := newCert(t, now().AddDate(0, 0, -1))
	broken := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no certificate")})
	files := map[string][]byte{
		"/ca.pem": join(valid, expired), "broken.pem": broken, "empty.pem": nil,
		"ca.der": []byte("\x30\x82"), "key.pem": key,
	}
	tests := []struct {
		name, value string
		want        []byte
		warnings    []string // after the variable's name
		problem     string
	}{
		{name: "text", value: string(valid), want: valid},
		{name: "text with escaped line ends", value: strings.ReplaceAll(string(valid), "\n", `\n`), want: valid},
		{name: "text with escaped line ends of windows", value: strings.ReplaceAll(string(valid), "\n", `\r\n`), want: valid},
		{name: "text with spaces for line ends", value: strings.ReplaceAll(string(join(valid, valid)), "\n", " "), want: join(valid, valid)},
		{name: "text with a heading", value: "subject=CN = test\n" + string(valid), want: valid},
		{name: "file", value: "/ca.pem", want: join(valid, expired), warnings: []string{"certificate 2 expired on 2026-02-28"}},
		{name: "expired", value: string(expired), want: expired, warnings: []string{"certificate 1 expired on 2026-02-28"}},
		{name: "one of two broken", value: string(join(broken, valid)), want: valid, warnings: []string{"certificate 1 cannot be read, and is ignored"}},
		{name: "private key beside it", value: string(join(key, valid)), want: valid, warnings: []string{"block 1 is no certificate, and ignored; if it is a private key, it should not be here"}},
		{name: "only a private key", value: string(key), problem: "the text holds no certificate that can be read"},
		{name: "broken text", value: "-----BEGIN CERTIFICATE-----", problem: "the text holds no certificate that can be read"},
		{name: "broken file", value: "broken.pem", problem: `file "broken.pem" holds no certificate that can be read`},
		{name: "empty file", value: "empty.pem", problem: `file "empty.pem" holds no certificate`},
		{name: "binary file", value: "ca.der", problem: `file "ca.der" holds no certificate`},
		{name: "no such file", value: "ca.pem", problem: `file "ca.pem" cannot be read: file does not exist; allowed: PEM text`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, sink := range []struct {
				variable string
				env      []string
				get      func(*Config) []byte
			}{
				{"ES_CA_Cert", httpsOn, func(c *Config) []byte { return c.ES.CACert }},
				{"kafka_ca_cert", with(kafkaOn, "kafka_tls=true"), func(c *Config) []byte { return c.Kafka.CACert }},
			} {
				cfg, err := load(with(sink.env, sink.variable+"="+tt.value), files)
				if tt.problem != "" {
					var e *Error
					require.ErrorAs(t, err, &e)
					require.Len(t, e.Problems, 1)
					assert.Equal(t, sink.variable, e.Problems[0].Variable)
					assert.Contains(t, e.Problems[0].Text, tt.problem)
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, string(tt.want), string(sink.get(cfg)))
				var warnings []string
				for _, w := range tt.warnings {
					warnings = append(warnings, sink.variable+": "+w)
				}
				assert.Equal(t, warnings, cfg.Warnings)
			}
		})
	}
}

func TestCACertContradictions(t *testing.T) {
	valid, _ := newCert(t, now().AddDate(1, 0, 0))
	text := "_cert=" + string(valid)
	tests := []struct {
		name string
		env  []string
		want string
	}{
		{"without https", with(esOn, "ES_CA_Cert="+string(valid)), "ES_CA_Cert: has no effect, because no address in ES_Address"},
		{"insecure", with(httpsOn, "ES_Insecure=true", "ES_CA_Cert="+string(valid)), "ES_Insecure: is true, so that ES_CA_Cert"},
		{"kafka without TLS", with(kafkaOn, "kafka_ca"+text), "kafka_ca_cert: has no effect without kafka_tls=true"},
		{"kafka with TLS off", with(kafkaOn, "kafka_tls=off", "kafka_ca"+text), "kafka_ca_cert: has no effect without kafka_tls=true"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := problemsOf(t, tt.env)
			require.Len(t, e.Problems, 1)
			assert.Contains(t, e.Problems[0].Variable+": "+e.Problems[0].Text, tt.want)
		})
	}
}

func TestCACertFromDisk(t *testing.T) {
	valid, _ := newCert(t, now().AddDate(100, 0, 0))
	dir := t.TempDir()
	small, large := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "large.pem")
	require.NoError(t, os.WriteFile(small, valid, 0o600))
	require.NoError(t, os.WriteFile(large, make([]byte, maxCertFile+1), 0o600))

	cfg, err := Load(with(httpsOn, "ES_CA_Cert="+small))
	require.NoError(t, err)
	assert.Equal(t, string(valid), string(cfg.ES.CACert))
	assert.Empty(t, cfg.Warnings)

	_, err = Load(with(httpsOn, "ES_CA_Cert="+large))
	require.ErrorContains(t, err, "larger than 1 MiB")
	_, err = Load(with(httpsOn, "ES_CA_Cert="+filepath.Join(dir, "none.pem")))
	require.ErrorContains(t, err, "cannot be read: no such file or directory")
}

func TestCACertReadError(t *testing.T) {
	_, err := Loader{ReadFile: func(string) ([]byte, error) { return nil, errors.New("disk on fire") }}.Load(with(httpsOn, "ES_CA_Cert=x"))
	assert.ErrorContains(t, err, `file "x" cannot be read: disk on fire`)
}
