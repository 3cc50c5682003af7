package kafkaclient_test

import (
	"crypto/tls"
	"encoding/pem"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/twmb/franz-go/pkg/kfake"

	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1 that is its own authority
	defer server.Close()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	secure := cluster(t, kfake.SeedTopics(1, "target"), kfake.TLS(&tls.Config{Certificates: server.TLS.Certificates, MinVersion: tls.VersionTLS12}))

	t.Run("trusted", func(t *testing.T) {
		t.Parallel()
		k := client(t, secure, func(cfg *kafkaclient.Config) { cfg.TLS, cfg.CACert = true, ca })
		all(t, record.Stored, write(t, k, batch(0, 2)))
	})
	t.Run("not trusted", func(t *testing.T) {
		t.Parallel()
		k := client(t, secure, func(cfg *kafkaclient.Config) { cfg.TLS = true })
		cause := all(t, record.Unsettled, write(t, k, batch(0, 1)))
		assert.Equal(t, "certificate_not_trusted", cause.Type)
		assert.Contains(t, cause.Text(), "kafka_ca_cert")
		assert.True(t, cause.Permanent)
	})
	t.Run("TLS is off", func(t *testing.T) {
		t.Parallel()
		cause := all(t, record.Unsettled, writeWithin(t, client(t, secure), time.Second, batch(0, 1)))
		assert.Equal(t, "connection_closed", cause.Type)
		assert.Contains(t, cause.Text(), "kafka_tls")
	})
}
