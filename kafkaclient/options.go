package kafkaclient

import (
	"crypto/tls"
	"crypto/x509"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"ckafka-etl/config"
)

const (
	// dialTimeout is how long a connection may take to be made. Within a VPC it
	// takes about a millisecond, and a dead host should not cost a whole try.
	dialTimeout = 5 * time.Second
	// produceKey is the number of the produce request in the protocol.
	produceKey = 0
)

// options are what the protocol client is made with.
func options(cfg *config.Kafka) []kgo.Opt {
	// Before version 2 of the request messages had no times, and from 13 on
	// topics go by an id, which some brokers do not tell.
	least := new(kversion.Versions)
	least.SetMaxKeyVersion(produceKey, 2)
	most := kversion.Stable()
	most.SetMaxKeyVersion(produceKey, 11)
	opts := []kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...),
		kgo.ClientID("ckafka-etl"),
		kgo.DialTimeout(dialTimeout),
		kgo.RequestRetries(0),      // tries have a budget, which only we know
		kgo.DisableClientMetrics(), // they would run in the background
		kgo.MinVersions(least),
		kgo.MaxVersions(most),
	}
	if cfg.TLS {
		t := &tls.Config{MinVersion: tls.VersionTLS12}
		if len(cfg.CACert) > 0 {
			t.RootCAs = x509.NewCertPool()
			t.RootCAs.AppendCertsFromPEM(cfg.CACert)
		}
		opts = append(opts, kgo.DialTLSConfig(t))
	}
	if cfg.User != "" {
		switch user, password := cfg.User, cfg.Password.Reveal(); cfg.Mechanism {
		case "SCRAM-SHA-256":
			opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha256Mechanism()))
		case "SCRAM-SHA-512":
			opts = append(opts, kgo.SASL(scram.Auth{User: user, Pass: password}.AsSha512Mechanism()))
		default:
			opts = append(opts, kgo.SASL(plain.Auth{User: user, Pass: password}.AsMechanism()))
		}
	}
	return opts
}
