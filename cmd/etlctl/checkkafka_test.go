package main

import (
	"crypto/tls"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func startKafka(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(2), kfake.SeedTopics(3, "copy")}, opts...)...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func TestCheckKafka(t *testing.T) {
	c := startKafka(t)
	address := "kafka_address=" + strings.Join(c.ListenAddrs(), ",")
	for _, tc := range []struct {
		name string
		env  []string
		code int
		want []string
	}{
		{"all well", []string{"kafka_topic_name=copy"}, exitOK, []string{
			"Kafka " + c.ListenAddrs()[0] + "\n", "✓ login         none is set and none was asked for",
			"Kafka " + c.ListenAddrs()[1] + "\n",
			"✓ brokers       each of 2 brokers of the cluster answers at its advertised address",
			"✓ topic         copy has 3 partitions", "✓ write         copy may be written to, as the broker says; nothing was", "\nall well\n",
		}},
		{"no such topic", []string{"kafka_topic_name=copy", "kafka_dead_letter_topic=letters"}, exitFailure, []string{
			"✓ topic         copy has 3 partitions", "✗ topic         letters: ", "none is ever created: look at kafka_dead_letter_topic (letters)",
		}},
		{"a topic for each source", []string{"kafka_topic_name=copy-{topic}"}, exitOK, []string{
			"· topic         kafka_topic_name is copy-{topic} and depends on the source; not looked at",
		}},
		{"a login that nobody asked for", []string{"kafka_topic_name=copy", "kafka_user=u", "kafka_password=" + secret}, exitFailure, []string{
			"✗ ", "→ look at ",
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out, errOut, code := runTool(t, append(tc.env, address), "check", "--timeout", "3s")
			assert.Equal(t, tc.code, code, out)
			for _, want := range tc.want {
				assert.Contains(t, out, want)
			}
			assert.NotContains(t, out+errOut, secret)
		})
	}
	for _, topic := range []string{"letters", "copy-{topic}", "copy-t"} {
		assert.Nil(t, c.TopicInfo(topic), "nothing is created")
	}
}

func TestCheckKafkaLogin(t *testing.T) {
	c := startKafka(t, kfake.EnableSASL(), kfake.EnableACLs(), kfake.User("PLAIN", "reader", secret, kfake.ACL{
		Resource: kmsg.ACLResourceTypeTopic, Name: "copy", Pattern: kmsg.ACLResourcePatternTypeLiteral,
		Operation: kmsg.ACLOperationDescribe, Allow: true,
	}))
	env := []string{"kafka_address=" + c.ListenAddrs()[0], "kafka_topic_name=copy", "kafka_user=reader", "kafka_password=" + secret}
	out, _, code := runTool(t, env, "check")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, out, "✓ login         accepted as reader (PLAIN)")
	assert.Contains(t, out, "✗ write         copy may not be written to\n")
	assert.Contains(t, out, "→ give reader the right Write on topic copy")
	assert.NotContains(t, out, secret)

	out, _, code = runTool(t, append(env, "kafka_password=wrong"), "check")
	assert.Equal(t, exitFailure, code)
	// This broker hangs up, as old ones do; others say what is wrong.
	assert.Contains(t, out, "✗ protocol      the broker closed the connection\n")
	assert.Contains(t, out, "look at kafka_tls, kafka_user, kafka_password and kafka_sasl_mechanism")
	assert.NotContains(t, out, "Kafka cluster")
}

// TestCheckKafkaCluster looks behind the bootstrap server: records go to the
// partitions' leaders, at the addresses that the cluster advertises.
func TestCheckKafkaCluster(t *testing.T) {
	c := startKafka(t)
	host, port, err := net.SplitHostPort(c.ListenAddrs()[0])
	require.NoError(t, err)
	number, err := strconv.Atoi(port)
	require.NoError(t, err)
	c.ControlKey(int16(kmsg.Metadata), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		res, ok := req.ResponseKind().(*kmsg.MetadataResponse)
		if !ok {
			return nil, nil, false
		}
		for id, port := range []int{number, 1} { // nothing listens at port 1
			b := kmsg.NewMetadataResponseBroker()
			b.NodeID, b.Host, b.Port = int32(id), host, int32(port)
			res.Brokers = append(res.Brokers, b)
		}
		for _, name := range []string{"copy", "letters"} {
			topic := kmsg.NewMetadataResponseTopic() // its rights are not told
			topic.Topic = new(name)
			partition := kmsg.NewMetadataResponseTopicPartition()
			if name == "letters" {
				partition.Leader = -1
			}
			topic.Partitions = append(topic.Partitions, partition)
			res.Topics = append(res.Topics, topic)
		}
		return res, nil, true
	})
	out, _, code := runTool(t, []string{"kafka_address=" + c.ListenAddrs()[0], "kafka_topic_name=copy", "kafka_dead_letter_topic=letters"}, "check", "--timeout", "3s")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, out, "✗ brokers       broker 1 at "+host+":1 gives no answer: ")
	assert.Contains(t, out, "look at advertised.listeners")
	assert.Contains(t, out, "✓ topic         copy has 1 partition")
	assert.Contains(t, out, "· write         the broker does not tell whether copy may be written to")
	assert.Contains(t, out, "✗ topic         letters: 1 of 1 partition have no leader")
	assert.Contains(t, out, "2 problems")
}

// TestCheckKafkaUnreachable goes on with the next broker.
func TestCheckKafkaUnreachable(t *testing.T) {
	c := startKafka(t)
	out, _, code := runTool(t, []string{"kafka_address=127.0.0.1:1," + c.ListenAddrs()[1], "kafka_topic_name=copy"}, "check")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, out, "✗ connection    nothing listens at 127.0.0.1:1\n")
	assert.Contains(t, out, "→ look at the port in kafka_address")
	assert.Contains(t, out, "✓ topic         copy has 3 partitions")
	assert.Contains(t, out, "\n1 problem\n")
}

func TestCheckKafkaTLS(t *testing.T) {
	pair, pool := authority(t)
	c := startKafka(t, kfake.TLS(&tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}))
	env := []string{"kafka_address=" + c.ListenAddrs()[0], "kafka_topic_name=copy", "kafka_tls=true"}
	out, _, code := runTool(t, append(env, "kafka_ca_cert="+pool), "check")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, out, "✓ certificate   trusted: etlctl test, for 127.0.0.1, self-signed, valid until ")

	out, _, code = runTool(t, env, "check")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, out, "✗ certificate   not trusted: certificate signed by unknown authority; it is etlctl test, for 127.0.0.1, self-signed, ")
	assert.Contains(t, out, "→ look at kafka_ca_cert\n")

	out, _, code = runTool(t, append(env[:2:2], "kafka_tls=false"), "check")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, out, "✗ protocol      ")
	assert.Contains(t, out, "kafka_tls")
}
