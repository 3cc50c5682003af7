package kafkaclient

import (
	"context"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"ckafka-etl/internal/core/brokers"
	"ckafka-etl/record"
)

// format is how messages are written to a topic.
type format uint8

const (
	numbered format = iota // record batches with headers, numbered if the user may
	bare                   // record batches without headers and numbers: the brokers turn them into what the topic keeps
	sets                   // sets of messages, of brokers before 0.11
)

// abilitiesAge is how long it may take to see that brokers were upgraded.
const abilitiesAge = 10 * time.Minute

// kept is what is known of how a topic keeps its messages.
type kept struct {
	format    format
	compacted bool
}

// look learns what the brokers can do, and says so if that is not enough.
func (c *Client) look(ctx context.Context) error {
	if c.abilities == nil || c.now().Sub(c.looked) > abilitiesAge {
		k, err := c.connection()
		if err != nil {
			return err
		}
		a, err := bounded(ctx, func() (brokers.Abilities, error) { return brokers.Ask(ctx, k) })
		if err != nil {
			return err
		}
		c.abilities, c.looked = a, c.now()
		clear(c.kept)
	}
	switch {
	case !c.abilities.Timestamps():
		return said(kerr.UnsupportedVersion, "the broker is older than Kafka 0.10")
	case c.cfg.Compression == "zstd" && !c.abilities.Zstd():
		return said(kerr.UnsupportedCompressionType, "brokers before Kafka 2.1 know no zstd")
	}
	if !c.abilities.RecordBatches() && !c.said[""] {
		c.said[""] = true
		c.cfg.Logger.Warn("kafka_address: the brokers are older than Kafka 0.11: messages are written without headers and without idempotence; " +
			"a batch whose answer gets lost will be written twice")
	}
	return nil
}

// said is an error of Kafka before Kafka says it, in words of our own.
func said(e *kerr.Error, words string) error {
	own := *e
	own.Description = words
	return &own
}

// formatOf is how messages are written to a topic, as far as that is known.
func (c *Client) formatOf(topic string) format {
	if c.abilities != nil && !c.abilities.RecordBatches() {
		return sets
	}
	return c.kept[topic].format
}

// lookAt learns how a topic keeps its messages where topics still differ in that.
// Who may not see a topic's settings learns it from the answers.
func (c *Client) lookAt(ctx context.Context, topic string) {
	if _, ok := c.kept[topic]; ok || c.abilities.OneFormat() || !c.abilities.RecordBatches() {
		return
	}
	k, err := c.connection()
	if err != nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, tryTime(ctx))
	defer cancel()
	s, err := bounded(limited, func() (brokers.Settings, error) { return brokers.AskSettings(limited, k, topic) })
	if err != nil {
		return
	}
	c.kept[topic] = kept{numbered, s.Compacted}
	if !s.Format.Headers() {
		c.withoutHeaders(topic, string(s.Format))
	}
}

// withoutHeaders goes on without headers and numbers for a topic whose message
// format has none.
func (c *Client) withoutHeaders(topic, version string) {
	t := c.kept[topic]
	t.format = bare
	c.kept[topic] = t
	if c.said[topic] {
		return
	}
	c.said[topic] = true
	c.cfg.Logger.Warn("kafka_topic_name: the topic's message.format.version is older than 0.11: messages are written without headers and without "+
		"idempotence; a batch whose answer gets lost will be written twice", slog.String("topic", topic), slog.String("version", version))
}

// headersNeeded is the cause for items that are nothing without their headers,
// in a topic that has none. nil: it has.
func (j *job) headersNeeded(topic string) *record.Cause {
	if !j.headers || j.c.formatOf(topic) == numbered {
		return nil
	}
	return &record.Cause{
		Type: "no_headers", Permanent: true, Index: topic,
		Safe: "a dead letter says in its headers why the record was refused, and messages of " + topic + " have none",
		Hint: "look at " + j.variable + " and at the topic's message.format.version; brokers before Kafka 0.11 have no headers at all",
	}
}
