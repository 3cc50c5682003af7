package redrive

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/config"
	"ckafka-etl/internal/standin"
	"ckafka-etl/record"
)

// script is a server that gives the scripted answers, and the last for ever.
type script struct {
	answers []scripted
	asked   []string
}

type scripted struct {
	status int
	body   string
	cause  *record.Cause
}

func (s *script) Post(_ context.Context, path string, body []byte, limit int64) (int, []byte, bool, *record.Cause) {
	s.asked = append(s.asked, path+" "+string(body))
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	text := []byte(a.body)
	whole := int64(len(text)) <= limit
	return a.status, text[:min(len(text), int(limit))], whole, a.cause
}

func scriptedIndex(answers ...scripted) (*Index, *script) {
	s := &script{answers: answers}
	return &Index{es: s, name: "dead-letter-log", wait: func(context.Context, int) {}, size: 4, most: 4}, s
}

const oneHit = `{"_shards":{"failed":0},"hits":{"total":1,"hits":[{"_index":"dead-letter-log","_id":"x","_seq_no":7,"_primary_term":1,"sort":[7,1,1],"_source":{}}]}}`

func refusalOf(kind string) string {
	return `{"error":{"type":"` + kind + `","reason":"secret"},"status":1}`
}

func TestIndexCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		answer scripted
		want   string
		asked  int
	}{
		"no credentials": {scripted{status: 401, body: refusalOf("security_exception")}, "read dead-letter-log: HTTP 401 security_exception; look at ES_User and ES_Password, or at ES_ApiKey", 1},
		"no privilege":   {scripted{status: 403, body: refusalOf("security_exception")}, "the user of ES_User or ES_ApiKey needs the privilege read on dead-letter-log", 1},
		"not there":      {scripted{status: 404, body: "nothing here"}, "look at ES_Address and at ES_Dead_Letter_Index", 1},
		"busy":           {scripted{status: 429, body: refusalOf("es_rejected_execution_exception")}, "look at the health of Elasticsearch", askTries},
		"refused":        {scripted{status: 400, body: refusalOf("search_phase_execution_exception")}, "HTTP 400 search_phase_execution_exception", 1},
		"a proxy":        {scripted{status: 200, body: "<html>"}, "the answer is not that of a search: look at ES_Address", 1},
		"half a cluster": {scripted{status: 200, body: `{"_shards":{"failed":1},"hits":{"hits":[]}}`}, "not all of its shards answered", 1},
		"too late":       {scripted{status: 200, body: `{"timed_out":true,"hits":{"hits":[]}}`}, "not all of its shards answered", 1},
		"too old":        {scripted{status: 200, body: `{"hits":{"hits":[{"_id":"x"}]}}`}, "Elasticsearch 6.8 or later", 1},
		"nobody":         {scripted{cause: &record.Cause{Type: "network_error", Hint: "look at ES_Address"}}, "network_error; look at ES_Address", askTries},
		"no certificate": {scripted{cause: &record.Cause{Type: "certificate_not_trusted", Hint: "look at ES_CA_Cert", Permanent: true}}, "look at ES_CA_Cert", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, answers := range [][]scripted{{x.answer}, {{status: 200, body: oneHit}, x.answer}} {
				index, s := scriptedIndex(answers...)
				report, err := Run(t.Context(), Config{Source: index})
				require.ErrorContains(t, err, x.want)
				assert.NotContains(t, err.Error(), "secret")
				assert.Zero(t, report.Read)
				assert.Len(t, s.asked, x.asked+len(answers)-1)
			}
		})
	}
}

func TestIndexNotThere(t *testing.T) {
	t.Parallel()
	index, _ := scriptedIndex(scripted{status: 404, body: refusalOf("index_not_found_exception")})
	report, err := Run(t.Context(), Config{Source: index})
	require.NoError(t, err)
	assert.Zero(t, report.Read)
}

// Letters may be as large as a message of Kafka: then fewer are asked for.
func TestLargeLetters(t *testing.T) {
	t.Parallel()
	large := scripted{status: 200, body: strings.Repeat(" ", pageBytes+1)}
	index, s := scriptedIndex(scripted{status: 200, body: oneHit}, large, scripted{status: 200, body: oneHit})
	_, err := index.start(t.Context(), false)
	require.NoError(t, err)
	letters, err := index.next(t.Context())
	require.NoError(t, err)
	assert.Len(t, letters, 1)
	assert.Contains(t, s.asked[1], `"size":4`)
	assert.Contains(t, s.asked[2], `"size":1`)
	assert.Contains(t, s.asked[0], `"_source":false`, "only how far it goes is asked")
	assert.Equal(t, 2, index.size, "and more again, where they are small")
}

