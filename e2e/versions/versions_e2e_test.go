//go:build e2e

package versions

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// version is what a version can do.
type version struct {
	kind servers.Kind
	name string
	// headers says that its records have some, formats that a topic may keep them
	// as older versions did, without.
	headers, formats bool
	// secure versions can have the test's listener with TLS and users.
	secure bool
	// lacks is what check says of it, exactly.
	lacks []string
}

// What check says.
const (
	bare     = "before Kafka 0.11 records are written without headers and without idempotence: a batch whose answer gets lost is written twice, in order"
	untold   = "before Kafka 0.11 a topic's size limit and cleanup.policy are not told"
	expiring = "before Kafka 2.1 a group's committed offsets expire (offsets.retention.minutes) although it runs: etlctl trigger commits them again every ten minutes"
	rights   = "before Kafka 2.3 whether a topic may be written to is not told"
	unnamed  = "before Kafka 2.4 a record that is refused is not named: it is found by writing its batch in ever smaller parts"
)

var versions = []version{
	{servers.KindKafka0102, "0.10 or later", false, false, false, []string{bare, untold, expiring, rights, unnamed}},
	{servers.KindKafka111, "1.1", true, true, false, []string{expiring, rights, unnamed}},
	{servers.KindKafka24, "2.4", true, true, true, nil},
	{servers.KindKafka28, "2.8", true, true, false, nil},
	{servers.KindKafka, "3.9", true, false, true, nil},
	{servers.KindKafka41, "4.1", true, false, true, nil},
}

// Every command on each version: all records are in Elasticsearch, or in a dead
// letter, and in the other topic, or in a letter that is redriven: none is lost
// and none is there twice. No question about a topic makes it, although the
// brokers would.
func TestVersions(t *testing.T) {
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	chosen := slices.DeleteFunc(slices.Clone(versions), func(v version) bool { return !slices.Contains(kinds, v.kind) })
	if !slices.Contains(kinds, servers.KindES7) || len(chosen) == 0 {
		return
	}
	require.NoError(t, servers.Require(t.Context(), kinds...))
	es, err := servers.StartElasticsearch(t.Context(), servers.KindES7, servers.ElasticsearchOptions{})
	require.NoError(t, err)
	t.Cleanup(es.Close)
	p := build(t)
	ca, err := servers.NewCA("e2e")
	require.NoError(t, err)
	caFile := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(caFile, ca.PEM(), 0o600))
	for _, v := range chosen {
		t.Run(string(v.kind), func(t *testing.T) {
			opts := servers.KafkaOptions{Kind: v.kind, Properties: map[string]string{"auto.create.topics.enable": "true"}}
			if v.secure {
				opts.Users = map[string]string{user: password}
				var err error
				opts.Certificate, err = ca.Issue("127.0.0.1")
				require.NoError(t, err)
			}
			k, err := servers.StartKafka(t.Context(), opts)
			require.NoError(t, err)
			t.Cleanup(k.Close)
			t.Cleanup(func() {
				if dir := os.Getenv("E2E_LOGS"); dir != "" && t.Failed() { //nolint:forbidigo // the caller chooses
					assert.NoError(t, k.KeepLogs(filepath.Join(dir, filepath.Base(t.Name()))))
				}
			})
			f := &flow{programs: p, version: v, kafka: k, es: es, records: 2000}
			t.Run("clear", f.all)
			if !v.secure {
				return
			}
			for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
				f := &flow{programs: p, version: v, kafka: k, es: es, ca: caFile, mechanism: mechanism, records: 300}
				t.Run(mechanism, f.all)
			}
		})
	}
}

// all goes through all commands.
func (f *flow) all(t *testing.T) {
	f.prepare(t)
	f.makesNoTopic(t)
	f.check(t)
	f.record(t)

	if f.mechanism == "" {
		s := f.trigger(t, f.records, f.toElasticsearch(), f.source("--group", f.name("etl"))...)
		dead := count(f.records, f.conflicts)
		assert.Equal(t, []int{f.records, f.records - dead, dead}, []int{s.Account.Records, s.Account.Stored, s.Account.Dead})
		f.mustBeInElasticsearch(t, f.conflicts)
	}
	copied, letters := f.name("copy"), count(f.records, f.large)
	environ := f.toKafka(copied)
	if f.mechanism != "" { // both at once
		environ = append(environ, f.toElasticsearch()...)
	}
	f.copies(t, environ, copied, letters)
	if f.mechanism != "" {
		f.mustBeInElasticsearch(t, f.large)
	}
	if !f.version.headers {
		f.verify(t, copied, 0, 0, "--match", "content")
		_, said := f.run(t, 1, f.toKafka(copied), "verify", "--source-address", f.brokers(), "--source-topic", f.name("app"))
		assert.Contains(t, said, "its brokers are older than Kafka 0.11")
		assert.Contains(t, said, "--match content")
		return
	}
	f.verify(t, copied, letters, 0)
	f.redrivesAll(t, letters)
	f.verify(t, copied, 0, letters)
	if f.mechanism == "" {
		f.intoCompacted(t)
		f.intoOldFormat(t)
	}
}

