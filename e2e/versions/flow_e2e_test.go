//go:build e2e

package versions

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/e2e/servers"
)

// partitions of each topic.
const partitions = 4

// flow is the way of some records through all commands, on a cluster, with one
// way to log in.
type flow struct {
	programs
	version   version
	kafka     *servers.Kafka
	es        *servers.Elasticsearch
	ca        string // file
	mechanism string // "": without login and TLS
	records   int
}

// name makes names that no other flow has.
func (f *flow) name(what string) string {
	return strings.ToLower(fmt.Sprintf("%s-%s-%s", what, f.version.kind, cmp.Or(f.mechanism, "clear")))
}

func (f *flow) brokers() string {
	if f.mechanism == "" {
		return strings.Join(f.kafka.Brokers(), ",")
	}
	return strings.Join(f.kafka.SecureBrokers(), ",")
}

// reading are the options of a command that reads, with a prefix.
func (f *flow) reading(prefix string) []string {
	if f.mechanism == "" {
		return nil
	}
	options := []string{"user=" + user, "password-env=PASSWORD", "mechanism=" + f.mechanism, "tls", "ca=" + f.ca}
	for i, o := range options {
		options[i] = "--" + prefix + o
	}
	return options
}

func (f *flow) source(args ...string) []string {
	return append(append([]string{"--brokers", f.brokers(), "--topic", f.name("app")}, f.reading("")...), args...)
}

// toKafka are the variables of a function that writes to a topic.
func (f *flow) toKafka(topic string, more ...string) []string {
	environ := []string{"kafka_address=" + f.brokers(), "kafka_topic_name=" + topic, "kafka_partition=keep"}
	if f.version.headers {
		environ = append(environ, "kafka_dead_letter_topic="+f.name("letters"))
	}
	if f.mechanism != "" {
		environ = append(environ, "kafka_user="+user, "kafka_password="+password, "kafka_sasl_mechanism="+f.mechanism, "kafka_tls=true", "kafka_ca_cert="+f.ca)
	}
	return append(environ, more...)
}

func (f *flow) toElasticsearch() []string {
	return []string{
		"ES_Address=" + f.es.Addr(), "ES_Index_KeyWord=" + f.name("log"), "ES_Time_Field=none",
		"ES_Index_TimeField=@timestamp", "ES_Index_TimeWindow=36500d,36500d",
	}
}

// Some records are not for every sink.
const (
	mostBytes     = 5_000 // what the copy takes, at first
	everyLarge    = 50
	everyConflict = 97
)

func conflict(i int) bool { return i%everyConflict == 13 }

// large records are only there where there is a place for their letters.
func (f *flow) large(i int) bool { return f.version.headers && i%everyLarge == 7 }

func count(n int, is func(int) bool) (found int) {
	for i := range n {
		if is(i) {
			found++
		}
	}
	return found
}

func (f *flow) conflicts(i int) bool { return f.mechanism == "" && conflict(i) }

func (f *flow) body(i int) string {
	level, text := `"info"`, "request was handled"
	if f.conflicts(i) {
		level = `{"a":"conflict"}`
	}
	if f.large(i) { // compressed, too
		text = ""
		for random := rand.New(rand.NewPCG(uint64(i), 0)); len(text) < 4*mostBytes; {
			text += fmt.Sprintf("%x", random.Uint64())
		}
	}
	return fmt.Sprintf(`{"@timestamp":"2026-11-20T12:00:00Z","n":%d,"level":%s,"message":"%s"}`, i, level, text)
}

// prepare makes the topics and the index, and writes the records.
func (f *flow) prepare(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	require.NoError(t, f.kafka.CreateTopic(ctx, f.name("app"), partitions, nil))
	require.NoError(t, f.kafka.CreateTopic(ctx, f.name("copy"), partitions, map[string]string{"max.message.bytes": fmt.Sprint(mostBytes)}))
	require.NoError(t, f.kafka.CreateTopic(ctx, f.name("letters"), 2, nil))
	status, answer, err := f.es.Do(ctx, http.MethodPut, "/"+f.name("log")+"-2026-11-20",
		`{"mappings":{"properties":{"n":{"type":"long"},"level":{"type":"keyword"}}}}`)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status, "%s", answer)
	f.produce(ctx, t, 0, f.records)
}