func deleted(status int, kind string) string {
	failure := ""
	if kind != "" {
		failure = `,"error":{"type":"` + kind + `","reason":"secret"}`
	}
	return fmt.Sprintf(`{"delete":{"_id":"x","status":%d%s}}`, status, failure)
}

func TestSettleIndex(t *testing.T) {
	t.Parallel()
	items := func(list ...string) scripted {
		return scripted{status: 200, body: `{"items":[` + strings.Join(list, ",") + `]}`}
	}
	ok, busy := deleted(200, ""), deleted(429, "es_rejected_execution_exception")
	for name, x := range map[string]struct {
		answers []scripted
		kept    int
		want    string
		asked   int
	}{
		"deleted":          {[]scripted{items(ok, ok)}, 0, "", 1},
		"gone":             {[]scripted{items(deleted(404, ""), ok)}, 0, "", 1},
		"its index is":     {[]scripted{items(deleted(404, "index_not_found_exception"), ok)}, 0, "", 1},
		"another by now":   {[]scripted{items(deleted(409, "version_conflict_engine_exception"), ok)}, 0, "", 1},
		"busy, then not":   {[]scripted{items(ok, busy), items(ok)}, 0, "", 2},
		"busy for ever":    {[]scripted{items(busy, ok), items(busy)}, 1, "HTTP 429 es_rejected_execution_exception", askTries},
		"all of it busy":   {[]scripted{{status: 429, body: refusalOf("x")}, items(ok, ok)}, 0, "", 2},
		"no privilege":     {[]scripted{{status: 403, body: refusalOf("security_exception")}}, 2, "needs the privilege delete on dead-letter-log", 1},
		"none for one":     {[]scripted{items(ok, deleted(403, "security_exception"))}, 1, "needs the privilege delete on dead-letter-log", 1},
		"a block":          {[]scripted{items(ok, deleted(403, "cluster_block_exception"))}, 1, "cluster_block_exception", 1},
		"another document": {[]scripted{items(ok, strings.ReplaceAll(ok, `"x"`, `"y"`))}, 2, "about other documents", 1},
		"an item short":    {[]scripted{items(ok)}, 2, "not that of a bulk request", 1},
		"a proxy":          {[]scripted{{status: 200, body: "<html>"}}, 2, "not that of a bulk request", 1},
		"nobody":           {[]scripted{{cause: &record.Cause{Type: "network_error"}}}, 2, "network_error", askTries},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			index, s := scriptedIndex(x.answers...)
			n, term := int64(7), int64(1)
			h := hit{Index: "dead-letter-log", ID: "x", SeqNo: &n, Term: &term}
			index.page = []hit{h, h, h}
			kept, err := index.settle(t.Context(), []bool{true, false, true})
			assert.Equal(t, x.kept, kept)
			assert.Len(t, s.asked, x.asked)
			if x.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, x.want)
			assert.NotContains(t, err.Error(), "secret")
		})
	}
}

// A letter that was read and is another by the time it is deleted stays.
func TestOnlyWhatWasReadIsDeleted(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.ES717)
	w.fill(t, w.refusals(t, SinkElasticsearch, records(1, 2))...)
	index := w.index(t, Filter{})
	_, err := index.start(t.Context(), false)
	require.NoError(t, err)
	letters, err := index.next(t.Context())
	require.NoError(t, err)
	require.Len(t, letters, 2)

	other := w.index(t, Filter{})
	other.page = index.page[:1]
	kept, err := other.settle(t.Context(), []bool{true})
	require.NoError(t, err)
	require.Zero(t, kept)
	w.fill(t, w.refusals(t, SinkElasticsearch, records(1, 2))...) // the first is new

	kept, err = index.settle(t.Context(), []bool{true, true})
	require.NoError(t, err)
	assert.Zero(t, kept)
	assert.Len(t, w.es.Documents(letterIndex), 1)
}

