//go:build e2e

package answers

import (
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

var record = flag.Bool("record", false, "write what the servers answer instead of comparing it")

// folder keeps the answers, in a folder for each kind.
const folder = "../../esclient/testdata/answers"

// A refusal is a case: how it is provoked, and what it means.
type refusal struct {
	name    string // the file's
	class   string // see the README beside the answers
	verdict string
	// tight cases are for the server with settings of its own.
	tight   bool
	prepare func(t *testing.T, l *lab, index string)
	path    string // default /_bulk
	bulk    func(l *lab, index string) []string
	// send replaces posting once.
	send func(t *testing.T, l *lab, path string, lines []string) *answer
	// lacks are the kinds that cannot be brought to it, with the reason.
	lacks map[servers.Kind]string
}

func TestAnswers(t *testing.T) {
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	kinds = slices.DeleteFunc(kinds, servers.Kind.IsKafka)
	require.NoError(t, servers.Require(t.Context(), kinds...))
	require.NoError(t, servers.Install(t.Context(), kinds...))
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) { testKind(t, kind) })
	}
}

func testKind(t *testing.T, kind servers.Kind) {
	l := newLab(t, kind)
	wanted := map[string]bool{}
	for _, c := range slices.Concat(documentCases, mappingCases, phraseCases, indexCases, templateCases, streamCases, serverCases, requestCases) {
		require.NotContains(t, wanted, c.name)
		if _, lacks := c.lacks[kind]; lacks {
			continue
		}
		wanted[c.name] = true
		t.Run(c.name, func(t *testing.T) { c.test(t, l) })
	}
	files, err := filepath.Glob(filepath.Join(folder, string(kind), "*.json"))
	require.NoError(t, err)
	for _, f := range files {
		assert.Contains(t, wanted, strings.TrimSuffix(filepath.Base(f), ".json"), "%s is no case's", f)
	}
}

func (c *refusal) test(t *testing.T, l *lab) {
	l = &lab{T: t, kind: l.kind, plain: l.plain, tight: l.tight}
	index := "r-" + c.name
	if c.prepare != nil {
		c.prepare(t, l, index)
	}
	path := c.path
	if path == "" {
		path = "/_bulk"
	}
	path = strings.ReplaceAll(path, "{index}", index)
	lines := c.bulk(l, index)
	send := c.send
	if send == nil {
		send = func(_ *testing.T, l *lab, path string, lines []string) *answer { return l.post(l.es(c), path, lines) }
	}
	got := send(t, l, path, lines)
	got.Case, got.Class, got.Verdict = c.name, c.class, c.verdict
	if path != "/_bulk" {
		got.Path = path
	}
	for _, line := range lines {
		got.Request = append(got.Request, rawLine(line))
	}
	c.check(t, got)
	got.cut()
	file := filepath.Join(folder, string(l.kind), c.name+".json")
	if *record {
		require.NoError(t, got.write(file))
		return
	}
	want, err := readAnswer(file)
	require.NoError(t, err)
	assert.Equal(t, want.shape(), got.shape())
	want.Status, want.Headers, want.Answer = got.Status, got.Headers, got.Answer
	assert.Equal(t, want, got)
}

// check reports whether the server did refuse.
func (c *refusal) check(t *testing.T, got *answer) {
	t.Helper()
	refused := got.Status != http.StatusOK || slices.ContainsFunc(got.items(), func(i item) bool { return i.Status/100 != 2 })
	assert.True(t, refused, "%s", got.Answer)
}

// What becomes of the documents that a server refuses so.
const (
	dead      = "dead"      // the refusal proves that it is the document
	unsettled = "unsettled" // somebody has to change something
	again     = "again"     // they may be taken when they are sent again
	split     = "split"     // the request may be taken in parts
	flip      = "flip"      // the request has to be written in another form
	conflict  = "conflict"  // a 409: it depends on what was sent before
)

// What a refusal speaks of.
const (
	ofDocument = "document"
	ofIndex    = "index" // or a template, an alias, a data stream, a pipeline
	ofServer   = "server"
	ofRequest  = "request"
)
