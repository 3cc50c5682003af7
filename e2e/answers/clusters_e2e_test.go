//go:build e2e

package answers

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// untargeted returns a body without the index's name.
func untargeted(sources ...string) func(l *lab, index string) []string {
	return func(l *lab, _ string) (lines []string) {
		for _, source := range sources {
			lines = append(lines, `{"index":{}}`, source)
		}
		return lines
	}
}

// targeted is the path that takes such a body.
func targeted(l *lab, path string) string {
	if l.typed() {
		return strings.Replace(path, "/_bulk", "/_doc/_bulk", 1)
	}
	return path
}

// serverCases are refusals for the state or the settings of the cluster.
var serverCases = []refusal{
	{name: "no-auto-create", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(t *testing.T, l *lab, _ string) {
		l.cluster(t, "action.auto_create_index", "false")
	}},
	{name: "no-auto-create-of-pattern", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(t *testing.T, l *lab, _ string) {
		l.cluster(t, "action.auto_create_index", `"-r-no-auto*,+*"`)
	}},
	{name: "shard-limit", lacks: lackingIn("it only warns", servers.KindES6), class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(t *testing.T, l *lab, _ string) {
		l.cluster(t, "cluster.max_shards_per_node", "1")
	}},
	{name: "cluster-read-only", class: ofServer, verdict: again, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(t *testing.T, l *lab, _ string) {
		l.cluster(t, "cluster.blocks.read_only", "true")
	}},
	{name: "cluster-read-only-allow-delete", class: ofServer, verdict: again, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(t *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index, "")
		l.cluster(t, "cluster.blocks.read_only_allow_delete", "true")
	}},
	{name: "write-queue-full", class: ofServer, verdict: again, tight: true, path: "/{index}/_bulk", bulk: untargeted(`{"n":1}`), send: crowd},
	{
		name: "indexing-pressure", class: ofServer, verdict: again, tight: true, path: "/{index}/_bulk",
		bulk: untargeted(`{"n":1}`, `{"f":"`+x(300_000)+`"}`), lacks: lacksOn6,
	},
}

// crowd sends the request so often at once that one finds the queue full.
func crowd(t *testing.T, l *lab, path string, lines []string) *answer {
	url, body := l.tight.URL()+targeted(l, path), []byte(strings.Join(lines, "\n")+"\n")
	for range 20 {
		var group sync.WaitGroup
		var mu sync.Mutex
		var full *answer
		for range 64 {
			group.Go(func() {
				a, err := post(t.Context(), url, body)
				mu.Lock()
				defer mu.Unlock()
				if err == nil && bytes.Contains(a.Answer, []byte("rejected_execution")) && a.Status == 200 {
					full = a
				}
			})
		}
		group.Wait()
		if full != nil {
			return full
		}
	}
	require.Fail(t, "the queue was never full")
	return nil
}

// requestCases are refusals of a whole request for what it is.
var requestCases = []refusal{
	{name: "explicit-index", class: ofIndex, verdict: unsettled, tight: true, bulk: docs(`{"n":1}`, `{"n":2}`)},
	{name: "content-too-long", class: ofRequest, verdict: split, tight: true, path: "/{index}/_bulk", bulk: untargeted(`{"n":1}`, `{"f":"`+x(1<<20)+`"}`)},
	{name: "type-missing", class: ofRequest, verdict: flip, bulk: func(_ *lab, index string) []string {
		return []string{`{"index":{"_index":"` + index + `","_id":"1"}}`, `{"n":1}`, `{"index":{"_index":"` + index + `","_id":"2"}}`, `{"n":2}`}
	}, lacks: lackingIn("it wants none", servers.KindES710, servers.KindES7, servers.KindES8, servers.KindES819, servers.KindES9, servers.KindOpenSearch2, servers.KindOpenSearch3)},
	{name: "type-unknown", class: ofRequest, verdict: flip, bulk: func(_ *lab, index string) []string {
		return []string{`{"index":{"_index":"` + index + `","_type":"_doc","_id":"1"}}`, `{"n":1}`}
	}, lacks: lackingIn("it takes one", servers.KindES6, servers.KindES710, servers.KindES7)},
	{name: "broken-action", class: ofRequest, verdict: split, bulk: func(l *lab, index string) []string {
		return []string{l.action("index", index, "1"), `{"n":1}`, `{"index":{"_index":"` + index + `"`, `{"n":2}`}
	}},
	{name: "unknown-action", class: ofRequest, verdict: split, bulk: func(l *lab, index string) []string {
		return []string{l.action("index", index, "1"), `{"n":1}`, l.action("put", index, "2"), `{"n":2}`}
	}, lacks: lackingIn("it passes over it", servers.KindES6, servers.KindES710, servers.KindES7)},
	{name: "unknown-parameter", class: ofRequest, verdict: split, bulk: func(l *lab, index string) []string {
		return []string{l.action("index", index, "1", `"colour":"red"`), `{"n":1}`}
	}},
}
