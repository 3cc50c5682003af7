package main

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/config"
	"ckafka-etl/internal/core/brokers"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// kafkaCheck looks at a Kafka cluster. It makes no topic and writes nothing.
type kafkaCheck struct {
	r       *checkReport
	cfg     *config.Kafka
	timeout time.Duration
	// abilities are what all brokers can do; nil: they told nothing.
	abilities brokers.Abilities
}

// The variables with the names of topics.
const (
	targetTopic     = "kafka_topic_name"
	deadLetterTopic = "kafka_dead_letter_topic"
)

// topicUse is a topic that the function writes to.
type topicUse struct{ variable, name string }

func checkKafka(ctx context.Context, r *checkReport, cfg *config.Kafka, flags *checkFlags) {
	c := &kafkaCheck{r: r, cfg: cfg, timeout: flags.timeout}
	var first *kgo.Client
	defer func() {
		if first != nil {
			first.Close()
		}
	}()
	var meta *kmsg.MetadataResponse
	for _, broker := range c.cfg.Brokers {
		if ctx.Err() != nil {
			return
		}
		r.begin("Kafka", broker)
		cl, m := c.bootstrap(ctx, broker)
		switch {
		case cl == nil:
		case first == nil:
			first, meta = cl, m
		default:
			cl.Close()
		}
	}
	if first == nil || ctx.Err() != nil {
		return
	}
	r.begin("Kafka", "cluster")
	c.brokers(ctx, first, meta)
	for _, t := range c.topics() {
		c.topic(ctx, first, meta, t)
	}
}

// topics are those that the function writes to.
func (c *kafkaCheck) topics() []topicUse {
	var list []topicUse
	for _, t := range []topicUse{{targetTopic, c.cfg.Topic}, {deadLetterTopic, c.cfg.DeadLetterTopic}} {
		if t.name != "" {
			list = append(list, t)
		}
	}
	return list
}

func hasPlaceholder(topic string) bool { return strings.Contains(topic, "{topic}") }

// bootstrap connects to a broker of kafka_address, logs in and asks for the
// topics. It returns nil if any of this fails.
func (c *kafkaCheck) bootstrap(ctx context.Context, broker string) (*kgo.Client, *kmsg.MetadataResponse) {
	if !connect(ctx, c.r, broker, "kafka_address", c.timeout) {
		return nil, nil
	}
	cl, err := kgo.NewClient(append(kafkaclient.Options(c.cfg), kgo.SeedBrokers(broker), kgo.RequestRetries(0))...)
	if err != nil {
		c.r.fail("configuration", "", "%v", err)
		return nil, nil
	}
	stepCtx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	meta, err := c.ask(stepCtx, cl)
	if err != nil {
		cl.Close()
		c.refused(ctx, broker, err)
		return nil, nil
	}
	if c.cfg.TLS {
		shown, err := showCertificate(ctx, broker, c.timeout)
		c.r.trusted(shown, err)
	}
	if c.cfg.User != "" {
		c.r.ok("login", "accepted as %s (%s)", c.cfg.User, c.cfg.Mechanism)
	} else {
		c.r.ok("login", "none is set and none was asked for")
	}
	return cl, meta
}

// ask asks for the topics, in a way that makes none: for all of them where
// brokers cannot be told not to.
func (c *kafkaCheck) ask(ctx context.Context, cl *kgo.Client) (*kmsg.MetadataResponse, error) {
	able, err := brokers.Ask(ctx, cl)
	if err != nil {
		return nil, err
	}
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	req.IncludeTopicAuthorizedOperations = true
	if able.QuietQuestions() {
		req.Topics = []kmsg.MetadataRequestTopic{}
		for _, t := range c.topics() {
			if !hasPlaceholder(t.name) {
				topic := kmsg.NewMetadataRequestTopic()
				topic.Topic = new(t.name)
				req.Topics = append(req.Topics, topic)
			}
		}
	}
	return req.RequestWith(ctx, cl)
}

// refused says why a broker that can be reached gave no answer.
func (c *kafkaCheck) refused(ctx context.Context, broker string, err error) {
	topic := c.topics()[0] // the configuration has at least one
	cause := kafkaclient.Explain(topic.variable, topic.name, err)
	switch cause.Type {
	case "certificate_not_trusted":
		shown, _ := showCertificate(ctx, broker, c.timeout)
		c.r.fail("certificate", cause.Hint, "%s", notTrusted(cause, shown))
	case "no_tls", "tls_wanted", "no_kafka", "connection_closed", "no_answer":
		c.r.fail("protocol", cause.Hint, "%s", kafkaText(cause))
	default:
		c.r.fail("login", cause.Hint, "%s", kafkaText(cause))
	}
}

