//go:build e2e

package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/topicmeta"
)

// A topic takes no large messages: they become letters in a topic that does.
// Once the limit is raised, the bodies are in the target as they came.
func TestRedriveTopicReal(t *testing.T) {
	if len(selectedServers(t, servers.KindKafka)) == 0 {
		return // not chosen
	}
	k, err := servers.StartKafka(t.Context(), servers.KafkaOptions{Brokers: 1})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	require.NoError(t, k.CreateTopic(t.Context(), "copy", 3, map[string]string{"max.message.bytes": "5000"}))
	require.NoError(t, k.CreateTopic(t.Context(), "letters", 2, nil))
	environ := []string{
		"kafka_address=" + strings.Join(k.Brokers(), ","), "kafka_topic_name=copy", "kafka_dead_letter_topic=letters",
		"kafka_compression=none", "Log_Level=error",
	}
	body := func(n int) string {
		if n%4 == 0 {
			return fmt.Sprintf(`{"n": %d, "secret": %q}`, n, strings.Repeat("x", 20_000))
		}
		return fmt.Sprintf(`{"n": %d}`, n)
	}
	assert.Contains(t, invoke(t, environ, 0, 100, body), `"stored":75,"duplicate":0,"filtered":0,"dead":25,`)

	assert.Contains(t, redriveTool(t, exitOK, environ, "--dry-run", "--from-start"), "would be sent  25")
	out := redriveTool(t, exitFailure, environ, "--from-start")
	assert.Contains(t, out, "refused again, left  25")
	assert.Contains(t, out, "MESSAGE_TOO_LARGE")
	require.Len(t, consume(t, k, "letters"), 25, "none more, none less")

	setConfig(t, k, "copy", "max.message.bytes", "1000000")
	out = redriveTool(t, exitOK, environ, "--limit", "10")
	assert.Contains(t, out, "stored, passed over  10")
	assert.Contains(t, redriveTool(t, exitOK, environ), "stored, passed over  15")
	assert.Contains(t, redriveTool(t, exitOK, environ), "0 letters read")
	messages := consume(t, k, "copy")
	require.Len(t, messages, 100)
	for n := range 100 {
		m := messages[fmt.Sprint(n)]
		require.NotNil(t, m, "%d", n)
		assert.Equal(t, body(n), string(m.Value), "the body as it came")
		assert.Equal(t, fmt.Sprintf("key-%d", n), string(m.Key))
	}
}

// consume reads a topic and returns its messages by source offset, each of
// which may be there once.
func consume(t *testing.T, k *servers.Kafka, topic string) map[string]*kgo.Record {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer c.Close()
	left := int64(0)
	for _, n := range present(t, c, topic) {
		left += n
	}
	found := make(map[string]*kgo.Record)
	for left > 0 {
		f := c.PollFetches(t.Context())
		require.Empty(t, f.Errors())
		f.EachRecord(func(r *kgo.Record) {
			left--
			for _, h := range r.Headers {
				if h.Key == "source.offset" {
					assert.NotContains(t, found, string(h.Value), "twice")
					found[string(h.Value)] = r
				}
			}
		})
	}
	return found
}

// present says how many offsets each partition of a topic has.
func present(t *testing.T, c *kgo.Client, topic string) []int64 {
	t.Helper()
	meta, err := topicmeta.Describe(t.Context(), c, topic)
	require.NoError(t, err)
	all := topicmeta.Partitions(len(meta.Partitions))
	begins, err := topicmeta.Offsets(t.Context(), c, topic, all, topicmeta.Start)
	require.NoError(t, err)
	ends, err := topicmeta.Offsets(t.Context(), c, topic, all, topicmeta.End)
	require.NoError(t, err)
	n := make([]int64, len(all))
	for p := range n {
		n[p] = ends[int32(p)] - begins[int32(p)]
	}
	return n
}

func setConfig(t *testing.T, k *servers.Kafka, topic, name, value string) {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
	require.NoError(t, err)
	defer c.Close()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	rc := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	rc.Name, rc.Value = name, &value
	r.Configs = append(r.Configs, rc)
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, kerr.ErrorForCode(resp.Resources[0].ErrorCode))
}

// secureKafka is a broker of which the user writer may do what etlctl needs,
// through its TLS listener, but may not delete from topics. Whoever comes
// through the other listener may do everything.
type secureKafka struct {
	*servers.Kafka
	ca string // file
}

const securePassword = "S3CRET-kafka"

