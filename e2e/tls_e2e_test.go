//go:build e2e

package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/platform"
)

// tlsTests have nginx in front of the server.
var tlsTests = []test{{"tls and credentials", tlsAndCredentials}, {"two addresses", twoAddresses}}

// guarded are servers behind TLS and credentials.
type guarded struct {
	ca, foreign            *servers.CA
	cert                   *servers.Certificate
	basic, keyed           *servers.TLSProxy // with a certificate that is right
	expired, other, second *servers.TLSProxy // as their names say; second is another basic
	user, password, apiKey string
}

func (s *suite) guard(t *testing.T) *guarded {
	t.Helper()
	g := &guarded{user: "writer", apiKey: s.secrets.add("key")}
	g.password = s.secrets.addLogin(g.user)
	var err error
	g.ca, err = servers.NewCA("e2e")
	require.NoError(t, err)
	g.foreign, err = servers.NewCA("e2e") // the same name, another key
	require.NoError(t, err)
	g.cert, err = g.ca.Issue("127.0.0.1")
	require.NoError(t, err)
	expired, err := g.ca.IssueExpired("127.0.0.1")
	require.NoError(t, err)
	other, err := g.ca.Issue("elasticsearch.example")
	require.NoError(t, err)
	login := map[string]string{g.user: g.password}
	start := func(opts servers.TLSProxyOptions) *servers.TLSProxy {
		p, err := servers.StartTLSProxy(within(t), s.es.Addr(), opts)
		require.NoError(t, err)
		t.Cleanup(p.Close)
		keepLogs(t, p.KeepLogs)
		return p
	}
	g.basic = start(servers.TLSProxyOptions{Certificate: g.cert, BasicAuth: login})
	g.second = start(servers.TLSProxyOptions{Certificate: g.cert, BasicAuth: login})
	g.keyed = start(servers.TLSProxyOptions{Certificate: g.cert, APIKeys: []string{g.apiKey}})
	g.expired = start(servers.TLSProxyOptions{Certificate: expired, BasicAuth: login})
	g.other = start(servers.TLSProxyOptions{Certificate: other, BasicAuth: login})
	return g
}

// fingerprint is the SHA-256 of a certificate as openssl prints it.
func fingerprint(t *testing.T, cert *servers.Certificate) string {
	t.Helper()
	block, _ := pem.Decode(cert.Cert)
	require.NotNil(t, block)
	sum := sha256.Sum256(block.Bytes)
	var b strings.Builder
	for i, c := range sum {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(strings.ToUpper(hex.EncodeToString([]byte{c})))
	}
	return b.String()
}

