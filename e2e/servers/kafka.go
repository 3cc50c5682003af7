package servers

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// KafkaOptions are the choices for StartKafka. The zero value is one broker
// for tests.
type KafkaOptions struct {
	// Brokers is the number of brokers in the cluster, each a controller too;
	// default 1. To survive the loss of one it takes three.
	Brokers int
	// Users turns on a second listener, at SecureBrokers, where these users
	// and passwords are asked for with PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.
	Users map[string]string
	// Certificate makes the second listener, with or without Users, a TLS one.
	Certificate *Certificate
	// Faults puts a FaultProxy in front of each broker: the addresses in
	// Brokers and those in the cluster's metadata lead through it. The second
	// listener has none.
	Faults bool
	// Properties are the brokers' own, over the defaults, for instance
	// message.max.bytes. By default topics are not created by clients.
	Properties map[string]string
	// Heap is each JVM's heap; default 256m.
	Heap string
	// Dir keeps the data and the logs, a folder for each broker, and is not
	// removed; default a temporary folder that Close removes.
	Dir string
	// FullJIT has the JVM compile as it does in production. Without it the
	// broker starts sooner but stays slower: set it for benchmarks.
	FullJIT bool
}

// Kafka is a cluster without ZooKeeper. Its lifecycle methods do to every
// broker what Process's do to one; Nodes are for one alone.
type Kafka struct {
	Nodes []*KafkaNode
}

// KafkaNode is one broker.
type KafkaNode struct {
	*Process
	// Faults is the proxy in front of the broker, nil unless it was asked for.
	Faults *FaultProxy

	id                     int
	plain, secure, control string // addresses it listens on
}

// StartKafka starts a cluster and returns when its brokers answer: 2 seconds
// for one broker, and once the time to fetch some 50 MB. Clusters know nothing
// of each other. The context bounds the start only.
func StartKafka(ctx context.Context, opts KafkaOptions) (*Kafka, error) {
	home, err := install(ctx, KindKafka)
	if err != nil {
		return nil, err
	}
	k := &Kafka{}
	if err := k.start(ctx, home, opts); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

func (k *Kafka) start(ctx context.Context, home string, opts KafkaOptions) error {
	for id := range max(1, opts.Brokers) {
		node, err := newKafkaNode(id+1, opts)
		if err != nil {
			return err
		}
		k.Nodes = append(k.Nodes, node)
	}
	clusterID := make([]byte, 16)
	if _, err := rand.Read(clusterID); err != nil {
		return err
	}
	cluster := base64.RawURLEncoding.EncodeToString(clusterID)
	for _, node := range k.Nodes {
		if err := node.prepare(ctx, home, cluster, k.properties(node, opts), opts); err != nil {
			return err
		}
	}
	if err := k.Restart(ctx); err != nil {
		return err
	}
	return k.createUsers(ctx, opts.Users)
}

func newKafkaNode(id int, opts KafkaOptions) (*KafkaNode, error) {
	dir := opts.Dir
	if dir != "" {
		dir = filepath.Join(dir, "broker-"+strconv.Itoa(id))
	}
	p, ports, err := newProcess(string(KindKafka), dir, 3)
	if err != nil {
		return nil, err
	}
	n := &KafkaNode{
		Process: p,
		id:      id,
		plain:   loopback(ports[0]), control: loopback(ports[1]), secure: loopback(ports[2]),
	}
	if opts.Faults {
		if n.Faults, err = NewFaultProxy(n.plain); err != nil {
			p.Close()
			return nil, err
		}
		p.closers = append(p.closers, n.Faults.Close)
	}
	p.ready = "Kafka Server started"
	p.answer = func(ctx context.Context) error { return ping(ctx, n.plain) }
	return n, nil
}

// prepare writes what the broker reads at its start. Writing meta.properties
// is all that formatting the storage comes to in this version: without a
// bootstrap file it starts with its newest metadata version.
func (n *KafkaNode) prepare(ctx context.Context, home, cluster string, properties map[string]string, opts KafkaOptions) error {
	data := n.dataDir()
	if err := os.MkdirAll(data, 0o750); err != nil {
		return err
	}
	meta := filepath.Join(data, "meta.properties")
	if _, err := os.Stat(meta); errors.Is(err, os.ErrNotExist) {
		text := propertiesText(map[string]string{"version": "1", "cluster.id": cluster, "node.id": strconv.Itoa(n.id)})
		if err := os.WriteFile(meta, text, 0o600); err != nil {
			return err
		}
	}
	config := filepath.Join(n.dir, "server.properties")
	if err := os.WriteFile(config, propertiesText(properties), 0o600); err != nil {
		return err
	}
	argv, err := javaCommand(ctx, defaultJava, n.dir, opts.Heap, "256m", opts.FullJIT)
	if err != nil {
		return err
	}
	argv = append(argv,
		"-Dorg.slf4j.simpleLogger.logFile=System.out",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info", // says when it is ready
		"-cp", filepath.Join(home, "lib", "*"),
		"kafka.Kafka", config)
	n.argv = argv
	return nil
}

func (n *KafkaNode) dataDir() string { return filepath.Join(n.dir, "data") }

// Broker returns the broker's address as host:port.
func (n *KafkaNode) Broker() string {
	if n.Faults != nil {
		return n.Faults.Addr()
	}
	return n.plain
}

// Brokers returns the addresses of all brokers, without encryption or users.
func (k *Kafka) Brokers() []string {
	addrs := make([]string, len(k.Nodes))
	for i, n := range k.Nodes {
		addrs[i] = n.Broker()
	}
	return addrs
}

// SecureBrokers returns the addresses of the listener that Users and
// Certificate turn on.
func (k *Kafka) SecureBrokers() []string {
	addrs := make([]string, len(k.Nodes))
	for i, n := range k.Nodes {
		addrs[i] = n.secure
	}
	return addrs
}

// each runs f for all brokers at once: a broker is not ready, and does not
// stop in good order, before most of the others are there to agree.
func (k *Kafka) each(f func(*KafkaNode) error) error {
	errs := make([]error, len(k.Nodes))
	var wg sync.WaitGroup
	for i, n := range k.Nodes {
		wg.Go(func() {
			if err := f(n); err != nil {
				errs[i] = fmt.Errorf("broker %d: %w", n.id, err)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Restart stops the brokers that run and starts all of them.
func (k *Kafka) Restart(ctx context.Context) error {
	return errors.Join(k.Stop(), k.each(func(n *KafkaNode) error { return n.Restart(ctx) }))
}

// Stop asks all brokers to end and waits until they have.
func (k *Kafka) Stop() error { return k.each(func(n *KafkaNode) error { return n.Stop() }) }

// Kill ends all brokers at once.
func (k *Kafka) Kill() { _ = k.each(func(n *KafkaNode) error { n.Kill(); return nil }) }

// Pause holds all brokers until Resume.
func (k *Kafka) Pause() error { return k.each(func(n *KafkaNode) error { return n.Pause() }) }

// Resume lets paused brokers go on.
func (k *Kafka) Resume() error { return k.each(func(n *KafkaNode) error { return n.Resume() }) }

// KeepLogs copies all brokers' logs into dir.
func (k *Kafka) KeepLogs(dir string) error {
	return k.each(func(n *KafkaNode) error { return n.KeepLogs(dir) })
}

// Close kills all brokers and removes their folders, unless the caller named
// one.
func (k *Kafka) Close() { _ = k.each(func(n *KafkaNode) error { n.Close(); return nil }) }
