//go:build e2e

package kafka

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/e2e/servers"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// What somebody has to change, in the words of the real broker.
func TestRefusals(t *testing.T) {
	if !selected(t) {
		return
	}
	ca, err := servers.NewCA("e2e")
	require.NoError(t, err)
	cert, err := ca.Issue("127.0.0.1")
	require.NoError(t, err)
	const user, password = "ckafka-1#alice", `p"a\ss=w:ord`
	k := start(t, servers.KafkaOptions{Users: map[string]string{user: password}, Certificate: cert})
	require.NoError(t, k.CreateTopic(t.Context(), "target", 3, nil))
	require.NoError(t, k.CreateTopic(t.Context(), "small", 1, map[string]string{"max.message.bytes": "5000"}))
	require.NoError(t, k.CreateTopic(t.Context(), "letters", 1, map[string]string{"max.message.bytes": "5000"}))
	require.NoError(t, k.CreateTopic(t.Context(), "compacted", 1, map[string]string{"cleanup.policy": "compact"}))
	secure := func(mechanism, password string, roots []byte) option {
		return func(cfg *kafkaclient.Config) {
			cfg.TLS, cfg.CACert = true, roots
			cfg.User, cfg.Password, cfg.Mechanism = user, config.NewSecret(password), mechanism
		}
	}

	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			c := client(t, k.SecureBrokers(), secure(mechanism, password, ca.PEM()))
			all(t, record.Stored, write(t, c, 10*time.Second, batch(0, 0, 5)))
		})
		t.Run(mechanism+" wrong password", func(t *testing.T) {
			c := client(t, k.SecureBrokers(), secure(mechanism, "wrong-password", ca.PEM()))
			cause := all(t, record.Unsettled, write(t, c, 10*time.Second, batch(0, 0, 5)))
			assert.Equal(t, "SASL_AUTHENTICATION_FAILED", cause.Type)
			assert.True(t, cause.Permanent)
			assert.Contains(t, cause.Text(), "kafka_password")
			assert.NotContains(t, cause.Text()+cause.Reason, "wrong-password")
		})
	}
	for name, x := range map[string]struct {
		brokers []string
		opt     option
		hint    string
	}{
		"certificate not trusted": {k.SecureBrokers(), secure("PLAIN", password, nil), "kafka_ca_cert"},
		"TLS to a clear port":     {k.Brokers(), func(cfg *kafkaclient.Config) { cfg.TLS, cfg.CACert = true, ca.PEM() }, "kafka_tls"},
		"clear to a TLS port":     {k.SecureBrokers(), func(*kafkaclient.Config) {}, "kafka_tls"},
		"login to an open port": {k.Brokers(), func(cfg *kafkaclient.Config) {
			cfg.User, cfg.Password, cfg.Mechanism = user, config.NewSecret(password), "PLAIN"
		}, "kafka_sasl_mechanism"},
		"no login":      {k.SecureBrokers(), func(cfg *kafkaclient.Config) { cfg.TLS, cfg.CACert = true, ca.PEM() }, "kafka_sasl_mechanism"},
		"missing topic": {k.Brokers(), func(cfg *kafkaclient.Config) { cfg.Topic = "missing" }, "kafka_topic_name (missing)"},
		"nobody there":  {[]string{"127.0.0.1:1"}, func(*kafkaclient.Config) {}, "nothing listens there: look at kafka_address"},
	} {
		t.Run(name, func(t *testing.T) {
			started := time.Now()
			cause := all(t, record.Unsettled, write(t, client(t, x.brokers, x.opt), 3*time.Second, batch(0, 0, 5)))
			assert.Contains(t, cause.Text(), x.hint)
			t.Logf("after %s, permanent %v: %s", time.Since(started).Round(time.Millisecond), cause.Permanent, cause.Text())
		})
	}

	t.Run("too large", func(t *testing.T) {
		c := client(t, k.Brokers(), func(cfg *kafkaclient.Config) { cfg.Topic, cfg.Compression = "small", "none" })
		recs := batch(0, 0, 100)
		recs[50].Body = bytes.Repeat([]byte("x"), 20_000)
		results := write(t, c, 20*time.Second, recs)
		require.Equal(t, record.Refused, results[50].Outcome)
		assert.Equal(t, "MESSAGE_TOO_LARGE", results[50].Cause.Type)
		t.Log(results[50].Cause.Text())
		all(t, record.Stored, append(results[:50:50], results[51:]...))
		requireExactly(t, k, "small", append(recs[:50:50], recs[51:]...))

		letters := []record.DeadLetter{{Record: &recs[50], Cause: results[50].Cause, Sink: "kafka"}}
		dead, _ := c.DeadLetters().Write(t.Context(), letters)
		require.Equal(t, record.Dead, dead[0].Outcome, dead[0].Cause.Text())
		assert.Len(t, read(t, k, "letters")[0], 1)
	})
	t.Run("no key in a compacted topic", func(t *testing.T) {
		c := client(t, k.Brokers(), func(cfg *kafkaclient.Config) { cfg.Topic = "compacted" })
		recs := batch(0, 0, 100)
		var good []record.Record
		for i, r := range write(t, c, 20*time.Second, recs) {
			if recs[i].Key == nil {
				require.Equal(t, record.Refused, r.Outcome)
				require.Equal(t, "INVALID_RECORD", r.Cause.Type)
			} else {
				require.Equal(t, record.Stored, r.Outcome)
				good = append(good, recs[i])
			}
		}
		requireExactly(t, k, "compacted", good)
	})
}

