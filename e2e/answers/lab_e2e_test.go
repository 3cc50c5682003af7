//go:build e2e

package answers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// lab is what the cases of one kind share.
type lab struct {
	*testing.T
	kind servers.Kind
	// plain has default settings, tight some that a running server does not
	// take.
	plain, tight *servers.Elasticsearch
}

// es returns the server of a case.
func (l *lab) es(c *refusal) *servers.Elasticsearch {
	if c.tight {
		return l.tight
	}
	return l.plain
}

// typed reports whether the server wants mapping types.
func (l *lab) typed() bool { return l.kind == servers.KindES6 }

func newLab(t *testing.T, kind servers.Kind) *lab {
	t.Helper()
	l := &lab{T: t, kind: kind}
	tight := map[string]string{
		"http.max_content_length":                "1mb",
		"thread_pool.write.queue_size":           "1",
		"rest.action.multi.allow_explicit_index": "false",
	}
	if kind != servers.KindES6 {
		tight["indexing_pressure.memory.limit"] = "100kb"
	}
	var starts sync.WaitGroup
	var errs [2]error
	start := func(i int, es **servers.Elasticsearch, settings map[string]string) {
		starts.Go(func() {
			*es, errs[i] = servers.StartElasticsearch(t.Context(), kind, servers.ElasticsearchOptions{Settings: settings})
			if errs[i] == nil {
				t.Cleanup((*es).Close)
			}
		})
	}
	start(0, &l.plain, nil)
	start(1, &l.tight, tight)
	starts.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	if l.typed() {
		l.put(l.plain, "/_template/one-shard", `{"index_patterns":["*"],"settings":{"number_of_shards":1}}`)
	}
	return l
}

// call sends a request that prepares or mends something.
func (l *lab) call(es *servers.Elasticsearch, method, path, body string) {
	l.Helper()
	status, answer, err := es.Do(l.Context(), method, path, body)
	require.NoError(l, err)
	require.Equal(l, 2, status/100, "%s %s: HTTP %d: %s", method, path, status, answer)
}

func (l *lab) put(es *servers.Elasticsearch, path, body string) {
	l.Helper()
	l.call(es, http.MethodPut, path, body)
}

// mappings returns the part of an index's body that says what its fields are.
func (l *lab) mappings(mapping string) string {
	if l.typed() {
		mapping = `{"_doc":` + mapping + `}`
	}
	return `"mappings":` + mapping
}

// template puts a template for the indices of a name: composable, where the
// server knows that.
func (l *lab) template(index, body string) {
	l.Helper()
	if l.typed() {
		l.put(l.plain, "/_template/"+index, `{"order":9,"index_patterns":["`+index+`*"],`+body+`}`)
		return
	}
	l.put(l.plain, "/_index_template/"+index, `{"priority":900,"index_patterns":["`+index+`*"],"template":{`+body+`}}`)
}

// cluster changes settings of the plain server's cluster until the case ends.
func (l *lab) cluster(t *testing.T, setting, value string) {
	t.Helper()
	// A closed context would leave the setting for the next case.
	ctx := context.WithoutCancel(t.Context())
	set := func(value string) {
		body := fmt.Sprintf(`{"transient":{%q:%s}}`, setting, value)
		status, answer, err := l.plain.Do(ctx, http.MethodPut, "/_cluster/settings", body)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, status, "%s", answer)
	}
	set(value)
	t.Cleanup(func() { set("null") })
}

// action returns the line before a document.
func (l *lab) action(op, index, id string, more ...string) string {
	var meta []string
	if index != "" {
		meta = append(meta, fmt.Sprintf(`"_index":%q`, index))
	}
	if l.typed() {
		meta = append(meta, `"_type":"_doc"`)
	}
	if id != "" {
		meta = append(meta, fmt.Sprintf(`"_id":%q`, id))
	}
	return fmt.Sprintf(`{%q:{%s}}`, op, strings.Join(append(meta, more...), ","))
}

// post sends a bulk body and returns what came back.
func (l *lab) post(es *servers.Elasticsearch, path string, lines []string) *answer {
	l.Helper()
	a, err := post(l.Context(), es.URL()+path, []byte(strings.Join(lines, "\n")+"\n"))
	require.NoError(l, err)
	return a
}

func post(ctx context.Context, url string, body []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	a := &answer{Status: resp.StatusCode, Headers: map[string]string{}, Answer: raw}
	for _, name := range []string{"Content-Type", "X-Elastic-Product", "Retry-After"} {
		if value := resp.Header.Get(name); value != "" && !strings.HasPrefix(value, "application/json") {
			a.Headers[name] = value
		}
	}
	if !json.Valid(raw) {
		a.Answer, err = json.Marshal(string(raw))
	}
	return a, err
}
