package brokers_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/internal/core/brokers"
)

func start(t *testing.T, opts ...kfake.Opt) *kgo.Client {
	t.Helper()
	c, err := kfake.NewCluster(append(opts, kfake.NumBrokers(1))...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	require.NoError(t, c.CreateTopic("compacted", 1, map[string]string{"cleanup.policy": "compact"}))
	require.NoError(t, c.CreateTopic("plain", 1, nil))
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

// What CKafka sells, by what the versions of Kafka answer.
func TestAbilities(t *testing.T) {
	t.Parallel()
	type abilities struct{ times, batches, ids, zstd, quiet, one bool }
	for name, x := range map[string]struct {
		versions *kversion.Versions
		want     abilities
	}{
		"0.9":    {kversion.V0_9_0(), abilities{}},
		"0.10.2": {kversion.V0_10_2(), abilities{times: true}},
		"0.11":   {kversion.V0_11_0(), abilities{times: true, batches: true, ids: true, quiet: true}},
		"1.1":    {kversion.V1_1_0(), abilities{times: true, batches: true, ids: true, quiet: true}},
		"2.4":    {kversion.V2_4_0(), abilities{times: true, batches: true, ids: true, zstd: true, quiet: true}},
		"2.8":    {kversion.V2_8_0(), abilities{times: true, batches: true, ids: true, zstd: true, quiet: true}},
		"3.0":    {kversion.V3_0_0(), abilities{true, true, true, true, true, true}},
		"4.1":    {kversion.V4_1_0(), abilities{true, true, true, true, true, true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := make(brokers.Abilities)
			x.versions.EachMaxKeyVersion(func(k, v int16) { a[k] = v })
			assert.Equal(t, x.want, abilities{a.Timestamps(), a.RecordBatches(), a.ProducerIDs(), a.Zstd(), a.QuietQuestions(), a.OneFormat()})
		})
	}
	var unknown brokers.Abilities
	assert.True(t, unknown.RecordBatches(), "who has told nothing is asked for all")
}

func TestAsk(t *testing.T) {
	t.Parallel()
	a, err := brokers.Ask(t.Context(), start(t, kfake.MaxVersions(kversion.V2_4_0())))
	require.NoError(t, err)
	assert.True(t, a.Zstd())
	assert.False(t, a.OneFormat())
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for format, headers := range map[brokers.Format]bool{
		"": true, "0.8.2": false, "0.9.0": false, "0.10": false, "0.10.0-IV1": false, "0.10.2-IV0": false,
		"0.11.0-IV2": true, "0.100": true, "1.1-IV0": true, "2.8-IV1": true, "3.0-IV1": true,
	} {
		assert.Equal(t, headers, format.Headers(), format)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	client := start(t)
	for topic, compacted := range map[string]bool{"compacted": true, "plain": false, "none": false} {
		s, err := brokers.AskSettings(t.Context(), client, topic)
		require.NoError(t, err)
		assert.Equal(t, compacted, s.Compacted, topic)
	}
}