func kafkaText(c *record.Cause) string { return clip(cmp.Or(c.Safe, c.Reason, c.Type)) }

// brokers asks each broker for a sign of life at the address that the cluster
// advertises: records go there, not to those of kafka_address.
func (c *kafkaCheck) brokers(ctx context.Context, cl *kgo.Client, meta *kmsg.MetadataResponse) {
	const check = "brokers"
	var well []brokers.Abilities
	for _, b := range meta.Brokers {
		stepCtx, cancel := context.WithTimeout(ctx, c.timeout)
		able, err := brokers.AskBroker(stepCtx, cl.Broker(int(b.NodeID)))
		cancel()
		if err == nil {
			well = append(well, able)
			continue
		}
		cause := kafkaclient.Explain("", "", err)
		c.r.fail(check, "the cluster advertises this address, and records go there: look at advertised.listeners, and at whether the function can reach it",
			"broker %d at %s:%d gives no answer: %s", b.NodeID, b.Host, b.Port, kafkaText(cause))
	}
	if len(well) > 0 && len(well) == len(meta.Brokers) {
		c.r.ok(check, "%s of the cluster answers at its advertised address", each(len(well), "broker"))
	}
	if len(well) > 0 {
		c.version(well)
	}
}

// each is "the one broker" or "each of 3 brokers".
func each(n int, what string) string {
	if n == 1 {
		return "the one " + what
	}
	return "each of " + number(n, what)
}

// topic says whether a topic can be written to.
func (c *kafkaCheck) topic(ctx context.Context, cl *kgo.Client, meta *kmsg.MetadataResponse, use topicUse) {
	const check = "topic"
	if hasPlaceholder(use.name) {
		c.r.note(check, "%s is %s and depends on the source; not looked at", use.variable, use.name)
		return
	}
	var t *kmsg.MetadataResponseTopic
	for i := range meta.Topics {
		if name := meta.Topics[i].Topic; name != nil && *name == use.name {
			t = &meta.Topics[i]
		}
	}
	err := error(kerr.UnknownTopicOrPartition)
	if t != nil {
		err = kerr.ErrorForCode(t.ErrorCode)
	}
	if err != nil {
		cause := kafkaclient.Explain(use.variable, use.name, err)
		c.r.fail(check, cause.Hint, "%s: %s", use.name, kafkaText(cause))
		return
	}
	leaderless := 0
	for _, p := range t.Partitions {
		if p.Leader < 0 {
			leaderless++
		}
	}
	if leaderless > 0 {
		c.r.fail(check, "look at the brokers", "%s: %d of %s have no leader", use.name, leaderless, number(len(t.Partitions), "partition"))
		return
	}
	text := use.name + " has " + number(len(t.Partitions), "partition") + c.limit(ctx, cl, use.name)
	if c.cfg.KeepPartition && use.variable == targetTopic {
		text += "; with kafka_partition=keep it needs at least as many as the source"
	}
	c.r.ok(check, "%s", text)
	c.format(ctx, cl, use)
	c.right(t, use)
}

// right says whether the topic may be written to, if the broker tells.
func (c *kafkaCheck) right(t *kmsg.MetadataResponseTopic, use topicUse) {
	const check, write, untold = "write", 4, -1 << 31
	switch ops := t.AuthorizedOperations; {
	case ops == untold && !c.abilities.Rights():
		// That was said of the version.
	case ops == untold:
		c.r.note(check, "the broker does not tell whether %s may be written to", use.name)
	case ops&(1<<write) == 0:
		c.r.fail(check, fmt.Sprintf("give %s the right Write on topic %s", cmp.Or(c.cfg.User, "the anonymous user"), use.name), "%s may not be written to", use.name)
	default:
		c.r.ok(check, "%s may be written to, as the broker says; nothing was", use.name)
	}
}

// limit says how large a message the topic takes; "" = we are not told.
func (c *kafkaCheck) limit(ctx context.Context, cl *kgo.Client, topic string) string {
	const topicType, name = 2, "max.message.bytes"
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req := kmsg.NewPtrDescribeConfigsRequest()
	resource := kmsg.NewDescribeConfigsRequestResource()
	resource.ResourceType, resource.ResourceName, resource.ConfigNames = topicType, topic, []string{name}
	req.Resources = append(req.Resources, resource)
	res, err := req.RequestWith(ctx, cl)
	if err != nil {
		return ""
	}
	for _, r := range res.Resources {
		for _, config := range r.Configs {
			if config.Name == name && config.Value != nil {
				if n, err := strconv.Atoi(*config.Value); err == nil {
					return ", takes messages of up to " + number(n, "byte")
				}
			}
		}
	}
	return ""
}
