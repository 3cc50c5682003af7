package benchmark

import (
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sound is a configuration for few records.
func sound(t *testing.T) Config {
	t.Helper()
	var c Config
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	c.Flags(f)
	require.NoError(t, f.Parse([]string{"--records", "25", "--fault-records", "20", "--partitions", "3", "--max-msg-num", "4", "--instances", "2"}))
	c.Elasticsearch.URL = "http://127.0.0.1:1"
	c.Brokers = []string{"127.0.0.1:2", "127.0.0.1:3"}
	return c
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"sound", func(*Config) {}, ""},
		{"records", func(c *Config) { c.Records = 0 }, "records: got 0, want at least 1"},
		{"rounds", func(c *Config) { c.Rounds = 0 }, "rounds: got 0"},
		{"warm-up", func(c *Config) { c.Warmup = -1 }, "warmup: got -1"},
		{"partitions", func(c *Config) { c.Partitions = 0 }, "partitions: got 0"},
		{"instances", func(c *Config) { c.Instances = 0 }, "instances: got 0"},
		{"event", func(c *Config) { c.MaxMsgNum = 10_001 }, "max-msg-num: got 10001, want 1 to 10000"},
		{"fault", func(c *Config) { c.Faults = []string{"fire"} }, `faults: got "fire", want some of down, 429, killed, conflict`},
		{"fault records", func(c *Config) { c.FaultRecords = 9 }, "fault-records: got 9, want at least 10"},
		{"fault time", func(c *Config) { c.FaultTime = 0 }, "fault-time: got 0s"},
		{"no faults", func(c *Config) { c.Faults, c.FaultTime = []string{NoFaults}, -time.Second }, ""},
		{"no faults without a topic", func(c *Config) { c.Brokers, c.FaultRecords = nil, 0 }, ""},
		{"address", func(c *Config) { c.Elasticsearch.URL = "127.0.0.1:9200" }, "want http://host:port"},
		{"TLS", func(c *Config) { c.Elasticsearch.URL = "https://127.0.0.1:9200" }, "need a server without TLS"},
		{"TLS without faults", func(c *Config) { c.Elasticsearch.URL, c.Faults = "https://127.0.0.1:9200", []string{NoFaults} }, ""},
		{"rsyslog without a topic", func(c *Config) { c.Rsyslogd, c.Brokers = "rsyslogd", nil }, "rsyslogd: reads a topic"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := sound(t)
			tt.change(&c)
			err := c.Validate()
			if tt.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, tt.want)
		})
	}
}