// produce writes the records with these numbers, some of them without a key.
func (f *flow) produce(ctx context.Context, t *testing.T, first, end int) {
	t.Helper()
	producer, err := kgo.NewClient(kgo.SeedBrokers(f.kafka.Brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer producer.Close()
	var recs []*kgo.Record
	for i := first; i < end; i++ {
		r := &kgo.Record{Topic: f.name("app"), Partition: int32(i % partitions), Value: []byte(f.body(i))}
		if keyed(i) {
			r.Key = fmt.Appendf(nil, "key-%d", i%100)
		}
		recs = append(recs, r)
	}
	require.NoError(t, producer.ProduceSync(ctx, recs...).FirstErr())
}

func keyed(i int) bool { return i%5 > 0 }

// record has etlctl record write all of it into files.
func (f *flow) record(t *testing.T) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "events")
	f.run(t, 0, nil, append([]string{"record", "--out", out, "--max-msg-num", "500"}, f.source()...)...)
	files, err := filepath.Glob(filepath.Join(out, "*.json"))
	require.NoError(t, err)
	var numbers []int
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var event struct {
			Records []struct {
				Ckafka struct {
					Body string `json:"msgBody"`
				} `json:"Ckafka"`
			} `json:"Records"`
		}
		require.NoError(t, json.Unmarshal(text, &event))
		for _, r := range event.Records {
			numbers = append(numbers, number([]byte(r.Ckafka.Body)))
		}
	}
	f.mustBeAll(t, numbers)
}

func number(source []byte) int {
	var d struct {
		N *int `json:"n"`
	}
	if json.Unmarshal(source, &d) != nil || d.N == nil {
		return -1
	}
	return *d.N
}

// mustBeAll asserts that the numbers are those of all records, each once.
func (f *flow) mustBeAll(t *testing.T, numbers []int) {
	t.Helper()
	slices.Sort(numbers)
	for i, n := range numbers {
		require.Equal(t, i, n, "missing, or there twice")
	}
	require.Len(t, numbers, f.records)
}

// mustBeInElasticsearch asserts that each record is in its index once, or in a
// dead letter once.
func (f *flow) mustBeInElasticsearch(t *testing.T, letters func(i int) bool) {
	t.Helper()
	var numbers []int
	require.NoError(t, f.es.Refresh(t.Context(), "*"+f.name("log")+"*"))
	docs, err := f.es.Documents(t.Context(), f.name("log")+"-*")
	require.NoError(t, err)
	for at, d := range docs {
		require.Equal(t, 1, d.Version, "%s was written again", at)
		numbers = append(numbers, number(d.Source))
	}
	require.Len(t, docs, f.records-count(f.records, f.conflicts))
	dead, err := f.es.Documents(t.Context(), "dead-letter-"+f.name("log"))
	require.NoError(t, err)
	require.Len(t, dead, count(f.records, letters))
	for _, d := range dead {
		var l struct {
			Document string `json:"document"`
			Target   struct {
				Sink string `json:"sink"`
			} `json:"target"`
		}
		require.NoError(t, json.Unmarshal(d.Source, &l))
		if l.Target.Sink != "kafka" {
			numbers = append(numbers, number([]byte(l.Document)))
		}
	}
	f.mustBeAll(t, numbers)
}

// compared is the part of etlctl verify's report that the tests look at.
type compared struct {
	Total struct {
		Source     int `json:"source"`
		Target     int `json:"target"`
		Equal      int `json:"equal"`
		Missing    int `json:"missing"`
		Extra      int `json:"extra"`
		Changed    int `json:"changed"`
		Twice      int `json:"twice"`
		Misplaced  int `json:"misplaced"`
		OutOfOrder int `json:"out_of_order"`
	} `json:"total"`
}

// verify compares the topic with its copy, in which so many are missing, so many
// stand behind later ones because they were redriven, and no others are wrong.
func (f *flow) verify(t *testing.T, to string, missing, late int, more ...string) {
	t.Helper()
	args := []string{"verify", "--json", "--partition", "keep", "--source-address", f.brokers(), "--source-topic", f.name("app")}
	args = append(args, f.reading("source-")...)
	code := 0
	if missing+late > 0 {
		code = 1
	}
	out, _ := f.run(t, code, f.toKafka(to), append(args, more...)...)
	var got, want compared
	require.NoError(t, json.Unmarshal([]byte(out), &got), out)
	want.Total.Source, want.Total.Missing, want.Total.OutOfOrder = f.records, missing, late
	want.Total.Target, want.Total.Equal = f.records-missing, f.records-missing
	assert.Equal(t, want, got)
}

// redriven is what etlctl redrive says at its end.
type redriven struct {
	Read     int            `json:"read"`
	Outcomes map[string]int `json:"outcomes"`
}

func (f *flow) redrive(t *testing.T, code int, args ...string) (r redriven, said string) {
	t.Helper()
	out, said := f.run(t, code, f.toKafka(f.name("copy"), "Log_Level=error"), append([]string{"redrive", "--json", "--from", "topic", "--group", f.name("redrive")}, args...)...)
	require.NoError(t, json.Unmarshal([]byte(out), &r), said)
	return r, said
}

// topics returns the names of all topics.
func topics(t *testing.T, k *servers.Kafka) (names []string) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
	require.NoError(t, err)
	defer client.Close()
	req := kmsg.NewPtrMetadataRequest() // of all topics
	resp, err := req.RequestWith(t.Context(), client)
	require.NoError(t, err)
	for _, topic := range resp.Topics {
		names = append(names, *topic.Topic)
	}
	return names
}
