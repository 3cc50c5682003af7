package servers

import (
	"bytes"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// properties returns a broker's configuration.
func (k *Kafka) properties(n *KafkaNode, opts KafkaOptions) map[string]string {
	replicas := strconv.Itoa(int(k.replicas()))
	p := map[string]string{
		"listeners":                      "PLAINTEXT://" + n.plain,
		"advertised.listeners":           "PLAINTEXT://" + n.Broker(),
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT",
		"log.dirs":                       n.dataDir(),
		// CKafka does not create topics for clients either.
		"auto.create.topics.enable":                "false",
		"offsets.topic.replication.factor":         replicas,
		"transaction.state.log.replication.factor": replicas,
		"transaction.state.log.min.isr":            "1",
		"group.initial.rebalance.delay.ms":         "0",
	}
	if len(opts.Users) > 0 || opts.Certificate != nil {
		p["listeners"] += ",SECURE://" + n.secure
		p["advertised.listeners"] += ",SECURE://" + n.secure
		p["listener.security.protocol.map"] += ",SECURE:" + secureProtocol(opts)
		maps.Copy(p, secureProperties(opts, !k.recipe.zookeeper))
	}
	if k.recipe.zookeeper {
		maps.Copy(p, k.zookeeperProperties(n))
	} else {
		voters := make([]string, len(k.Nodes))
		for i, other := range k.Nodes {
			voters[i] = fmt.Sprintf("%d@%s", other.id, other.control)
		}
		p["process.roles"] = "broker,controller"
		p["node.id"] = strconv.Itoa(n.id)
		p["controller.quorum.voters"] = strings.Join(voters, ",")
		p["controller.listener.names"] = "CONTROLLER"
		p["listeners"] += ",CONTROLLER://" + n.control
		p["listener.security.protocol.map"] += ",CONTROLLER:PLAINTEXT"
		// A killed broker is let back in when its old session has run out.
		p["broker.session.timeout.ms"] = "3000"
		p["broker.heartbeat.interval.ms"] = "500"
	}
	maps.Copy(p, opts.Properties)
	return p
}

// zookeeperProperties are those of a broker with a ZooKeeper.
func (k *Kafka) zookeeperProperties(n *KafkaNode) map[string]string {
	return map[string]string{
		"broker.id":         strconv.Itoa(n.id),
		"zookeeper.connect": k.zookeeper.addr,
		// A killed broker is let back in when its old session has run out.
		"zookeeper.session.timeout.ms":    "3000",
		"zookeeper.connection.timeout.ms": "20000",
	}
}

func secureProtocol(opts KafkaOptions) string {
	switch {
	case opts.Certificate == nil:
		return "SASL_PLAINTEXT"
	case len(opts.Users) == 0:
		return "SSL"
	default:
		return "SASL_SSL"
	}
}

// secureProperties are those of the second listener. Versions that know pem have
// the certificate in them; for others see keystore.
func secureProperties(opts KafkaOptions, pem bool) map[string]string {
	const (
		listener = secureListener
		security = "org.apache.kafka.common.security."
	)
	p := map[string]string{}
	if len(opts.Users) > 0 {
		p["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		p[listener+"scram-sha-256.sasl.jaas.config"] = security + "scram.ScramLoginModule required;"
		p[listener+"scram-sha-512.sasl.jaas.config"] = security + "scram.ScramLoginModule required;"
		plain := []string{security + "plain.PlainLoginModule required"}
		for _, user := range sortedKeys(opts.Users) {
			plain = append(plain, jaasString("user_"+user)+"="+jaasString(opts.Users[user]))
		}
		p[listener+"plain.sasl.jaas.config"] = strings.Join(plain, " ") + ";"
	}
	if c := opts.Certificate; c != nil && pem {
		p[listener+"ssl.keystore.type"] = "PEM"
		p[listener+"ssl.keystore.certificate.chain"] = string(c.Cert)
		p[listener+"ssl.keystore.key"] = string(c.Key)
	}
	return p
}

// secureListener is before the names of the second listener's own properties.
const secureListener = "listener.name.secure."

// jaasString quotes a word of a JAAS configuration, so that a user name may
// hold a #, as CKafka's do.
func jaasString(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// propertiesText writes a Java properties file.
func propertiesText(properties map[string]string) []byte {
	escape := strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`)
	var b bytes.Buffer
	for _, name := range sortedKeys(properties) {
		fmt.Fprintf(&b, "%s=%s\n", name, escape.Replace(properties[name]))
	}
	return b.Bytes()
}
