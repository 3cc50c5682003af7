package servers

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestKafkaProperties(t *testing.T) {
	k := &Kafka{Nodes: []*KafkaNode{
		{Process: &Process{dir: "/one"}, id: 1, plain: "127.0.0.1:1", control: "127.0.0.1:2", secure: "127.0.0.1:3"},
		{Process: &Process{dir: "/two"}, id: 2, plain: "127.0.0.1:4", control: "127.0.0.1:5", secure: "127.0.0.1:6"},
	}}
	users, cert := map[string]string{"a": "b"}, &Certificate{Cert: []byte("CERT\n"), Key: []byte("KEY\n")}
	secure := "PLAINTEXT://127.0.0.1:4,SECURE://127.0.0.1:6"
	tests := map[string]struct {
		opts KafkaOptions // of a version without ZooKeeper, unless Kind says one
		want map[string]string
	}{
		"by default": {KafkaOptions{}, map[string]string{
			"node.id": "2", "controller.quorum.voters": "1@127.0.0.1:2,2@127.0.0.1:5",
			"listeners":                        "PLAINTEXT://127.0.0.1:4,CONTROLLER://127.0.0.1:5",
			"advertised.listeners":             "PLAINTEXT://127.0.0.1:4",
			"offsets.topic.replication.factor": "2", "log.dirs": "/two/data", "auto.create.topics.enable": "false",
		}},
		"users": {KafkaOptions{Users: users}, map[string]string{
			"advertised.listeners": secure, "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECURE:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT",
			"listener.name.secure.plain.sasl.jaas.config": `org.apache.kafka.common.security.plain.PlainLoginModule required "user_a"="b";`,
			"listener.name.secure.ssl.keystore.key":       "",
		}},
		"certificate": {KafkaOptions{Certificate: cert}, map[string]string{
			"advertised.listeners": secure, "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECURE:SSL,CONTROLLER:PLAINTEXT",
			"listener.name.secure.ssl.keystore.key": "KEY\n", "sasl.enabled.mechanisms": "",
		}},
		"users and certificate": {KafkaOptions{Users: users, Certificate: cert}, map[string]string{
			"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT",
		}},
		"zookeeper": {KafkaOptions{Kind: KindKafka24, Users: users, Certificate: cert}, map[string]string{
			"broker.id": "2", "zookeeper.connect": "127.0.0.1:7", "node.id": "", "process.roles": "",
			"listeners":                             "PLAINTEXT://127.0.0.1:4,SECURE://127.0.0.1:6",
			"listener.security.protocol.map":        "PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL",
			"listener.name.secure.ssl.keystore.key": "",
			"sasl.enabled.mechanisms":               "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
		}},
		"own properties win": {KafkaOptions{Properties: map[string]string{"log.dirs": "/else", "message.max.bytes": "9"}}, map[string]string{
			"log.dirs": "/else", "message.max.bytes": "9",
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			k.recipe = recipe{}
			if tt.opts.Kind != "" {
				var err error
				k.recipe, err = recipeOf(tt.opts.Kind)
				require.NoError(t, err)
				k.zookeeper = &zookeeper{addr: "127.0.0.1:7"}
			}
			got := k.properties(k.Nodes[1], tt.opts)
			for key, want := range tt.want {
				assert.Equal(t, want, got[key], key)
			}
		})
	}
}

func TestPropertiesText(t *testing.T) {
	got := propertiesText(map[string]string{"b": `back\slash`, "a": "two\nlines", "c": jaasString(`q"\`)})
	assert.Equal(t, "a=two\\nlines\nb=back\\\\slash\nc=\"q\\\\\"\\\\\\\\\"\n", string(got))
}
