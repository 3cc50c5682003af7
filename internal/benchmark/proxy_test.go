package benchmark

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProxy(t *testing.T) {
	es, url := standIn(t)
	p, err := newProxy(t.Context(), url)
	require.NoError(t, err)
	defer p.refuse()
	addr := p.addr
	post := func(path, body string) (int, string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+path, strings.NewReader(body))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/x-ndjson")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return res.StatusCode, string(text), err
	}
	const bulk = "{\"index\":{\"_index\":\"a\",\"_id\":\"1\"}}\n{}\n"

	status, _, err := post("/_bulk", bulk)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
	assert.Len(t, es.All(), 1)

	p.reject.Store(true)
	status, text, err := post("/_bulk", bulk)
	require.NoError(t, err)
	assert.Equal(t, http.StatusTooManyRequests, status)
	assert.Contains(t, text, `"type":"es_rejected_execution_exception"`)
	assert.Len(t, es.BulkRequests(), 1, "the server heard nothing of it")
	status, _, err = post("/a/_refresh", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status, "only bulk requests are refused")

	p.refuse()
	_, _, err = post("/_bulk", bulk)
	require.Error(t, err)
	require.NoError(t, p.heal(t.Context()))
	assert.Equal(t, addr, p.addr)
	status, _, err = post("/_bulk", bulk)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, status)
}

func TestProxyTellsOfABulkThatIsSent(t *testing.T) {
	_, url := standIn(t)
	p, err := newProxy(t.Context(), url)
	require.NoError(t, err)
	defer p.refuse()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	waited := make(chan error, 1)
	go func() { waited <- p.awaitBulk(ctx) }()
	for {
		res, err := http.Post("http://"+p.addr+"/_bulk", "application/x-ndjson", strings.NewReader("{\"index\":{\"_index\":\"a\"}}\n{}\n"))
		require.NoError(t, err)
		res.Body.Close()
		select {
		case err := <-waited:
			require.NoError(t, err)
			return
		default: // it may have begun to wait after this one
		}
	}
}

func TestProxyShowsAServerThatIsAway(t *testing.T) {
	p, err := newProxy(t.Context(), "http://127.0.0.1:1")
	require.NoError(t, err)
	defer p.refuse()
	_, err = http.Get("http://" + p.addr + "/")
	assert.ErrorIs(t, err, io.EOF)
}
