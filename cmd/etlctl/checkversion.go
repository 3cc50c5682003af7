package main

import (
	"context"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/internal/core/brokers"
)

const (
	versionCheck = "version"

	// writtenBare says what it means that messages have no headers.
	writtenBare = "records are written without headers and without idempotence: a batch whose answer gets lost is written twice, in order"
)

// A lack is what brokers before a version cannot do.
type lack struct {
	since   string // the version of Kafka that can
	able    func(brokers.Abilities) bool
	status  status
	text    string
	hint    string
	matters func(*kafkaCheck) bool // nil: it does in every case
}

// lacks are in the order of the versions. Brokers before 0.10 are refused when
// they are asked. README has them in its table.
var lacks = []lack{ //nolint:gochecknoglobals // a table that is never written
	{
		"0.11", brokers.Abilities.RecordBatches, statusWarning, writtenBare,
		"compare with etlctl verify --match content", nil,
	},
	{
		"0.11", brokers.Abilities.TopicSettings, statusNote,
		"a topic's size limit and cleanup.policy are not told", "", nil,
	},
	{
		"2.1", brokers.Abilities.Zstd, statusFailed,
		"messages cannot be compressed with zstd", "set kafka_compression to another", func(c *kafkaCheck) bool { return c.cfg.Compression == "zstd" },
	},
	{
		"2.1", brokers.Abilities.LastingOffsets, statusNote,
		"a group's committed offsets expire (offsets.retention.minutes) although it runs: etlctl trigger commits them again every ten minutes", "", nil,
	},
	{
		"2.3", brokers.Abilities.Rights, statusNote,
		"whether a topic may be written to is not told", "", nil,
	},
	{
		"2.4", brokers.Abilities.NamedRefusals, statusNote,
		"a record that is refused is not named: it is found by writing its batch in ever smaller parts", "", nil,
	},
}

// version says which versions of Kafka the brokers have, as far as that can be
// told by what they know, and what the oldest of them cannot do.
func (c *kafkaCheck) version(all []brokers.Abilities) {
	c.abilities = brokers.Common(all...)
	var names []string
	for _, a := range all {
		if name := versionOf(a); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	c.r.ok(versionCheck, "Kafka %s, by what the brokers know", strings.Join(names, ", "))
	for _, l := range lacks {
		if l.able(c.abilities) || l.matters != nil && !l.matters(c) {
			continue
		}
		c.r.add(l.status, versionCheck, l.hint, "before Kafka %s %s", l.since, l.text)
	}
}

// versionOf names the version that knows what the broker knows, such as "2.8", or
// "2.4 or later" for one that was built by others than Kafka's.
func versionOf(a brokers.Abilities) string {
	known := new(kversion.Versions)
	for key, newest := range a {
		known.SetMaxKeyVersion(key, newest)
	}
	if exact, ok := strings.CutPrefix(known.VersionGuess(), "v"); ok {
		return exact
	}
	least := "0.10"
	for _, l := range lacks {
		if l.able(a) {
			least = l.since
		}
	}
	return least + " or later"
}

// format says what follows from how a topic keeps its messages.
func (c *kafkaCheck) format(ctx context.Context, cl *kgo.Client, use topicUse) {
	const check = "topic"
	var s brokers.Settings
	if c.abilities.TopicSettings() {
		ctx, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		s, _ = brokers.AskSettings(ctx, cl, use.name) // who may not see them is told nothing
	}
	bare := !c.abilities.RecordBatches() || !c.abilities.OneFormat() && !s.Format.Headers()
	switch {
	case bare && use.variable == deadLetterTopic:
		c.r.fail(check, "look at "+use.variable+" and at the topic's message.format.version; brokers before Kafka 0.11 have no headers at all",
			"%s takes no dead letters: they say in headers why a record was refused, and its messages have none", use.name)
	case bare && c.abilities.RecordBatches():
		c.r.warn(check, "look at message.format.version of the topic; compare with etlctl verify --match content",
			"%s has the message format of Kafka %s: %s", use.name, s.Format, writtenBare)
	}
	if s.Compacted {
		c.r.note(check, "%s is compacted: a record without a key is refused", use.name)
	}
}
