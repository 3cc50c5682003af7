//go:build e2e

package versions

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// version is what a version can do.
type version struct {
	kind servers.Kind
	// headers says that its records have some.
	headers bool
	// secure versions can have the test's listener with TLS and users.
	secure bool
}

var versions = []version{
	{servers.KindKafka111, true, false},
	{servers.KindKafka24, true, true},
	{servers.KindKafka28, true, false},
	{servers.KindKafka, true, true},
	{servers.KindKafka41, true, true},
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
	_, said := f.run(t, 0, f.toKafka(f.name("copy")), "check")
	t.Logf("\n%s", said)
	f.record(t)

	if f.mechanism == "" {
		s := f.trigger(t, f.records, f.toElasticsearch(), f.source("--group", f.name("etl"))...)
		dead := count(f.records, f.conflicts)
		assert.Equal(t, []int{f.records, f.records - dead, dead}, []int{s.Account.Records, s.Account.Stored, s.Account.Dead})
		f.mustBeInElasticsearch(t, f.conflicts)
	}
	environ, letters := f.toKafka(f.name("copy")), count(f.records, large)
	if f.mechanism != "" { // both at once
		environ = append(environ, f.toElasticsearch()...)
	}
	s := f.trigger(t, f.records, environ, f.source("--group", f.name("copy"))...)
	assert.Equal(t, []int{f.records, f.records - letters, letters}, []int{s.Account.Records, s.Account.Stored, s.Account.Dead}, s.stderr)
	if f.mechanism != "" {
		f.mustBeInElasticsearch(t, large)
	}
	f.verify(t, letters, 0)

	// Nobody knows what was redriven before.
	_, said = f.run(t, 2, f.toKafka(f.name("copy")), "redrive", "--from", "topic", "--group", f.name("redrive"))
	assert.Contains(t, said, "--from-start")
	r, said := f.redrive(t, 1, "--from-start")
	assert.Equal(t, map[string]int{"refused": letters}, r.Outcomes, said)
	require.NoError(t, f.kafka.AlterTopic(t.Context(), f.name("copy"), map[string]string{"max.message.bytes": "1000000"}))
	f.awaitLarge(t)
	r, said = f.redrive(t, 0)
	assert.Equal(t, map[string]int{"stored": letters}, r.Outcomes, said)
	r, said = f.redrive(t, 0)
	assert.Zero(t, r.Read, said)
	f.verify(t, 0, letters)
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
		var report struct {
			Checks []struct {
				Check string `json:"check"`
				Text  string `json:"text"`
			} `json:"checks"`
		}
		require.NoError(t, json.Unmarshal([]byte(out), &report))
		want := fmt.Sprintf("%s has %d partitions, takes messages of up to 1,000,000 bytes", f.name("copy"), partitions)
		for _, c := range report.Checks {
			if c.Check == "topic" && len(c.Text) >= len(want) && c.Text[:len(want)] == want {
				return true
			}
		}
		return false
	}, stepTimeout, 50e6)
}
