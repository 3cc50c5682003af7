// Package brokers is what the brokers of a cluster, and a topic's message
// format, can do: old ones know no headers, no producer ids, no zstd.
package brokers

import (
	"context"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Abilities is the newest version of each kind of request that a broker knows,
// by the request's number in the protocol.
type Abilities map[int16]int16

// Ask asks one broker of the cluster.
func Ask(ctx context.Context, client *kgo.Client) (Abilities, error) {
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	a := make(Abilities, len(resp.ApiKeys))
	for _, k := range resp.ApiKeys {
		a[k.ApiKey] = k.MaxVersion
	}
	return a, nil
}

// knows reports whether the broker knows a version of a kind of request. A
// broker that has told nothing is taken to know all.
func (a Abilities) knows(key kmsg.Key, version int16) bool {
	if len(a) == 0 {
		return true
	}
	newest, ok := a[int16(key)]
	return ok && newest >= version
}

// Timestamps reports whether messages have times: Kafka 0.10, the oldest that the function writes to.
func (a Abilities) Timestamps() bool { return a.knows(kmsg.Produce, 2) }

// RecordBatches reports whether there are such, with headers: Kafka 0.11.
func (a Abilities) RecordBatches() bool { return a.knows(kmsg.Produce, 3) }

// ProducerIDs reports whether producing can be idempotent: Kafka 0.11.
func (a Abilities) ProducerIDs() bool { return a.knows(kmsg.InitProducerID, 0) }

// Zstd reports whether there is that compression: Kafka 2.1, which also keeps the offsets of a group that lives.
func (a Abilities) Zstd() bool { return a.knows(kmsg.Produce, 7) }

// QuietQuestions reports whether a question about a topic does not make it if it is
// told not to: Kafka 0.11.
func (a Abilities) QuietQuestions() bool { return a.knows(kmsg.Metadata, 4) }

// OneFormat reports whether topics have no message format of their own any more:
// Kafka 3.0.
func (a Abilities) OneFormat() bool { return a.knows(kmsg.ListOffsets, 7) }

// Format is a topic's message.format.version, "" if it is not known.
type Format string

// Headers reports whether messages in the format have headers and producer ids:
// since 0.11.
func (f Format) Headers() bool {
	for _, old := range []string{"0.8", "0.9", "0.10"} {
		if rest, ok := strings.CutPrefix(string(f), old); ok && (rest == "" || rest[0] == '.' || rest[0] == '-') {
			return false
		}
	}
	return true
}

// Settings are those of a topic that matter here.
type Settings struct {
	Compacted bool
	Format    Format
}

// AskSettings asks for a topic's settings. It fails if the user may not see them
// or the brokers are older than Kafka 0.11.
func AskSettings(ctx context.Context, client *kgo.Client, topic string) (Settings, error) {
	const policy, format = "cleanup.policy", "message.format.version"
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, topic, []string{policy, format}
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return Settings{}, err
	}
	var s Settings
	for _, r := range resp.Resources {
		for _, c := range r.Configs {
			switch {
			case c.Value == nil:
			case c.Name == policy:
				s.Compacted = strings.Contains(*c.Value, "compact")
			case c.Name == format:
				s.Format = Format(*c.Value)
			}
		}
	}
	return s, nil
}
