package servers

import (
	"crypto/sha1"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTLSProxyOptionsAreChecked(t *testing.T) {
	cert := &Certificate{}
	tests := map[string]struct {
		opts TLSProxyOptions
		want string
	}{
		"no certificate": {TLSProxyOptions{}, "needs a certificate"},
		"users and keys": {TLSProxyOptions{Certificate: cert, BasicAuth: map[string]string{"a": "b"}, APIKeys: []string{"c"}}, "not for both"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := StartTLSProxy(t.Context(), "127.0.0.1:9200", tt.opts)
			require.ErrorContains(t, err, tt.want)
		})
	}
	require.ErrorContains(t, writeNginxFiles(t.TempDir(), "127.0.0.1:1", "http://127.0.0.1:9200", TLSProxyOptions{Certificate: cert}), "host:port")
}

func TestHtpasswd(t *testing.T) {
	file, err := htpasswd(map[string]string{"bob": "", "alice": "p:w"})
	require.NoError(t, err)
	lines := strings.Split(string(file), "\n")
	require.Len(t, lines, 3)
	for i, want := range []struct{ user, password string }{{"alice", "p:w"}, {"bob", ""}} {
		user, hash, ok := strings.Cut(lines[i], ":{SSHA}")
		require.True(t, ok)
		assert.Equal(t, want.user, user)
		raw, err := base64.StdEncoding.DecodeString(hash)
		require.NoError(t, err)
		sum := sha1.Sum(append([]byte(want.password), raw[sha1.Size:]...))
		assert.Equal(t, sum[:], raw[:sha1.Size])
	}
	for name, user := range map[string]string{"empty": "", "colon": "a:b", "line break": "a\nb"} {
		t.Run(name, func(t *testing.T) {
			_, err := htpasswd(map[string]string{user: "x"})
			require.ErrorContains(t, err, "user name")
		})
	}
}
