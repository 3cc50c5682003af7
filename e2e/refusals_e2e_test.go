//go:build e2e

package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// TestRefusals has settings, templates and mappings make servers refuse. What
// speaks of an index or of the cluster holds its records, with a hint, until it
// is mended, and then each is stored once; what speaks of a document makes a
// dead letter of that one. Nothing of a document is said.
func TestRefusals(t *testing.T) {
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	kinds = slices.DeleteFunc(kinds, servers.Kind.IsKafka)
	if len(kinds) == 0 {
		return
	}
	require.NoError(t, servers.Require(t.Context(), kinds...))
	require.NoError(t, servers.Install(t.Context(), kinds...))
	h := newHarness(t)
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) { refusalsOf(t, h, kind) })
	}
	h.checkSecrets(t)
}

// refusalTest is a fault that settings make.
type refusalTest struct {
	name string
	run  func(*testing.T, *refusing)
	// lacks are the kinds that cannot be brought to it, with the reason.
	lacks map[servers.Kind]string
}

// refusing is what the tests of one kind share. They come one after another,
// for some change the whole cluster.
type refusing struct {
	*suite
	// odd takes no index names in bulk bodies.
	odd *servers.Elasticsearch
}

func refusalsOf(t *testing.T, h *harness, kind servers.Kind) {
	r := &refusing{suite: &suite{harness: h, kind: kind}}
	var starts sync.WaitGroup
	var errs [2]error
	starts.Go(func() {
		r.es, errs[0] = startServer(t, kind, map[string]string{"http.max_content_length": "1mb"})
	})
	starts.Go(func() {
		r.odd, errs[1] = startServer(t, kind, map[string]string{"rest.action.multi.allow_explicit_index": "false"})
	})
	starts.Wait()
	require.NoError(t, errors.Join(errs[:]...))
	for _, x := range slices.Concat(indexFaults, documentFaults) {
		if _, lacks := x.lacks[kind]; !lacks {
			t.Run(x.name, func(t *testing.T) { x.run(t, r) })
		}
	}
}

// fault is something amiss with the day's index or with the cluster: none of
// the records can be taken.
type fault struct {
	amiss, mend func(t *testing.T, r *refusing)
	vars        []string
	mended      []string // variables, where these are what has to be changed
	texts       []string // which the error has for the operator
}

// without returns the kinds that lack something, with the reason.
func without(why string, kinds ...servers.Kind) map[servers.Kind]string {
	lacks := make(map[servers.Kind]string)
	for _, k := range kinds {
		lacks[k] = why
	}
	return lacks
}

const refusedRecords = 20

// event has good records whose fields nobody may read in a log. The field ts
// names their index.
func (r *refusing) event() []byte {
	bodies := make([]string, refusedRecords)
	for i := range bodies {
		bodies[i] = logged(fmt.Sprintf(`"n":%d,"host":"%s-host"`, i, marker))
	}
	return eventOf(bodies...)
}

func logged(fields string) string { return `{"ts":"` + day + `T12:00:00Z",` + fields + `}` }

func (r *refusing) env(t *testing.T, es *servers.Elasticsearch) vars {
	return r.vars(t, es).with("ES_Index_TimeField", "ts", "Retry_Pace", "0")
}

// holds has the function hold every record while the fault lasts, and store
// each once when it is mended.
func (x fault) holds(t *testing.T, r *refusing) {
	x.amiss(t, r)
	env := r.env(t, r.es).with(x.vars...)
	f, payload := r.start(t, env), r.event()
	for range 2 {
		out := f.refuse(t, payload, x.texts...)
		assert.Equal(t, counts{Records: refusedRecords, Unsettled: refusedRecords}, out.counts)
		assert.LessOrEqual(t, out.requests, 25, "what nobody takes is not tried again and again")
	}
	if x.mend != nil {
		x.mend(t, r)
	}
	if x.mended != nil {
		env = env.with(x.mended...)
		f = r.start(t, env)
	}
	assert.Equal(t, counts{Records: refusedRecords, Stored: refusedRecords}, f.settle(t, payload).counts)
	there := read(t, r.es, env)
	if env["ES_Time_Field"] != "none" {
		// The stamp is of this very time.
		assert.Len(t, there.docs, refusedRecords)
		assert.Empty(t, there.letters)
		return
	}
	there.mustHoldAll(t, want(t, env, payload)...)
}

// clusterSetting sets something for the whole cluster.
func clusterSetting(setting, value string) func(t *testing.T, r *refusing) {
	return func(t *testing.T, r *refusing) {
		r.call(t, http.MethodPut, "/_cluster/settings", fmt.Sprintf(`{"transient":{%q:%s}}`, setting, value))
	}
}

// template puts a template for the test's indices, dead letters too if asked.
func (r *refusing) template(t *testing.T, body string, letters bool) {
	t.Helper()
	patterns := `"` + keyword(t) + `*"`
	if letters {
		patterns += `,"dead-letter-` + keyword(t) + `*"`
	}
	if r.kind == servers.KindES6 {
		r.call(t, http.MethodPut, "/_template/"+keyword(t), `{"order":9,"index_patterns":[`+patterns+`],`+body+`}`)
		return
	}
	r.call(t, http.MethodPut, "/_index_template/"+keyword(t), `{"priority":900,"index_patterns":[`+patterns+`],"template":{`+body+`}}`)
}

func templated(body string) func(t *testing.T, r *refusing) {
	return func(t *testing.T, r *refusing) { r.template(t, body, false) }
}

func untemplated(t *testing.T, r *refusing) {
	path := "/_index_template/"
	if r.kind == servers.KindES6 {
		path = "/_template/"
	}
	r.call(t, http.MethodDelete, path+keyword(t), "")
}

// mapped makes the day's index.
func mapped(settings, mapping string) func(t *testing.T, r *refusing) {
	return func(t *testing.T, r *refusing) {
		r.call(t, http.MethodPut, "/"+today(t), `{"settings":`+settings+`,"mappings":`+r.typed(mapping)+`}`)
	}
}

func (r *refusing) typed(mapping string) string {
	if r.kind == servers.KindES6 {
		return `{"_doc":` + mapping + `}`
	}
	return mapping
}

func deleted(t *testing.T, r *refusing) { r.call(t, http.MethodDelete, "/"+today(t), "") }

// mustNotSay checks that a process has said a text in none of the forms in
// which JSON has it.
func (f *function) mustNotSay(t *testing.T, text string) {
	t.Helper()
	assert.NotContains(t, f.said.String(), text)
	quoted, err := json.Marshal(text)
	require.NoError(t, err)
	assert.NotContains(t, f.said.String(), strings.Trim(string(quoted), `"`))
}
