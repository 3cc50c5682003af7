package esclient_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/internal/core/sinktest"
	"ckafka-etl/internal/standin"
	"ckafka-etl/transform"
)

// The contract of all sinks.
func TestContract(t *testing.T) {
	sinktest.Run(t, func(t *testing.T, behaves sinktest.Server) sinktest.Subject {
		server := standin.New(standin.WithCredentials(standin.Credentials{User: "u", Password: sinktest.Secret}))
		l, err := server.Start()
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, l.Close()) })
		address := l.URL()
		if behaves == sinktest.Hangs {
			address = silent(t)
		}
		cfg, err := config.Load([]string{"ES_Address=" + address, "ES_User=u", "ES_Password=" + sinktest.Secret, "ES_Index_KeyWord=k"})
		require.NoError(t, err)
		program, err := transform.New(transform.Options{IndexPrefix: "k", IDField: "log_id"})
		require.NoError(t, err)
		c, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program})
		require.NoError(t, err)
		t.Cleanup(c.Close)
		return sinktest.Subject{Sink: c, Letters: c.DeadLetters(), Copies: func(*testing.T) map[string]int {
			n := make(map[string]int)
			for _, d := range server.All() {
				n[sinktest.TextIn(d.Source)]++
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