func startSecureKafka(t *testing.T) *secureKafka {
	t.Helper()
	ca, err := servers.NewCA("e2e")
	require.NoError(t, err)
	cert, err := ca.Issue("127.0.0.1")
	require.NoError(t, err)
	k, err := servers.StartKafka(t.Context(), servers.KafkaOptions{
		Users: map[string]string{"writer": securePassword}, Certificate: cert,
		Properties: map[string]string{
			"authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer", "super.users": "User:ANONYMOUS",
		},
	})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	s := &secureKafka{k, filepath.Join(t.TempDir(), "ca.pem")}
	require.NoError(t, os.WriteFile(s.ca, ca.PEM(), 0o600))
	for _, op := range []kmsg.ACLOperation{kmsg.ACLOperationRead, kmsg.ACLOperationWrite} { // each with describe
		s.allow(t, kmsg.ACLResourceTypeTopic, "*", op)
	}
	s.allow(t, kmsg.ACLResourceTypeGroup, "*", kmsg.ACLOperationRead)
	return s
}

// allow gives the user a right.
func (s *secureKafka) allow(t *testing.T, resource kmsg.ACLResourceType, name string, op kmsg.ACLOperation) {
	t.Helper()
	req := kmsg.NewPtrCreateACLsRequest()
	c := kmsg.NewCreateACLsRequestCreation()
	c.ResourceType, c.ResourceName, c.ResourcePatternType = resource, name, kmsg.ACLResourcePatternTypeLiteral
	c.Principal, c.Host, c.Operation, c.PermissionType = "User:writer", "*", op, kmsg.ACLPermissionTypeAllow
	req.Creations = append(req.Creations, c)
	resp := adminRequest[*kmsg.CreateACLsResponse](t, s.Kafka, req)
	require.NoError(t, kerr.ErrorForCode(resp.Results[0].ErrorCode))
}

// environ are the variables of a function that logs in.
func (s *secureKafka) environ(mechanism string) []string {
	return []string{
		"kafka_address=" + s.SecureBrokers()[0], "kafka_topic_name=copy", "kafka_dead_letter_topic=letters", "kafka_compression=none", "Log_Level=error",
		"kafka_user=writer", "kafka_password=" + securePassword, "kafka_sasl_mechanism=" + mechanism, "kafka_tls=true", "kafka_ca_cert=" + s.ca,
	}
}

func adminRequest[T kmsg.Response](t *testing.T, k *servers.Kafka, req kmsg.Request) T {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
	require.NoError(t, err)
	defer c.Close()
	resp, err := c.Request(t.Context(), req)
	require.NoError(t, err)
	return resp.(T)
}

// deleteGroup has the brokers forget a group's offsets, as they do some time
// after the last commit.
func deleteGroup(t *testing.T, k *servers.Kafka, group string) {
	t.Helper()
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = []string{group}
	resp := adminRequest[*kmsg.DeleteGroupsResponse](t, k, req)
	require.NoError(t, kerr.ErrorForCode(resp.Groups[0].ErrorCode))
}

// The offsets of a group that has redriven everything expire. The next run sent
// all letters a second time. Now they are deleted, where that is allowed, and
// where it is not, nothing is sent without being asked for.
func TestRedriveNeverTwiceReal(t *testing.T) {
	if len(selectedServers(t, servers.KindKafka)) == 0 {
		return // not chosen
	}
	k := startSecureKafka(t)
	require.NoError(t, k.CreateTopic(t.Context(), "copy", 3, map[string]string{"max.message.bytes": "5000"}))
	require.NoError(t, k.CreateTopic(t.Context(), "letters", 2, nil))
	plain := []string{
		"kafka_address=" + strings.Join(k.Brokers(), ","), "kafka_topic_name=copy", "kafka_dead_letter_topic=letters", "kafka_compression=none", "Log_Level=error",
	}
	large := func(n int) string { return fmt.Sprintf(`{"n": %d, "secret": %q}`, n, strings.Repeat("x", 20_000)) }
	assert.Contains(t, invoke(t, plain, 0, 20, large), `"dead":20,`)
	setConfig(t, k.Kafka, "copy", "max.message.bytes", "1000000")
	environ := k.environ("SCRAM-SHA-512")
	left := func() (n int64) {
		c, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
		require.NoError(t, err)
		defer c.Close()
		for _, p := range present(t, c, "letters") {
			n += p
		}
		return n
	}
	refused := func(args ...string) {
		out, errOut, code := runTool(t, environ, append([]string{"redrive"}, args...)...)
		assert.Equal(t, exitUsage, code)
		assert.Empty(t, out)
		assert.Contains(t, errOut, "no committed offset of group etlctl-redrive for partitions 0, 1 of letters: it may have expired")
		assert.Contains(t, errOut, "--from-start sends all of them")
		assert.NotContains(t, errOut, "S3CRET")
	}
	refused()
	refused("--dry-run")

	out := redriveTool(t, exitOK, environ, "--from-start")
	assert.Contains(t, out, "stored, passed over  20")
	assert.Contains(t, strings.Join(strings.Fields(out), " "), "note: letters that are done are still in letters: the user of kafka_user has no right to delete from it")
	assert.EqualValues(t, 20, left())
	assert.Contains(t, redriveTool(t, exitOK, environ), "0 letters read")
	deleteGroup(t, k.Kafka, "etlctl-redrive")
	refused()

	// With the right, and after a run that knows what is done, it matters no more.
	assert.Contains(t, invoke(t, plain, 20, 21, func(int) string { return `{"n": 20}` }), `"stored":1,`)
	k.allow(t, kmsg.ACLResourceTypeTopic, "letters", kmsg.ACLOperationDelete)
	assert.Contains(t, redriveTool(t, exitOK, environ, "--from-start", "--since", "2999-01-01T00:00:00Z"), "not chosen  20")
	assert.EqualValues(t, 20, left(), "what was not sent stays")
	require.Len(t, consume(t, k.Kafka, "copy"), 21, "none is there twice")

	environ = append(environ, "kafka_topic_name=second")
	require.NoError(t, k.CreateTopic(t.Context(), "second", 3, nil))
	assert.Contains(t, redriveTool(t, exitOK, environ), "stored, passed over  20")
	assert.Zero(t, left())
	deleteGroup(t, k.Kafka, "etlctl-redrive")
	assert.Contains(t, redriveTool(t, exitOK, environ), "0 letters read")
	require.Len(t, consume(t, k.Kafka, "second"), 20, "none is there twice")
}

