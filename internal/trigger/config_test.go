package trigger_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/trigger"
)

func TestValidate(t *testing.T) {
	sound := trigger.Config{
		Topic: topic, Group: group, MaxMsgNum: 10_000, MaxWait: trigger.MaxWait, Retry: trigger.MaxRetry,
		Oversize: trigger.OversizeStop, MemoryBudget: trigger.MinMemoryBudget, Functions: functions(newFunction(nil)),
	}
	require.NoError(t, sound.Validate())
	tests := []struct {
		name   string
		change func(*trigger.Config)
		want   string
	}{
		{"no topic", func(c *trigger.Config) { c.Topic = "" }, "topic: not set"},
		{"no group", func(c *trigger.Config) { c.Group = "" }, "group: not set"},
		{"no function", func(c *trigger.Config) { c.Functions = nil }, "instances: got 0"},
		{"no records", func(c *trigger.Config) { c.MaxMsgNum = -1 }, "max-msg-num: got -1, want 1 to 10000"},
		{"too many records", func(c *trigger.Config) { c.MaxMsgNum = 10_001 }, "max-msg-num: got 10001"},
		{"too long a wait", func(c *trigger.Config) { c.MaxWait = time.Minute + 1 }, "max-wait: got 1m0.000000001s, want 0 to 1m0s"},
		{"negative wait", func(c *trigger.Config) { c.MaxWait = -1 }, "max-wait: got -1ns"},
		{"too many retries", func(c *trigger.Config) { c.Retry = 10_001 }, "retry: got 10001, want 0 to 10000"},
		{"negative retry", func(c *trigger.Config) { c.Retry = -1 }, "retry: got -1"},
		{"too little memory", func(c *trigger.Config) { c.MemoryBudget = 1 << 20 }, "memory-budget: got 1048576 bytes, want at least 33554432"},
		{"negative grace", func(c *trigger.Config) { c.Grace = -1 }, "grace: got -1ns"},
		{"unknown oversize", func(c *trigger.Config) { c.Oversize = "lose" }, `oversize: got "lose", want stop, skip or dead`},
		{"dead without a topic", func(c *trigger.Config) { c.Oversize = trigger.OversizeDead }, "oversize-topic: not set"},
		{"a topic without dead", func(c *trigger.Config) { c.OversizeTopic = "x" }, "oversize-topic: has no effect"},
		{"the same topic", func(c *trigger.Config) { c.Oversize, c.OversizeTopic = trigger.OversizeDead, topic }, "oversize-topic: is the topic that is read"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := sound
			tt.change(&cfg)
			require.ErrorContains(t, cfg.Validate(), tt.want)
		})
	}
}

func TestParsePosition(t *testing.T) {
	for text, want := range map[string]trigger.Position{
		"latest": trigger.Latest(), "Earliest": trigger.Earliest(),
		"2026-11-24T08:00:00+08:00": trigger.Since(time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)),
	} {
		p, err := trigger.ParsePosition(text)
		require.NoError(t, err, text)
		assert.Equal(t, want.String()[:5], p.String()[:5])
		assert.Equal(t, want.IsLatest(), p.IsLatest(), text)
	}
	for _, text := range []string{"", "now", "2026-11-24", "1969-01-01T00:00:00Z", "-1"} {
		_, err := trigger.ParsePosition(text)
		require.Error(t, err, text)
	}
}
