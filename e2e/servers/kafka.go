package servers

import (
	"cmp"
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
	// Kind is the version; default KindKafka.
	Kind Kind
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

// Kafka is a cluster. Its lifecycle methods do to every broker what Process's do
// to one; Nodes are for one alone. Versions before 3 have a ZooKeeper, which
// runs until Close.
type Kafka struct {
	Nodes []*KafkaNode

	recipe    recipe
	zookeeper *zookeeper // nil for a version that needs none
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
	kind := cmp.Or(opts.Kind, KindKafka)
	r, err := recipeOf(kind)
	if err == nil && !kind.IsKafka() {
		err = fmt.Errorf("%s is no Kafka", kind)
	}
	if err != nil {
		return nil, err
	}
	home, err := install(ctx, kind)
	if err != nil {
		return nil, err
	}
	k := &Kafka{recipe: r}
	if err := k.start(ctx, home, opts); err != nil {
		k.Close()
		return nil, err
	}
	return k, nil
}

func (k *Kafka) start(ctx context.Context, home string, opts KafkaOptions) error {
	for id := range max(1, opts.Brokers) {
		node, err := newKafkaNode(k.recipe, id+1, opts)
		if err != nil {
			return err
		}
		k.Nodes = append(k.Nodes, node)
	}
	if k.recipe.zookeeper {
		if err := k.startZookeeper(ctx, home, opts.Users); err != nil {
			return err
		}
	}
	clusterID := make([]byte, 16)
	if _, err := rand.Read(clusterID); err != nil {
		return err
	}
	cluster := base64.RawURLEncoding.EncodeToString(clusterID)
	for _, node := range k.Nodes {
		if err := k.prepare(ctx, node, home, cluster, opts); err != nil {
			return err
		}
	}
	if err := k.Restart(ctx); err != nil {
		return err
	}
	if k.recipe.zookeeper {
		return nil // they had to be there before
	}
	return k.createUsers(ctx, opts.Users)
}

// prepare writes what a broker reads at its start.
func (k *Kafka) prepare(ctx context.Context, n *KafkaNode, home, cluster string, opts KafkaOptions) error {
	if err := os.MkdirAll(n.dataDir(), 0o750); err != nil {
		return err
	}
	properties := k.properties(n, opts)
	if k.recipe.zookeeper {
		if err := keystore(n.dir, opts.Certificate, properties); err != nil {
			return err
		}
		n.before = func(ctx context.Context) error { return k.zookeeper.awaitNoBroker(ctx, n.id) }
	} else if err := n.format(cluster); err != nil {
		return err
	}
	config := filepath.Join(n.dir, "server.properties")
	if err := os.WriteFile(config, propertiesText(properties), 0o600); err != nil {
		return err
	}
	argv, err := kafkaCommand(ctx, n.dir, home, opts)
	if err != nil {
		return err
	}
	n.argv = append(argv, "kafka.Kafka", config)
	return nil
}

func newKafkaNode(r recipe, id int, opts KafkaOptions) (*KafkaNode, error) {
	dir := opts.Dir
	if dir != "" {
		dir = filepath.Join(dir, "broker-"+strconv.Itoa(id))
	}
	p, ports, err := newProcess(string(r.kind), dir, 3)
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
	p.ready = r.ready
	p.answer = func(ctx context.Context) error { return ping(ctx, n.plain) }
	return n, nil
}

// format writes meta.properties, which is all that formatting the storage comes
// to: without a bootstrap file a broker starts with its newest metadata version.
func (n *KafkaNode) format(cluster string) error {
	meta := filepath.Join(n.dataDir(), "meta.properties")
	if _, err := os.Stat(meta); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	text := propertiesText(map[string]string{"version": "1", "cluster.id": cluster, "node.id": strconv.Itoa(n.id)})
	return os.WriteFile(meta, text, 0o600)
}

// kafkaCommand returns the beginning of the command line of a program of Kafka.
func kafkaCommand(ctx context.Context, dir, home string, opts KafkaOptions) ([]string, error) {
	argv, err := javaCommand(ctx, defaultJava, dir, opts.Heap, "256m", opts.FullJIT)
	if err != nil {
		return nil, err
	}
	log4j := filepath.Join(dir, "log4j.properties")
	if err := os.WriteFile(log4j, propertiesText(log4jProperties()), 0o600); err != nil {
		return nil, err
	}
	return append(argv,
		// What versions before 2.1 reach for by reflection.
		"--add-opens", "java.base/java.lang=ALL-UNNAMED", "--add-opens", "java.base/java.nio=ALL-UNNAMED", "--add-opens", "java.base/sun.nio.ch=ALL-UNNAMED",
		"-Dzookeeper.jmx.log4j.disable=true",
		"-Dlog4j.configuration=file:"+log4j,
		"-Dorg.slf4j.simpleLogger.logFile=System.out",
		"-Dorg.slf4j.simpleLogger.showDateTime=true",
		"-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
		"-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		// Say when they are ready.
		"-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
		"-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaServer=info",
		"-Dorg.slf4j.simpleLogger.log.org.apache.zookeeper.server.NIOServerCnxnFactory=info",
		"-cp", filepath.Join(home, "lib", "*")), nil
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

// Close kills all brokers, and their ZooKeeper, and removes their folders, unless
// the caller named one.
func (k *Kafka) Close() {
	_ = k.each(func(n *KafkaNode) error { n.Close(); return nil })
	if k.zookeeper != nil {
		k.zookeeper.Close()
	}
}
