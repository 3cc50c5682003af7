package servers

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"fmt"
	"hash"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// replicas is how many copies a topic has: one on each of at most 3 brokers.
func (k *Kafka) replicas() int16 { return int16(min(3, len(k.Nodes))) }

// CreateTopic creates a topic, with a copy on each of at most three brokers,
// and returns when every partition has a leader. Config are the topic's own
// settings, for instance max.message.bytes; it may be nil.
func (k *Kafka) CreateTopic(ctx context.Context, name string, partitions int32, config map[string]string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
	if err != nil {
		return err
	}
	defer client.Close()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, partitions, k.replicas()
	for _, key := range sortedKeys(config) {
		c := kmsg.NewCreateTopicsRequestTopicConfig()
		c.Name, c.Value = key, new(config[key])
		topic.Configs = append(topic.Configs, c)
	}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", name, err)
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("creating topic %s: %w", name, err)
		}
	}
	return k.awaitLeaders(ctx, name)
}

// AlterTopic replaces a topic's own settings.
func (k *Kafka) AlterTopic(ctx context.Context, name string, config map[string]string) error {
	if k.recipe.kind == KindKafka0102 { // it knows no such request
		return k.zookeeper.alter(ctx, "topics", name, config)
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
	if err != nil {
		return err
	}
	defer client.Close()
	resource := kmsg.NewAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, name
	for _, key := range sortedKeys(config) {
		c := kmsg.NewAlterConfigsRequestResourceConfig()
		c.Name, c.Value = key, new(config[key])
		resource.Configs = append(resource.Configs, c)
	}
	req := kmsg.NewPtrAlterConfigsRequest()
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("altering topic %s: %w", name, err)
	}
	for _, r := range resp.Resources {
		if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
			return fmt.Errorf("altering topic %s: %w", name, err)
		}
	}
	return nil
}

// awaitLeaders asks each broker until it knows all leaders: brokers hear of a
// new topic a moment after the controller has made it.
func (k *Kafka) awaitLeaders(ctx context.Context, topic string) error {
	return k.each(func(n *KafkaNode) error {
		client, err := kgo.NewClient(kgo.SeedBrokers(n.Broker()))
		if err != nil {
			return err
		}
		defer client.Close()
		poll := time.NewTicker(10 * time.Millisecond)
		defer poll.Stop()
		for {
			ok, err := hasLeaders(ctx, client, topic)
			if err != nil || ok {
				return err
			}
			select {
			case <-poll.C:
			case <-ctx.Done():
				return fmt.Errorf("topic %s has no leader: %w", topic, ctx.Err())
			}
		}
	})
}

func hasLeaders(ctx context.Context, client *kgo.Client, topic string) (bool, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = new(topic)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client.SeedBrokers()[0])
	if err != nil {
		return false, err
	}
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 || p.Leader < 0 {
				return false, nil
			}
		}
		if t.ErrorCode != 0 || len(t.Partitions) == 0 {
			return false, nil
		}
	}
	return len(resp.Topics) > 0, nil
}

// ping has a broker answer one request.
func ping(ctx context.Context, addr string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		return err
	}
	defer client.Close()
	return client.Ping(ctx)
}

// createUsers stores the users' SCRAM credentials, which live in the cluster's
// metadata; PLAIN's are in the brokers' configuration.
func (k *Kafka) createUsers(ctx context.Context, users map[string]string) error {
	if len(users) == 0 {
		return nil
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
	if err != nil {
		return err
	}
	defer client.Close()
	// Mechanisms as the protocol numbers them. A request must not name a user
	// twice, so each mechanism takes one of its own.
	for mechanism, hash := range map[int8]func() hash.Hash{1: sha256.New, 2: sha512.New} {
		req := kmsg.NewPtrAlterUserSCRAMCredentialsRequest()
		for _, user := range sortedKeys(users) {
			c, err := scramCredential(user, users[user], hash)
			if err != nil {
				return err
			}
			c.Mechanism = mechanism
			req.Upsertions = append(req.Upsertions, c)
		}
		resp, err := req.RequestWith(ctx, client)
		if err != nil {
			return fmt.Errorf("creating users: %w", err)
		}
		for _, r := range resp.Results {
			if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
				return fmt.Errorf("creating user %s: %w", r.User, err)
			}
		}
	}
	return nil
}

func scramCredential(user, password string, hash func() hash.Hash) (kmsg.AlterUserSCRAMCredentialsRequestUpsertion, error) {
	c := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
	c.Name, c.Salt, c.Iterations = user, make([]byte, 16), 4096 // the least that Kafka takes
	if _, err := rand.Read(c.Salt); err != nil {
		return c, err
	}
	salted, err := pbkdf2.Key(hash, password, c.Salt, int(c.Iterations), hash().Size())
	c.SaltedPassword = salted
	return c, err
}
