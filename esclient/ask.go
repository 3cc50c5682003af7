package esclient

import (
	"context"
	"net/http"

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
	req, err := http.NewRequestWithContext(ctx, method, path, http.NoBody)
	if err != nil {
		return 0, nil, &record.Cause{Type: "invalid_request", Safe: "the path cannot be in a URL", Permanent: true}
	}
	res, err := c.es.Perform(req)
	if err != nil {
		return 0, nil, networkCause(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, _, err = readAll(res.Body, maxAsked, nil)
	if err != nil {
		return 0, nil, networkCause(err)
	}
	return res.StatusCode, answer, nil
}
