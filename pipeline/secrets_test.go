package pipeline_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"ckafka-etl/handler"
	"ckafka-etl/internal/event"
	"ckafka-etl/internal/lab/writers"
	"ckafka-etl/pipeline"
)

// spiteful is an Elasticsearch that refuses some documents for what they are, and
// quotes in its reason all that it knows of the record, and more.
type spiteful struct {
	mu    sync.Mutex
	taken bytes.Buffer
	quote string
}

func (s *spiteful) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken.Write(body)
	var items []string
	lines := bufio.NewScanner(bytes.NewReader(body))
	lines.Buffer(nil, 16<<20)
	for n := 0; lines.Scan(); n++ {
		if n%2 == 1 {
			continue
		}
		var action map[string]struct {
			Index string `json:"_index"`
			ID    string `json:"_id"`
		}
		_ = json.Unmarshal(lines.Bytes(), &action)
		for op, to := range action {
			id, _ := json.Marshal(to.ID)
			result := `"status":201`
			if strings.HasPrefix(to.Index, "log") && n%4 == 0 {
				reason, _ := json.Marshal("failed to parse field [user.password] of type [long] in document with id '1'. Preview of field's value: '" + writers.Marker + " x' in " + s.quote)
				result = `"status":400,"error":{"type":"mapper_parsing_exception","reason":` + string(reason) + `}`
			}
			items = append(items, `{"`+op+`":{"_index":"`+to.Index+`","_id":`+string(id)+`,`+result+`}}`)
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"errors":true,"items":[`+strings.Join(items, ",")+`]}`)
}

// Whoever wrote a record: its secret is in no document, no dead letter in either
// place, no message, no line of the log, no result and no error, whether it stands
// in the record's value or in its key.
func TestNoSecretLeavesTheFunction(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.SeedTopics(1, "copy", "letters"))
	require.NoError(t, err)
	defer cluster.Close()
	es := &spiteful{}
	server := httptest.NewServer(es)
	defer server.Close()
	var log bytes.Buffer
	environ := []string{
		"ES_Address=" + server.URL, "ES_Index_KeyWord=log", "ES_Id_Field=first", "ES_Log_IgnoreWord=" + strings.Join(writers.Names, ","),
		"kafka_address=" + strings.Join(cluster.ListenAddrs(), ","), "kafka_topic_name=copy", "kafka_value=document",
		"kafka_dead_letter_topic=letters", "Log_Level=debug", "Retry_Pace=0",
	}
	h := &handler.Handler{Environ: func() []string { return environ }, Build: pipeline.Build, Log: &log}
	offset := int64(0)
	rapid.Check(t, func(t *rapid.T) {
		var records []event.Record
		var how []string
		for range rapid.IntRange(1, 3).Draw(t, "records") {
			r, key := writers.Draw(t), writers.Draw(t)
			es.mu.Lock()
			es.quote = r.Body
			es.mu.Unlock()
			records = append(records, event.Record{Topic: "t", Offset: offset, Key: []byte(key.Body), Body: []byte(r.Body)})
			how = append(how, r.How, key.How)
			offset++
		}
		result, err := h.Invoke(t.Context(), event.Append(nil, records))
		require.NoError(t, err, how)
		require.NotContains(t, string(result), writers.Marker)
		require.NotContains(t, log.String(), writers.Marker)
		es.mu.Lock()
		defer es.mu.Unlock()
		require.NotContains(t, es.taken.String(), writers.Marker, how)
		es.taken.Reset()
		log.Reset()
	})
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...), kgo.ConsumeTopics("copy", "letters"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer client.Close()
	seen := map[string]int64{}
	for want := offset; seen["copy"] < want || seen["letters"] == 0; {
		fetches := client.PollFetches(t.Context())
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			seen[r.Topic]++
			all := string(r.Key) + " " + string(r.Value)
			for _, h := range r.Headers {
				all += " " + h.Key + "=" + string(h.Value)
			}
			require.NotContains(t, all, writers.Marker)
		})
	}
}
