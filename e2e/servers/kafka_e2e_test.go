//go:build e2e

package servers_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"ckafka-etl/e2e/servers"
)

func startKafka(t *testing.T, opts servers.KafkaOptions) *servers.Kafka {
	t.Helper()
	var k *servers.Kafka
	timed(t, "start", func() (err error) {
		k, err = servers.StartKafka(t.Context(), opts)
		return err
	})
	t.Cleanup(k.Close)
	t.Cleanup(func() { keepLogs(t, k.KeepLogs) })
	return k
}

func kafkaSelected(t *testing.T) bool {
	t.Helper()
	return slices.Contains(selected(t), servers.KindKafka)
}

func produce(ctx context.Context, t *testing.T, topic, value string, opts ...kgo.Opt) {
	t.Helper()
	client, err := kgo.NewClient(opts...)
	require.NoError(t, err)
	defer client.Close()
	require.NoError(t, client.ProduceSync(ctx, &kgo.Record{Topic: topic, Value: []byte(value)}).FirstErr())
}

// consume returns the values of the topic's first n records.
func consume(ctx context.Context, t *testing.T, topic string, n int, opts ...kgo.Opt) []string {
	t.Helper()
	opts = append(opts, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	client, err := kgo.NewClient(opts...)
	require.NoError(t, err)
	defer client.Close()
	var values []string
	for len(values) < n {
		fetches := client.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) { values = append(values, string(r.Value)) })
	}
	return values
}

func TestKafkaLifecycle(t *testing.T) {
	if !kafkaSelected(t) {
		return
	}
	ctx := t.Context()
	k := startKafka(t, servers.KafkaOptions{})
	seed := kgo.SeedBrokers(k.Brokers()...)
	timed(t, "create topic", func() error {
		return k.CreateTopic(ctx, "kept", 3, map[string]string{"max.message.bytes": "2000000"})
	})
	require.ErrorIs(t, k.CreateTopic(ctx, "kept", 3, nil), kerr.TopicAlreadyExists)
	require.ErrorIs(t, k.CreateTopic(ctx, "wrong", 1, map[string]string{"no.such.setting": "1"}), kerr.InvalidConfig)
	produce(ctx, t, "kept", "one", seed)
	timed(t, "restart", func() error { return k.Restart(ctx) })
	produce(ctx, t, "kept", "two", seed)
	k.Kill()
	timed(t, "start after kill", func() error { return k.Restart(ctx) })
	require.NoError(t, k.Pause())
	require.NoError(t, k.Resume())
	assert.ElementsMatch(t, []string{"one", "two"}, consume(ctx, t, "kept", 2, seed))

	client, err := kgo.NewClient(seed, kgo.AllowAutoTopicCreation(), kgo.UnknownTopicRetries(0))
	require.NoError(t, err)
	defer client.Close()
	err = client.ProduceSync(ctx, &kgo.Record{Topic: "unborn"}).FirstErr()
	require.ErrorIs(t, err, kerr.UnknownTopicOrPartition)
	timed(t, "stop", k.Stop)
}

func TestKafkaClusterSurvivesTheLossOfABroker(t *testing.T) {
	if !kafkaSelected(t) {
		return
	}
	ctx := t.Context()
	k := startKafka(t, servers.KafkaOptions{Brokers: 3})
	require.NoError(t, k.CreateTopic(ctx, "copied", 3, map[string]string{"min.insync.replicas": "2"}))
	seed := kgo.SeedBrokers(k.Brokers()...)
	produce(ctx, t, "copied", "before", seed)
	k.Nodes[0].Kill()
	produce(ctx, t, "copied", "during", seed)
	timed(t, "restart of one", func() error { return k.Nodes[0].Restart(ctx) })
	assert.ElementsMatch(t, []string{"before", "during"}, consume(ctx, t, "copied", 2, seed))
	timed(t, "stop", k.Stop)
	timed(t, "start again", func() error { return k.Restart(ctx) })
	assert.ElementsMatch(t, []string{"before", "during"}, consume(ctx, t, "copied", 2, seed))
}

func TestKafkaClustersAreApart(t *testing.T) {
	if !kafkaSelected(t) {
		return
	}
	ctx := t.Context()
	source, target := startKafka(t, servers.KafkaOptions{}), startKafka(t, servers.KafkaOptions{})
	require.NoError(t, source.CreateTopic(ctx, "same", 1, nil))
	require.NoError(t, target.CreateTopic(ctx, "same", 1, nil), "the other cluster has no such topic yet")
}