// A broker that hangs has the requests of calls that have long given up in its
// sockets, and writes them when it comes round. Delivered again to a warm
// instance they must not be there twice.
func TestBrokerHangs(t *testing.T) {
	if !selected(t) {
		return
	}
	k := start(t, servers.KafkaOptions{})
	require.NoError(t, k.CreateTopic(t.Context(), "target", 3, nil))
	c := client(t, k.Brokers())
	var recs []record.Record
	for round := range 5 {
		next := batch(0, round*100, 100)
		recs = append(recs, next...)
		require.NoError(t, k.Pause())
		started := time.Now()
		all(t, record.Unsettled, write(t, c, time.Second, next))
		assert.Less(t, time.Since(started), 1500*time.Millisecond)
		require.NoError(t, k.Resume())
		other := batch(1, round*10, 10)
		deliver(t, c, 5*time.Second, other)
		recs = append(recs, other...)
		deliver(t, c, 5*time.Second, next)
	}
	requireExactly(t, k, "target", recs)
}

// A broker is killed again and again in the middle of writing.
func TestBrokerDies(t *testing.T) {
	if !selected(t) {
		return
	}
	k := start(t, servers.KafkaOptions{})
	require.NoError(t, k.CreateTopic(t.Context(), "target", 3, nil))
	c := client(t, k.Brokers())
	written := make(chan struct{}, 1)
	dead := make(chan error, 1)
	go func() {
		defer close(dead)
		for range 4 {
			for range 10 { // batches, so that it is warm
				<-written
			}
			k.Kill()
			if err := k.Restart(t.Context()); err != nil {
				dead <- err
				return
			}
		}
	}()
	var recs []record.Record
	again := 0
	for round, over := 0, false; !over; round++ {
		next := batch(int32(round%2), round*1000, 1000)
		recs = append(recs, next...)
		again += deliver(t, c, 500*time.Millisecond, next) - 1
		select {
		case err, more := <-dead:
			require.NoError(t, err)
			over = !more
		case written <- struct{}{}:
		default: // it is being restarted
		}
	}
	t.Logf("%d records, %d deliveries came again", len(recs), again)
	requireExactly(t, k, "target", recs)
}

// Three brokers, each of which is lost once while batches are written; and a
// topic that wants more replicas than there are.
func TestReplicas(t *testing.T) {
	if !selected(t) {
		return
	}
	k := start(t, servers.KafkaOptions{Brokers: 3})
	require.NoError(t, k.CreateTopic(t.Context(), "target", 3, map[string]string{"min.insync.replicas": "2"}))
	require.NoError(t, k.CreateTopic(t.Context(), "strict", 3, map[string]string{"min.insync.replicas": "3"}))
	c := client(t, k.Brokers())
	var recs []record.Record
	for round := range 6 {
		node := k.Nodes[round%3]
		next := batch(0, round*300, 300)
		recs = append(recs, next...)
		deliver(t, c, 10*time.Second, next[:100])
		if round < 3 {
			node.Kill()
		} else {
			require.NoError(t, node.Stop())
		}
		t.Logf("broker lost: stored after %d deliveries", deliver(t, c, 10*time.Second, next[100:200]))
		require.NoError(t, node.Restart(t.Context()))
		deliver(t, c, 10*time.Second, next[200:])
	}
	requireExactly(t, k, "target", recs)

	strict := client(t, k.Brokers(), func(cfg *kafkaclient.Config) { cfg.Topic = "strict" })
	few := batch(0, 0, 50)
	deliver(t, strict, 10*time.Second, few[:10])
	require.NoError(t, k.Nodes[0].Stop())
	cause := all(t, record.Unsettled, write(t, strict, 2*time.Second, few[10:]))
	assert.Contains(t, cause.Type, "NOT_ENOUGH_REPLICAS")
	assert.False(t, cause.Permanent)
	t.Log(cause.Text())
	require.NoError(t, k.Nodes[0].Restart(t.Context()))
	deliver(t, strict, 10*time.Second, few[10:])
	requireExactly(t, k, "strict", few)
}

// A dump: many records, kept or hashed partitions, byte for byte.
func TestDump(t *testing.T) {
	if !selected(t) {
		return
	}
	k := start(t, servers.KafkaOptions{})
	for name, keep := range map[string]bool{"keep": true, "key": false} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, k.CreateTopic(t.Context(), name, 4, nil))
			c := client(t, k.Brokers(), func(cfg *kafkaclient.Config) { cfg.Topic, cfg.KeepPartition = name, keep })
			var recs []record.Record
			for i := range 12 {
				next := batch(int32(i%4), i*2500, 2500)
				all(t, record.Stored, write(t, c, 20*time.Second, next))
				recs = append(recs, next...)
			}
			requireExactly(t, k, name, recs)
			if keep {
				for p, msgs := range read(t, k, name) {
					assert.Len(t, msgs, 7500, "partition %d", p)
				}
			}
		})
	}
}
