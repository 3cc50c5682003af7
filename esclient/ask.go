package esclient

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"

	"ckafka-etl/record"
)

// maxAsked is the longest answer that Ask reads.
const maxAsked = 4 << 20

// Ask sends one request without a body, with the client's credentials and over
// its connections, and returns the answer whatever its status, at most 4 MiB of
// it. If there was no answer, cause says why. The path, which may have a query,
// holds no escaped slash: behind an address with a prefix it would become a plain
// one. Ask is for tools that look at a server; writing needs none of it.
func (c *Client) Ask(ctx context.Context, method, path string) (status int, answer []byte, cause *record.Cause) {
	status, answer, _, cause = c.ask(ctx, method, path, "", nil, maxAsked)
	return status, answer, cause
}

// Post is Ask for a POST with a body of JSON, or of lines of JSON if the path
// is that of a bulk request. It reads at most limit bytes of the answer; whole
// says whether that was all.
func (c *Client) Post(ctx context.Context, path string, body []byte, limit int64) (status int, answer []byte, whole bool, cause *record.Cause) {
	kind := "application/json"
	if bare, _, _ := strings.Cut(path, "?"); strings.HasSuffix(bare, "/_bulk") {
		kind = "application/x-ndjson"
	}
	return c.ask(ctx, http.MethodPost, path, kind, body, limit)
}

func (c *Client) ask(ctx context.Context, method, path, kind string, body []byte, limit int64) (status int, answer []byte, whole bool, cause *record.Cause) {
	req, err := http.NewRequestWithContext(ctx, method, path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, false, &record.Cause{Type: "invalid_request", Safe: "the path cannot be in a URL", Permanent: true}
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	n := c.pool.pick(0)
	res, err := c.pool.nodes[n].Perform(req)
	c.pool.report(n, err == nil)
	if err != nil {
		return 0, nil, false, networkCause(err)
	}
	defer func() { _ = res.Body.Close() }()
	from, err := decoded(res)
	if err == nil {
		answer, err = io.ReadAll(io.LimitReader(from, limit+1))
	}
	if err != nil {
		return 0, nil, false, networkCause(err)
	}
	return res.StatusCode, answer, int64(len(answer)) <= limit, nil
}
