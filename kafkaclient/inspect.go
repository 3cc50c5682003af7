package kafkaclient

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/config"
	"ckafka-etl/record"
)

// Options are what a client connects with: brokers, TLS and login. They are for
// tools that look at a cluster as the function would see it.
func Options(cfg *config.Kafka) []kgo.Opt { return options(cfg) }

// Explain describes an error of Kafka or of the network. Variable is the one
// that holds the topic's name.
func Explain(variable, topic string, err error) *record.Cause {
	_, cause := place{variable, topic}.classify(err)
	return cause
}