// copies has the records written to a topic, of which so many become letters.
func (f *flow) copies(t *testing.T, environ []string, topic string, letters int) summary {
	t.Helper()
	s := f.trigger(t, f.records, environ, f.source("--group", topic)...)
	assert.Equal(t, []int{f.records, f.records - letters, letters}, []int{s.Account.Records, s.Account.Stored, s.Account.Dead}, s.stderr)
	assert.Equal(t, !f.version.headers, strings.Contains(s.stderr, "the brokers are older than Kafka 0.11: messages are written without headers"), s.stderr)
	return s
}

// check says what the version is and cannot do.
func (f *flow) check(t *testing.T) {
	t.Helper()
	out, _ := f.run(t, 0, f.toKafka(f.name("copy")), "check", "--json")
	var report checkReport
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	assert.Equal(t, append([]string{"Kafka " + f.version.name + ", by what the brokers know"}, f.version.lacks...), report.texts("version"))
	if !f.version.headers {
		_, said := f.run(t, 1, f.toKafka(f.name("copy"), "kafka_dead_letter_topic="+f.name("letters")), "check")
		assert.Contains(t, said, f.name("letters")+" takes no dead letters")
	}
}

type checkReport struct {
	Checks []struct {
		Check string `json:"check"`
		Text  string `json:"text"`
	} `json:"checks"`
}

func (r *checkReport) texts(check string) (texts []string) {
	for _, c := range r.Checks {
		if c.Check == check {
			texts = append(texts, c.Text)
		}
	}
	return texts
}

// redrivesAll has the letters redriven once the topic takes them.
func (f *flow) redrivesAll(t *testing.T, letters int) {
	t.Helper()
	// Nobody knows what was redriven before.
	_, said := f.run(t, 2, f.toKafka(f.name("copy")), "redrive", "--from", "topic", "--group", f.name("redrive"))
	assert.Contains(t, said, "--from-start")
	r, said := f.redrive(t, 1, "--from-start")
	assert.Equal(t, map[string]int{"refused": letters}, r.Outcomes, said)
	require.NoError(t, f.kafka.AlterTopic(t.Context(), f.name("copy"), map[string]string{"max.message.bytes": "1000000"}))
	f.awaitLarge(t)
	r, said = f.redrive(t, 0)
	assert.Equal(t, map[string]int{"stored": letters}, r.Outcomes, said)
	r, said = f.redrive(t, 0)
	assert.Zero(t, r.Read, said)
}

// intoCompacted has the records written to a compacted topic, which takes none
// without a key. Brokers before 2.4 call them damaged and do not say which they
// are.
func (f *flow) intoCompacted(t *testing.T) {
	t.Helper()
	compacted := f.name("compacted")
	require.NoError(t, f.kafka.CreateTopic(t.Context(), compacted, partitions, map[string]string{"cleanup.policy": "compact"}))
	keyless := count(f.records, func(i int) bool { return !keyed(i) })
	f.copies(t, f.toKafka(compacted), compacted, keyless)
	f.verify(t, compacted, keyless, 0)
}

// intoOldFormat has the records written to a topic that keeps them without
// headers.
func (f *flow) intoOldFormat(t *testing.T) {
	t.Helper()
	if !f.version.formats {
		return
	}
	old := f.name("old")
	require.NoError(t, f.kafka.CreateTopic(t.Context(), old, partitions, map[string]string{"message.format.version": "0.10.2"}))
	s := f.copies(t, f.toKafka(old), old, 0)
	assert.Contains(t, s.stderr, "the topic's message.format.version is older than 0.11")
	f.verify(t, old, 0, 0, "--match", "content")
}

// makesNoTopic has each command look for topics that are not there.
func (f *flow) makesNoTopic(t *testing.T) {
	t.Helper()
	before := topics(t, f.kafka)
	missing := f.name("missing")
	_, said := f.run(t, 1, f.toKafka(missing, "kafka_dead_letter_topic="+missing+"-letters"), "check")
	assert.Contains(t, said, "✗ topic         "+missing+": ")
	assert.Contains(t, said, "none is ever created: look at kafka_topic_name ("+missing+")")
	_, said = f.run(t, 1, nil, append([]string{"record", "--out", t.TempDir(), "--brokers", f.brokers(), "--topic", missing}, f.reading("")...)...)
	assert.Contains(t, said, missing)
	_, said = f.run(t, 1, f.toKafka(missing), append([]string{"verify", "--source-address", f.brokers(), "--source-topic", missing}, f.reading("source-")...)...)
	assert.Contains(t, said, missing)
	_, said = f.run(t, 1, f.toKafka(missing, "kafka_dead_letter_topic="+missing+"-letters"), "redrive", "--from", "topic")
	assert.Contains(t, said, missing)
	assert.ElementsMatch(t, before, topics(t, f.kafka))
}

// awaitLarge returns when the copy takes what it did not take before: brokers
// hear of a setting a moment after it was made.
func (f *flow) awaitLarge(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool {
		out, _ := f.run(t, 0, f.toKafka(f.name("copy")), "check", "--json")
		var report checkReport
		require.NoError(t, json.Unmarshal([]byte(out), &report))
		want := fmt.Sprintf("%s has %d partitions, takes messages of up to 1,000,000 bytes", f.name("copy"), partitions)
		return strings.HasPrefix(report.texts("topic")[0], want)
	}, stepTimeout, 50*time.Millisecond)
}
