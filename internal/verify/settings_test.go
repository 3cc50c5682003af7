package verify_test

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/internal/verify"
)

// Brokers before 0.11, and topics that keep the format of such, have no headers:
// that was said only after both topics had been read.
func TestFormatsWithoutHeaders(t *testing.T) {
	t.Parallel()
	old := kversion.V2_8_0()
	old.SetMaxKeyVersion(int16(kmsg.Produce), 2)
	for name, x := range map[string]struct {
		versions *kversion.Versions
		format   string
		want     string
	}{
		"old brokers":      {old, "", "target topic target: its brokers are older than Kafka 0.11, so its records have no headers"},
		"format 0.10.2":    {nil, "0.10.2-IV0", "its message.format.version is 0.10.2-IV0, so"},
		"format 0.9":       {nil, "0.9.0", "its message.format.version is 0.9.0, so"},
		"format 0.11":      {nil, "0.11.0-IV2", ""},
		"format 2.8":       {nil, "2.8-IV1", ""},
		"not one of these": {nil, "0.100", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, 1, nil)
			produce(t, c, "source", &kgo.Record{Value: []byte("a")})
			produce(t, c, "target", named(&kgo.Record{Value: []byte("a")}))
			if x.versions != nil {
				c.ControlKey(int16(kmsg.ApiVersions), func(req kmsg.Request) (kmsg.Response, error, bool) {
					c.KeepControl()
					return apiVersions(req, x.versions), nil, true
				})
			}
			if x.format != "" {
				c.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
					c.KeepControl()
					return topicConfig(req, map[string]string{"cleanup.policy": "delete", "message.format.version": x.format}), nil, true
				})
			}
			cfg := config(c)
			var read atomic.Bool // both sides tell
			cfg.Progress = func(int64, int64) { read.Store(true) }
			_, err := verify.Run(t.Context(), cfg)
			if x.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, x.want)
			require.ErrorContains(t, err, "--match content")
			require.False(t, read.Load(), "it is known before anything is read")
			cfg.Match = verify.Content
			assert.True(t, run(t, cfg).Same(verify.Allowed{}))
		})
	}
}

// apiVersions is the answer of a broker that knows these versions.
func apiVersions(req kmsg.Request, versions *kversion.Versions) kmsg.Response {
	resp, _ := req.ResponseKind().(*kmsg.ApiVersionsResponse)
	versions.EachMaxKeyVersion(func(key, version int16) {
		k := kmsg.NewApiVersionsResponseApiKey()
		k.ApiKey, k.MaxVersion = key, version
		resp.ApiKeys = append(resp.ApiKeys, k)
	})
	return resp
}

// topicConfig is the answer about a topic with these settings.
func topicConfig(req kmsg.Request, settings map[string]string) kmsg.Response {
	resp, _ := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
	r := kmsg.NewDescribeConfigsResponseResource()
	for name, value := range settings {
		c := kmsg.NewDescribeConfigsResponseResourceConfig()
		c.Name, c.Value = name, &value
		r.Configs = append(r.Configs, c)
	}
	resp.Resources = append(resp.Resources, r)
	return resp
}
