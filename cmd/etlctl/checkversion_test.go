package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// check said "all well" of Kafka 0.10.2, where nothing could be written, and made
// the topic there that it did not find.
func TestCheckKafkaVersions(t *testing.T) {
	const (
		bare     = "! version       before Kafka 0.11 " + writtenBare
		untold   = "· version       before Kafka 0.11 a topic's size limit and cleanup.policy are not told"
		noZstd   = "✗ version       before Kafka 2.1 messages cannot be compressed with zstd"
		expiring = "· version       before Kafka 2.1 a group's committed offsets expire (offsets.retention.minutes) although it runs"
		rights   = "· version       before Kafka 2.3 whether a topic may be written to is not told"
		unnamed  = "· version       before Kafka 2.4 a record that is refused is not named"
		letters  = "✗ topic         letters takes no dead letters: they say in headers why a record was refused, and its messages have none"
		refuses  = "· topic         compacted is compacted: a record without a key is refused"
	)
	all := []string{bare, untold, noZstd, expiring, rights, unnamed, letters, refuses}
	for _, tc := range []struct {
		name     string
		versions *kversion.Versions
		env      []string
		code     int
		version  string
		want     []string // of all
	}{
		{"0.10.2", kversion.V0_10_2(), nil, exitOK, "0.10", []string{bare, untold, expiring, rights, unnamed}},
		{"0.10.2, letters", kversion.V0_10_2(), []string{"kafka_dead_letter_topic=letters"}, exitFailure, "0.10", []string{bare, untold, expiring, rights, unnamed, letters}},
		{"1.1", kversion.V1_1_0(), []string{"kafka_dead_letter_topic=letters"}, exitOK, "0.11", []string{expiring, rights, unnamed}},
		{"1.1, compacted", kversion.V1_1_0(), []string{"kafka_topic_name=compacted"}, exitOK, "0.11", []string{expiring, rights, unnamed, refuses}},
		{"2.0, zstd", kversion.V2_0_0(), []string{"kafka_compression=zstd"}, exitFailure, "0.11", []string{noZstd, expiring, rights, unnamed}},
		{"2.1, zstd", kversion.V2_1_0(), []string{"kafka_compression=zstd"}, exitOK, "2.1", []string{rights, unnamed}},
		{"2.4", kversion.V2_4_0(), nil, exitOK, "2.4", nil},
		{"3.9", kversion.V3_9_0(), nil, exitOK, "2.4", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := startKafka(t, kfake.MaxVersions(tc.versions), kfake.AllowAutoTopicCreation(), kfake.SeedTopics(1, "letters"))
			require.NoError(t, c.CreateTopic("compacted", 1, map[string]string{"cleanup.policy": "compact"}))
			env := append([]string{"kafka_address=" + c.ListenAddrs()[0], "kafka_topic_name=copy"}, tc.env...)
			out, _, code := runTool(t, env, "check", "--timeout", "3s")
			assert.Equal(t, tc.code, code, out)
			assert.Contains(t, out, "✓ version       Kafka "+tc.version)
			for _, line := range all {
				wanted := false
				for _, w := range tc.want {
					wanted = wanted || w == line
				}
				assert.Equal(t, wanted, strings.Contains(out, line), "%s\n%s", line, out)
			}

			_, errOut, code := runTool(t, []string{env[0], "kafka_topic_name=none", "kafka_dead_letter_topic=none-either"}, "check", "--timeout", "3s")
			assert.Equal(t, exitFailure, code, errOut)
			assert.Nil(t, c.TopicInfo("none"), "nothing is created")
			assert.Nil(t, c.TopicInfo("none-either"), "nothing is created")
		})
	}
}

// A topic can keep messages as brokers did that have long been upgraded.
func TestCheckKafkaOldFormat(t *testing.T) {
	c := startKafka(t, kfake.MaxVersions(kversion.V2_8_0()), kfake.SeedTopics(1, "letters"))
	c.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		asked, _ := req.(*kmsg.DescribeConfigsRequest)
		res, ok := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
		if !ok {
			return nil, nil, false
		}
		for _, r := range asked.Resources {
			answer := kmsg.NewDescribeConfigsResponseResource()
			answer.ResourceType, answer.ResourceName = r.ResourceType, r.ResourceName
			setting := kmsg.NewDescribeConfigsResponseResourceConfig()
			setting.Name, setting.Value = "message.format.version", new("0.10.2-IV0")
			answer.Configs = append(answer.Configs, setting)
			res.Resources = append(res.Resources, answer)
		}
		return res, nil, true
	})
	env := []string{"kafka_address=" + c.ListenAddrs()[0], "kafka_topic_name=copy"}
	out, _, code := runTool(t, env, "check")
	assert.Equal(t, exitOK, code, out)
	assert.Contains(t, out, "! topic         copy has the message format of Kafka 0.10.2-IV0: "+writtenBare)
	assert.Contains(t, out, "→ look at message.format.version of the topic")
	out, _, code = runTool(t, append(env, "kafka_dead_letter_topic=letters"), "check")
	assert.Equal(t, exitFailure, code, out)
	assert.Contains(t, out, "✗ topic         letters takes no dead letters")
}

// In the middle of an upgrade the oldest broker is what counts.
func TestCheckKafkaMixedVersions(t *testing.T) {
	c := startKafka(t)
	c.ControlKey(int16(kmsg.ApiVersions), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		res, ok := req.ResponseKind().(*kmsg.ApiVersionsResponse)
		if !ok || c.CurrentNode() == 0 {
			return nil, nil, false
		}
		kversion.V2_0_0().EachMaxKeyVersion(func(k, v int16) {
			key := kmsg.NewApiVersionsResponseApiKey()
			key.ApiKey, key.MaxVersion = k, v
			res.ApiKeys = append(res.ApiKeys, key)
		})
		return res, nil, true
	})
	out, _, code := runTool(t, []string{"kafka_address=" + c.ListenAddrs()[0], "kafka_topic_name=copy"}, "check")
	assert.Equal(t, exitOK, code, out)
	assert.Regexp(t, `version       Kafka 2\.4 or later, 2\.0, by what the brokers know`, out)
	assert.Contains(t, out, "before Kafka 2.1 a group's committed offsets expire")
}