// Where no letter can be written there is no use in going on; but letters whose
// index is closed are no reason to give up the others.
func TestHopeless(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.ES717)
	w.fill(t, w.refusals(t, SinkElasticsearch, records(0, 450))...)
	w.es.Script(func(a *standin.Attempt) standin.Fault {
		if a.Bulk == 0 {
			return standin.Fault{}
		}
		return standin.Refuse(http.StatusUnauthorized, "security_exception", "secret")
	})
	report, err := Run(t.Context(), Config{Source: w.index(t, Filter{}), Sinks: w.sinks(t, SinkOptions{})})
	require.ErrorContains(t, err, "ES_User")
	assert.Equal(t, map[string]int{Unsettled: 200}, report.Outcomes)
	assert.Equal(t, 450, w.es.Count(letterIndex))

	offered := 0
	w.es.Script(func(*standin.Attempt) standin.Fault {
		return standin.Fault{Item: func(i standin.Item) *standin.ItemError {
			if offered++; i.Op == "delete" || offered > 20 {
				return nil
			}
			return &standin.ItemError{Status: 400, Type: "index_closed_exception", Reason: "closed"}
		}}
	})
	index := w.index(t, Filter{})
	index.size, index.most = 10, 10 // two batches of which nothing is written
	report, err = Run(t.Context(), Config{Source: index, Sinks: w.sinks(t, SinkOptions{})})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Unsettled: 20, Stored: 430}, report.Outcomes)
	assert.Equal(t, 20, w.es.Count(letterIndex))
}

// refuseCommits lets some commits pass and refuses the next one.
func (w *world) refuseCommits(code *kerr.Error, pass int) {
	w.kafka.ControlKey(int16(kmsg.OffsetCommit), func(req kmsg.Request) (kmsg.Response, error, bool) {
		w.kafka.KeepControl()
		if pass--; pass >= 0 {
			return nil, nil, false
		}
		w.kafka.DropControl()
		resp := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		for _, t := range req.(*kmsg.OffsetCommitRequest).Topics {
			rt := kmsg.NewOffsetCommitResponseTopic()
			rt.Topic = t.Topic
			for _, p := range t.Partitions {
				rp := kmsg.NewOffsetCommitResponseTopicPartition()
				rp.Partition, rp.ErrorCode = p.Partition, code.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}

func TestTopicErrors(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.ES717)
	w.fill(t, w.refusals(t, SinkElasticsearch, records(0, 3))...)
	run := func(change func(*Topic)) (*Report, error) {
		topic := w.topic(t)
		change(topic)
		return Run(t.Context(), Config{Source: topic, Sinks: w.sinks(t, SinkOptions{})})
	}
	_, err := run(func(x *Topic) { x.name = "missing" })
	require.ErrorContains(t, err, "look at kafka_dead_letter_topic (missing)")

	for code, want := range map[*kerr.Error]string{
		kerr.UnknownMemberID:          "group redrive has members: end them",
		kerr.GroupAuthorizationFailed: "grant Read on the group",
		kerr.OffsetMetadataTooLarge:   "offset.metadata.max.bytes",
	} {
		w.refuseCommits(code, 0)
		report, err := run(func(*Topic) {})
		require.ErrorContains(t, err, want)
		assert.Zero(t, report.Read, "it is known before anything is sent")
		w.refuseCommits(code, 1)
		report, err = run(func(*Topic) {})
		require.ErrorContains(t, err, want)
		assert.Positive(t, report.NotRemoved)
	}
	_, err = run(func(*Topic) {})
	require.NoError(t, err)
}

// Where more letters stay between ones that are done than can be kept account
// of, a partition ends; what is behind is neither lost nor sent twice.
func TestTooManyGaps(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.ES717, func(c *config.Config) { c.Kafka.Topic = "" })
	letters := w.refusals(t, SinkElasticsearch, records(0, 2000))
	seed := uint64(7)
	chosen := 0
	for i := range letters {
		seed = seed*6364136223846793005 + 1442695040888963407
		if letters[i].Cause.Type = "a"; seed>>63 == 0 {
			letters[i].Cause.Type = "b"
			chosen++
		}
	}
	w.fill(t, letters...)
	run := func(f Filter) *Report {
		topic := w.topic(t)
		topic.metadata = 500
		report, err := Run(t.Context(), Config{Source: topic, Sinks: w.sinks(t, SinkOptions{}), Filter: f})
		require.NoError(t, err)
		return report
	}
	report := run(Filter{Causes: []string{"b"}})
	assert.Contains(t, strings.Join(report.Notes, "\n"), "of letters not read to the end: too many letters stay")
	assert.Less(t, report.Outcomes[Stored], chosen)
	assert.Positive(t, report.Outcomes[Stored])
	assert.Zero(t, run(Filter{Causes: []string{"b"}}).Outcomes[Stored], "there is still no room")
	rest := run(Filter{})
	assert.NotContains(t, strings.Join(rest.Notes, "\n"), "not read to the end")
	assert.Equal(t, map[string]int{Stored: 2000 - report.Outcomes[Stored]}, rest.Outcomes)
	assert.Empty(t, w.es.Twice())
	assert.Len(t, w.documents(), 2000)
}
