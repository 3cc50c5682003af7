//go:build e2e

package servers_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// backend answers every request with what came through the proxy.
func backend(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil || r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("X-Read", http.StatusText(http.StatusOK))
		_, _ = io.WriteString(w, strings.Repeat("x", int(n)))
	}))
	t.Cleanup(srv.Close)
	return strings.TrimPrefix(srv.URL, "http://")
}

func startTLSProxy(t *testing.T, opts servers.TLSProxyOptions) *servers.TLSProxy {
	t.Helper()
	var proxy *servers.TLSProxy
	timed(t, "start", func() (err error) {
		proxy, err = servers.StartTLSProxy(t.Context(), backend(t), opts)
		return err
	})
	t.Cleanup(proxy.Close)
	t.Cleanup(func() { keepLogs(t, proxy.KeepLogs) })
	return proxy
}

func trusting(t *testing.T, ca *servers.CA) *http.Client {
	t.Helper()
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(ca.PEM()))
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func post(t *testing.T, client *http.Client, url, authorization string, bytes int) (int, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(strings.Repeat("x", bytes)))
	require.NoError(t, err)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	require.NoError(t, err)
	if resp.StatusCode == http.StatusOK {
		assert.EqualValues(t, bytes, n)
	}
	return resp.StatusCode, nil
}

func newCA(t *testing.T) *servers.CA {
	t.Helper()
	ca, err := servers.NewCA("e2e")
	require.NoError(t, err)
	return ca
}

func TestTLSProxyCredentials(t *testing.T) {
	ca := newCA(t)
	cert, err := ca.Issue("127.0.0.1")
	require.NoError(t, err)
	basic := func(user, password string) string {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		req.SetBasicAuth(user, password)
		return req.Header.Get("Authorization")
	}
	users := servers.TLSProxyOptions{BasicAuth: map[string]string{"alice": "p:w#é", "bob": ""}}
	keys := servers.TLSProxyOptions{APIKeys: []string{"S2V5+/=="}}
	tests := map[string]struct {
		opts          servers.TLSProxyOptions
		authorization string
		want          int
	}{
		"open to all":         {servers.TLSProxyOptions{}, "", http.StatusOK},
		"right user":          {users, basic("alice", "p:w#é"), http.StatusOK},
		"wrong password":      {users, basic("alice", "p"), http.StatusUnauthorized},
		"unknown user":        {users, basic("eve", "p:w#é"), http.StatusUnauthorized},
		"no user":             {users, "", http.StatusUnauthorized},
		"right key":           {keys, "ApiKey S2V5+/==", http.StatusOK},
		"key in another case": {keys, "ApiKey s2V5+/==", http.StatusUnauthorized},
		"no key":              {keys, "", http.StatusUnauthorized},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			tt.opts.Certificate = cert
			proxy := startTLSProxy(t, tt.opts)
			status, err := post(t, trusting(t, ca), proxy.URL(), tt.authorization, 100)
			require.NoError(t, err)
			assert.Equal(t, tt.want, status)
		})
	}
}

func TestTLSProxyCertificates(t *testing.T) {
	ca, other := newCA(t), newCA(t)
	tests := map[string]struct {
		issue func() (*servers.Certificate, error)
		want  string
	}{
		"good":       {func() (*servers.Certificate, error) { return ca.Issue("127.0.0.1") }, ""},
		"expired":    {func() (*servers.Certificate, error) { return ca.IssueExpired("127.0.0.1") }, "has expired"},
		"other name": {func() (*servers.Certificate, error) { return ca.Issue("example.invalid") }, "doesn't contain any IP SANs"},
		"other CA":   {func() (*servers.Certificate, error) { return other.Issue("127.0.0.1") }, "unknown authority"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			cert, err := tt.issue()
			require.NoError(t, err)
			proxy := startTLSProxy(t, servers.TLSProxyOptions{Certificate: cert})
			status, err := post(t, trusting(t, ca), proxy.URL(), "", 1)
			if tt.want != "" {
				require.ErrorContains(t, err, tt.want)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, status)
		})
	}
}

func TestTLSProxyLifecycle(t *testing.T) {
	ca := newCA(t)
	cert, err := ca.Issue("127.0.0.1")
	require.NoError(t, err)
	proxy := startTLSProxy(t, servers.TLSProxyOptions{Certificate: cert})
	// More than nginx takes, and holds in memory, by default.
	status, err := post(t, trusting(t, ca), proxy.URL(), "", 6<<20)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)

	timed(t, "restart", func() error { return proxy.Restart(t.Context()) })
	status, err = post(t, trusting(t, ca), proxy.URL(), "", 1)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)

	timed(t, "stop", proxy.Stop)
	_, err = post(t, trusting(t, ca), proxy.URL(), "", 1)
	require.ErrorContains(t, err, "connection refused")
}
