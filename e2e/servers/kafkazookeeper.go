package servers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// zookeeper is where brokers before Kafka 3 keep what is the cluster's.
type zookeeper struct {
	*Process
	addr string
	home string // where the jars are
}

// startZookeeper starts the ZooKeeper that is in Kafka's jars, and stores the
// users in it.
func (k *Kafka) startZookeeper(ctx context.Context, home string, users map[string]string) error {
	p, ports, err := newProcess("zookeeper", "", 1)
	if err != nil {
		return err
	}
	z := &zookeeper{p, loopback(ports[0]), home}
	k.zookeeper = z
	config := filepath.Join(z.dir, "zookeeper.properties")
	err = os.WriteFile(config, propertiesText(map[string]string{
		"dataDir":            filepath.Join(z.dir, "data"),
		"clientPort":         strconv.Itoa(ports[0]),
		"clientPortAddress":  "127.0.0.1",
		"admin.enableServer": "false",
		"maxClientCnxns":     "0",
		"tickTime":           "500",
		// The command by which awaitNoBroker asks.
		"4lw.commands.whitelist": "dump",
	}), 0o600)
	if err != nil {
		return err
	}
	argv, err := kafkaCommand(ctx, z.dir, home, KafkaOptions{Heap: "64m"})
	if err != nil {
		return err
	}
	z.argv = append(argv, "org.apache.zookeeper.server.quorum.QuorumPeerMain", config)
	z.ready = "binding to port"
	z.answer = func(ctx context.Context) error {
		_, err := z.dump(ctx)
		return err
	}
	if err := z.Restart(ctx); err != nil {
		return err
	}
	for _, user := range sortedKeys(users) {
		password := "[iterations=4096,password=" + users[user] + "]"
		if err := z.alter(ctx, "users", user, map[string]string{"SCRAM-SHA-256": password, "SCRAM-SHA-512": password}); err != nil {
			return err
		}
	}
	return nil
}

// alter writes settings of a user or a topic, of which the brokers hear.
func (z *zookeeper) alter(ctx context.Context, kind, name string, config map[string]string) error {
	argv, err := kafkaCommand(ctx, z.dir, z.home, KafkaOptions{Heap: "64m"})
	if err != nil {
		return err
	}
	settings := make([]string, 0, len(config))
	for _, key := range sortedKeys(config) {
		settings = append(settings, key+"="+config[key])
	}
	argv = append(argv, "kafka.admin.ConfigCommand", "--zookeeper", z.addr, "--alter", "--entity-type", kind, "--entity-name", name,
		"--add-config", strings.Join(settings, ","))
	if err := runTool(ctx, argv[0], argv[1:]...); err != nil {
		return fmt.Errorf("altering %s of %s: %w", name, kind, err)
	}
	return nil
}

// dump returns what ZooKeeper says of its sessions.
func (z *zookeeper) dump(ctx context.Context) (string, error) {
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", z.addr)
		if err == nil {
			var said []byte
			// Who comes while it starts may get no answer, ever.
			_ = conn.SetDeadline(time.Now().Add(time.Second))
			if _, err = io.WriteString(conn, "dump"); err == nil {
				said, err = io.ReadAll(conn)
			}
			_ = conn.Close()
			if err == nil && strings.Contains(string(said), "essions") { // else it is not ready yet
				return string(said), nil
			}
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return "", errors.Join(errors.New("ZooKeeper does not answer"), err, ctx.Err())
		}
	}
}

// awaitNoBroker waits until ZooKeeper has forgotten a broker that was killed.
// One that comes back while its old session lasts ends at once.
func (z *zookeeper) awaitNoBroker(ctx context.Context, id int) error {
	registered := regexp.MustCompile(`/brokers/ids/` + strconv.Itoa(id) + `\b`)
	for {
		said, err := z.dump(ctx)
		if err != nil || !registered.MatchString(said) {
			return err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the broker's old session does not end: %w", ctx.Err())
		}
	}
}

// keystore writes a certificate in the one form that all versions read, and
// names it in the properties.
func keystore(dir string, c *Certificate, properties map[string]string) error {
	if c == nil {
		return nil
	}
	const password = "changeit" // Kafka wants one
	pair, err := tls.X509KeyPair(c.Cert, c.Key)
	if err != nil {
		return err
	}
	var chain []*x509.Certificate
	for _, der := range pair.Certificate {
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			return err
		}
		chain = append(chain, cert)
	}
	store, err := pkcs12.Modern.Encode(pair.PrivateKey, chain[0], chain[1:], password)
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "keystore.p12")
	properties[secureListener+"ssl.keystore.type"] = "PKCS12"
	properties[secureListener+"ssl.keystore.location"] = path
	properties[secureListener+"ssl.keystore.password"] = password
	properties[secureListener+"ssl.key.password"] = password
	return os.WriteFile(path, store, 0o600)
}

// log4jProperties are for versions that write their log with it.
func log4jProperties() map[string]string {
	return map[string]string{
		"log4j.rootLogger":                            "WARN, out",
		"log4j.logger.kafka.server.KafkaServer":       "INFO",
		"log4j.appender.out":                          "org.apache.log4j.ConsoleAppender",
		"log4j.appender.out.layout":                   "org.apache.log4j.PatternLayout",
		"log4j.appender.out.layout.ConversionPattern": "%d{HH:mm:ss.SSS} [%t] %p %c - %m%n",
	}
}