func tlsAndCredentials(t *testing.T, s *suite) {
	g := s.guard(t)
	caText, caPath := string(g.ca.PEM()), filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(caPath, g.ca.PEM(), 0o600))
	login := []string{"ES_User", g.user, "ES_Password", g.password}
	wrongPassword, wrongKey := s.secrets.addLogin(g.user), s.secrets.add("wrong")
	inURL := func(password string) string { return "https://" + g.user + ":" + password + "@" + g.basic.Addr() }

	for _, c := range []struct {
		name    string
		address string
		pairs   []string
		says    []string // nil: it works
	}{
		{"authority as text", g.basic.URL(), append([]string{"ES_CA_Cert", caText}, login...), nil},
		{"authority as a file", g.basic.URL(), append([]string{"ES_CA_Cert", caPath}, login...), nil},
		{"fingerprint of the authority", g.basic.URL(), append([]string{"ES_CA_Fingerprint", g.ca.Fingerprint()}, login...), nil},
		{"fingerprint of the server", g.basic.URL(), append([]string{"ES_CA_Fingerprint", fingerprint(t, g.cert)}, login...), nil},
		{"api key", g.keyed.URL(), []string{"ES_CA_Cert", caText, "ES_ApiKey", g.apiKey}, nil},
		{"user in the address", inURL(g.password), []string{"ES_CA_Cert", caText}, nil},
		{"insecure, expired", g.expired.URL(), append([]string{"ES_Insecure", "true"}, login...), nil},
		{"insecure, another name", g.other.URL(), append([]string{"ES_Insecure", "true"}, login...), nil},

		{"unknown authority", g.basic.URL(), login, []string{"certificate_not_trusted", "ES_CA_Cert"}},
		{"wrong authority", g.basic.URL(), append([]string{"ES_CA_Cert", string(g.foreign.PEM())}, login...), []string{"certificate_not_trusted", "ES_CA_Cert"}},
		{"wrong fingerprint", g.basic.URL(), append([]string{"ES_CA_Fingerprint", g.foreign.Fingerprint()}, login...), []string{"certificate_not_trusted", "ES_CA_Fingerprint"}},
		{"expired", g.expired.URL(), append([]string{"ES_CA_Cert", caText}, login...), []string{"certificate_not_trusted", "expired"}},
		{"expired, by fingerprint", g.expired.URL(), append([]string{"ES_CA_Fingerprint", g.ca.Fingerprint()}, login...), []string{"certificate_not_trusted", "expired"}},
		{"another name", g.other.URL(), append([]string{"ES_CA_Cert", caText}, login...), []string{"certificate_not_trusted", "ES_Address"}},
		{"wrong password", g.basic.URL(), []string{"ES_CA_Cert", caText, "ES_User", g.user, "ES_Password", wrongPassword}, []string{"HTTP 401", "ES_Password"}},
		{"wrong password in the address", inURL(wrongPassword), []string{"ES_CA_Cert", caText}, []string{"HTTP 401", "ES_Password"}},
		{"no credentials", g.basic.URL(), []string{"ES_CA_Cert", caText}, []string{"HTTP 401", "ES_User"}},
		{"wrong api key", g.keyed.URL(), []string{"ES_CA_Cert", caText, "ES_ApiKey", wrongKey}, []string{"HTTP 401", "ES_ApiKey"}},
		{"http to a server with TLS", "http://" + g.basic.Addr(), login, []string{"ES_Address", "https"}},
		{"https to a server without", "https://" + s.es.Addr(), []string{"ES_CA_Cert", caText}, []string{"ES_Address", "http"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := s.vars(t, s.es).with("ES_Address", c.address).with(c.pairs...)
			f := s.start(t, env)
			payload := eventOf(numberedTo(10)...)
			if c.says == nil {
				assert.Equal(t, counts{Records: 10, Stored: 10}, f.settle(t, payload).counts)
				if env["ES_Insecure"] != "" {
					assert.Contains(t, f.said.String(), "ES_Insecure: ", "it is warned of")
				}
				there := read(t, s.es, env)
				there.mustHoldAll(t, want(t, env, payload)...)
				return
			}
			out := f.refuse(t, payload, c.says...)
			assert.Equal(t, counts{Records: 10, Unsettled: 10}, out.counts)
			assert.Less(t, out.took, 10*time.Second, "no retry can help")
			assert.Zero(t, out.retries)
			there := read(t, s.es, env)
			assert.Empty(t, there.docs)
		})
	}
}

// Two addresses, of which first none is dead, then one, then both, and then
// the first is back: for one process.
func twoAddresses(t *testing.T, s *suite) {
	g := s.guard(t)
	env := s.vars(t, s.es).with("ES_Address", g.basic.URL()+","+g.second.URL(), "ES_CA_Cert", string(g.ca.PEM()),
		"ES_User", g.user, "ES_Password", g.password)
	const timeout = 5 * time.Second
	f := s.startAs(t, platform.Function{Env: env, Timeout: timeout})
	var records []wanted
	next := 0
	event := func() []byte {
		bodies := make([]string, 10)
		for i := range bodies {
			bodies[i] = numbered(next)
			next++
		}
		payload := eventOf(bodies...)
		records = append(records, want(t, env, payload)...)
		return payload
	}
	settles := func() {
		t.Helper()
		for range 3 { // whoever's turn it is
			// A server that takes its time over a new index outlasts the share of
			// the time that an address gets: then the other one says duplicate.
			assert.Equal(t, 10, f.settle(t, event()).present())
		}
	}
	settles()
	require.NoError(t, g.basic.Stop())
	settles()
	require.NoError(t, g.second.Stop())
	last := event()
	out := f.refuse(t, last, "nothing listens there", "ES_Address")
	assert.Positive(t, out.retries)
	assert.Less(t, out.took, timeout)
	require.NoError(t, g.basic.Restart(within(t)))
	assert.Equal(t, counts{Records: 10, Stored: 10}, f.settle(t, last).counts)
	settles()
	there := read(t, s.es, env)
	there.mustHoldAll(t, records...)
}
