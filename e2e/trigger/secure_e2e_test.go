//go:build e2e

package trigger

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/e2e/servers"
)

// Every way to log in, over TLS with an authority of our own, and the ways in
// which that fails. record reads with the same options as trigger.
func TestSecureSource(t *testing.T) {
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	if !slices.Contains(kinds, servers.KindKafka) {
		return
	}
	ctx := t.Context()
	require.NoError(t, servers.Require(ctx, servers.KindKafka))
	ca, err := servers.NewCA("e2e")
	require.NoError(t, err)
	cert, err := ca.Issue("127.0.0.1")
	require.NoError(t, err)
	const password = "S3CRET-kafka"
	k, err := servers.StartKafka(ctx, servers.KafkaOptions{Users: map[string]string{"reader": password}, Certificate: cert})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	require.NoError(t, k.CreateTopic(ctx, topic, 2, nil))
	producer, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
	require.NoError(t, err)
	t.Cleanup(producer.Close)
	require.NoError(t, producer.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(plain(1))}).FirstErr())

	caFile := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(caFile, ca.PEM(), 0o600))
	tool := buildTool(t)
	tests := []struct {
		name     string
		password string
		args     []string
		err      string // "" = it works
	}{
		{"plain", password, []string{"--mechanism", "PLAIN", "--tls", "--ca", caFile}, ""},
		{"scram 256", password, []string{"--mechanism", "SCRAM-SHA-256", "--tls", "--ca", caFile}, ""},
		{"scram 512", password, []string{"--mechanism", "SCRAM-SHA-512", "--tls", "--ca", caFile}, ""},
		{"wrong password", "S3CRET-wrong", []string{"--mechanism", "SCRAM-SHA-512", "--tls", "--ca", caFile}, "SASL_AUTHENTICATION_FAILED"},
		{"unknown authority", password, []string{"--tls"}, "certificate signed by unknown authority"},
		{"no tls", password, nil, "TLS"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "events")
			cmd := exec.CommandContext(ctx, tool, append([]string{
				"record", "--brokers", k.SecureBrokers()[0], "--topic", topic, "--out", out, "--user", "reader", "--password-env", "KAFKA_PASSWORD",
			}, tt.args...)...)
			cmd.Env = []string{"KAFKA_PASSWORD=" + tt.password}
			said, err := cmd.CombinedOutput()
			files, globErr := filepath.Glob(filepath.Join(out, "*.json"))
			require.NoError(t, globErr)
			assert.NotContains(t, string(said), "S3CRET")
			if tt.err != "" {
				require.Error(t, err)
				assert.Contains(t, string(said), tt.err)
				assert.Empty(t, files)
				return
			}
			require.NoError(t, err, "%s", said)
			assert.Len(t, files, 1)
		})
	}
}
