package kafkaclient_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"ckafka-etl/internal/core/sinktest"
	"ckafka-etl/kafkaclient"
)

// The contract of all sinks.
func TestContract(t *testing.T) {
	sinktest.Run(t, func(t *testing.T, behaves sinktest.Server) sinktest.Subject {
		c := cluster(t, kfake.SeedTopics(3, "target", "letters"))
		k := client(t, c, func(cfg *kafkaclient.Config) {
			if behaves == sinktest.Hangs {
				cfg.Brokers = []string{silent(t)}
			}
		})
		return sinktest.Subject{Sink: k, Letters: k.DeadLetters(), Copies: func(t *testing.T) map[string]int {
			n := make(map[string]int)
			for _, topic := range []string{"target", "letters"} {
				for _, list := range messages(t, c, topic) {
					for _, r := range list {
						n[sinktest.TextIn(r.Value)]++
					}
				}
			}
			return n
		}}
	})
}

// silent takes connections and never answers.
func silent(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}
