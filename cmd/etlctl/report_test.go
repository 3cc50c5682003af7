package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestNumbers(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		assert.Equal(t, want, thousands(n))
	}
	assert.Equal(t, "1 event", number(1, "event"))
	assert.Equal(t, "0 events", number(0, "event"))
	assert.Equal(t, "2,000 deliveries", number(2000, "delivery"))
}

func TestShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1234567890: "1.23s", 12_345_678: "12.35ms", 123_456: "123µs", 0: "0s",
	} {
		assert.Equal(t, want, short(d).String())
	}
}

func TestClip(t *testing.T) {
	whole := strings.Repeat("x", 1500)
	assert.Equal(t, whole, clip(whole))
	assert.Equal(t, whole[1:]+"… (1,502 bytes)", clip(whole[1:]+"中"), "cut between characters")
}