// Each way to log in, over TLS with an authority of our own; and a password that
// is wrong is named by its variable.
func TestRedriveAndVerifySecureReal(t *testing.T) {
	if len(selectedServers(t, servers.KindKafka)) == 0 {
		return // not chosen
	}
	k := startSecureKafka(t)
	large := func(n int) string { return fmt.Sprintf(`{"n": %d, "secret": %q}`, n, strings.Repeat("x", 20_000)) }
	for i, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			topics := []string{fmt.Sprintf("copy-%d", i), fmt.Sprintf("letters-%d", i), fmt.Sprintf("mirror-%d", i)}
			for i, most := range []string{"5000", "100000", "100000"} {
				require.NoError(t, k.CreateTopic(t.Context(), topics[i], 2, map[string]string{"max.message.bytes": most}))
			}
			environ := append(k.environ(mechanism), "kafka_topic_name="+topics[0], "kafka_dead_letter_topic="+topics[1], "kafka_partition=keep")
			assert.Contains(t, invoke(t, environ, 0, 5, large), `"dead":5,`)
			setConfig(t, k.Kafka, topics[0], "max.message.bytes", "100000")
			assert.Contains(t, redriveTool(t, exitOK, environ, "--from-start", "--group", topics[1]), "stored, passed over  5")

			// verify of the topic with its copy, which names it as its source.
			c, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
			require.NoError(t, err)
			defer c.Close()
			sent := slices.SortedFunc(maps.Values(consume(t, k.Kafka, topics[0])), func(a, b *kgo.Record) int { return cmp.Compare(a.Offset, b.Offset) })
			for _, m := range sent {
				require.NoError(t, c.ProduceSync(t.Context(), &kgo.Record{Topic: topics[2], Partition: m.Partition, Key: m.Key, Value: m.Value}).FirstErr())
			}
			args := []string{
				"verify", "--source-address", k.SecureBrokers()[0], "--source-topic", topics[0],
				"--source-user", "writer", "--source-password-env", "PASSWORD", "--source-mechanism", mechanism, "--source-tls", "--source-ca", k.ca,
				"--target-address", k.SecureBrokers()[0], "--target-topic", topics[2],
				"--target-user", "writer", "--target-password-env", "PASSWORD", "--target-mechanism", mechanism, "--target-tls", "--target-ca", k.ca,
				"--match", "content",
			}
			out, errOut, code := runTool(t, []string{"PASSWORD=" + securePassword}, args...)
			assert.Equal(t, exitOK, code, errOut)
			assert.Contains(t, out, topics[2]+" is a copy of "+topics[0]+".")
			_, errOut, code = runTool(t, []string{"PASSWORD=S3CRET-wrong"}, args...)
			assert.Equal(t, exitFailure, code)
			assert.Contains(t, errOut, "source topic "+topics[0]+": ")
			assert.Contains(t, errOut, "SASL_AUTHENTICATION_FAILED")
			assert.NotContains(t, errOut, "S3CRET")

			_, errOut, code = runTool(t, append(environ, "kafka_password=S3CRET-wrong"), "redrive", "--group", topics[1])
			assert.Equal(t, exitFailure, code)
			assert.Contains(t, errOut, "kafka_password")
			assert.NotContains(t, errOut, "S3CRET")
		})
	}
}