func TestKafkaSecureListener(t *testing.T) {
	if !kafkaSelected(t) {
		return
	}
	ctx := t.Context()
	ca, err := servers.NewCA("e2e")
	require.NoError(t, err)
	cert, err := ca.Issue("127.0.0.1")
	require.NoError(t, err)
	// CKafka's user names have the instance and a # in front.
	const user, password = "ckafka-1#alice", `p"a\ss=w:ord`
	k := startKafka(t, servers.KafkaOptions{Users: map[string]string{user: password}, Certificate: cert})
	require.NoError(t, k.CreateTopic(ctx, "secret", 1, nil))

	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(ca.PEM()))
	secure := []kgo.Opt{
		kgo.SeedBrokers(k.SecureBrokers()...),
		kgo.DialTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}),
	}
	scramAuth := scram.Auth{User: user, Pass: password}
	for _, mechanism := range []sasl.Mechanism{
		plain.Auth{User: user, Pass: password}.AsMechanism(),
		scramAuth.AsSha256Mechanism(),
		scramAuth.AsSha512Mechanism(),
	} {
		t.Run(mechanism.Name(), func(t *testing.T) {
			produce(t.Context(), t, "secret", mechanism.Name(), append(secure, kgo.SASL(mechanism))...)
		})
	}
	t.Run("wrong password", func(t *testing.T) {
		wrong := plain.Auth{User: user, Pass: "wrong"}.AsMechanism()
		client, err := kgo.NewClient(append(secure, kgo.SASL(wrong))...)
		require.NoError(t, err)
		defer client.Close()
		require.ErrorIs(t, client.Ping(t.Context()), kerr.SaslAuthenticationFailed)
	})
}

func TestKafkaBehindFaultProxy(t *testing.T) {
	if !kafkaSelected(t) {
		return
	}
	ctx := t.Context()
	k := startKafka(t, servers.KafkaOptions{Faults: true})
	require.NoError(t, k.CreateTopic(ctx, "faulty", 1, nil))
	seed := kgo.SeedBrokers(k.Brokers()...)
	faults := k.Nodes[0].Faults
	require.NoError(t, faults.Cut(0, 2))
	// The client waits so long between two looks at the metadata; default 5 s.
	soon := kgo.MetadataMinAge(50 * time.Millisecond)
	timed(t, "produce", func() error { produce(ctx, t, "faulty", "through", seed, soon); return nil })
	assert.Equal(t, 2, faults.Counts().Cut, "the client must come back after each cut, through the proxy")
	assert.Equal(t, []string{"through"}, consume(ctx, t, "faulty", 1, seed))
}

// Each version starts, keeps what it got when it is killed, and has a listener
// with TLS and users, where the version can do that (1.1.1 and older need more for it).
func TestKafkaVersions(t *testing.T) {
	chosen := selected(t)
	for _, kind := range servers.KafkaKinds() {
		if kind == servers.KindKafka || !slices.Contains(chosen, kind) {
			continue // all other tests are with this one
		}
		t.Run(string(kind), func(t *testing.T) {
			ctx := t.Context()
			opts := servers.KafkaOptions{Kind: kind}
			ca, err := servers.NewCA("e2e")
			require.NoError(t, err)
			if kind != servers.KindKafka0102 && kind != servers.KindKafka111 {
				opts.Users = map[string]string{"ckafka-1#alice": "S3CRET"}
				opts.Certificate, err = ca.Issue("127.0.0.1")
				require.NoError(t, err)
			}
			k := startKafka(t, opts)
			seed := kgo.SeedBrokers(k.Brokers()...)
			require.NoError(t, k.CreateTopic(ctx, "kept", 3, map[string]string{"max.message.bytes": "2000000"}))
			produce(ctx, t, "kept", "one", seed)
			k.Kill()
			timed(t, "start after kill", func() error { return k.Restart(ctx) })
			want := []string{"one"}
			if opts.Users != nil {
				roots := x509.NewCertPool()
				require.True(t, roots.AppendCertsFromPEM(ca.PEM()))
				auth := scram.Auth{User: "ckafka-1#alice", Pass: "S3CRET"}
				for _, m := range []sasl.Mechanism{plain.Auth{User: auth.User, Pass: auth.Pass}.AsMechanism(), auth.AsSha256Mechanism(), auth.AsSha512Mechanism()} {
					produce(ctx, t, "kept", m.Name(), kgo.SeedBrokers(k.SecureBrokers()...), kgo.SASL(m),
						kgo.DialTLSConfig(&tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}))
					want = append(want, m.Name())
				}
			}
			assert.ElementsMatch(t, want, consume(ctx, t, "kept", len(want), seed))
		})
	}
}
