package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Do sends one request and returns the answer's status and body. A body goes
// out as JSON, which the server takes for bulk bodies too. Any status is no
// error.
func (es *Elasticsearch) Do(ctx context.Context, method, path, body string) (status int, answer []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, method, es.URL()+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := es.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// call is Do with a JSON answer that must not be a refusal.
func (es *Elasticsearch) call(ctx context.Context, method, path, body string, answer any) error {
	status, raw, err := es.Do(ctx, method, path, body)
	if err != nil {
		return err
	}
	if status/100 != 2 {
		return fmt.Errorf("%s %s: HTTP %d: %s", method, path, status, tail(raw))
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// Refresh makes everything written so far visible to Count and Documents.
// Index may be a pattern.
func (es *Elasticsearch) Refresh(ctx context.Context, index string) error {
	return es.call(ctx, http.MethodPost, "/"+index+"/_refresh", "", new(any))
}

// Count returns the number of documents that are visible. Index may be a
// pattern; one that matches nothing holds 0, a missing index is an error.
func (es *Elasticsearch) Count(ctx context.Context, index string) (int, error) {
	var answer struct {
		Count int `json:"count"`
	}
	err := es.call(ctx, http.MethodGet, "/"+index+"/_count", "", &answer)
	return answer.Count, err
}

// PutSettings changes settings of an index, for instance
// index.blocks.read_only_allow_delete. A nil value resets one to its default.
func (es *Elasticsearch) PutSettings(ctx context.Context, index string, settings map[string]any) error {
	body, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	return es.call(ctx, http.MethodPut, "/"+index+"/_settings", string(body), new(any))
}

// Document is a stored document.
type Document struct {
	Index string `json:"_index"`
	ID    string `json:"_id"`
	// Version is how many times the document was written.
	Version int `json:"_version"`
	// Source has the bytes that were sent.
	Source json.RawMessage `json:"_source"`
}

// Documents returns all visible documents by "index/id". Index may be a
// pattern, also one that matches nothing; a document that is in two indices is
// there twice. They are held in memory: some 200 MB for 200,000 log records.
func (es *Elasticsearch) Documents(ctx context.Context, index string) (map[string]Document, error) {
	type page struct {
		ScrollID string `json:"_scroll_id"`
		Shards   struct {
			Total  int `json:"total"`
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Hits []Document `json:"hits"`
		} `json:"hits"`
	}
	docs := map[string]Document{}
	method, path, body := http.MethodPost, "/"+index+"/_search?scroll=1m", `{"size":5000,"sort":["_doc"],"version":true}`
	for {
		var p page
		if err := es.call(ctx, method, path, body, &p); err != nil {
			return nil, err
		}
		if p.Shards.Failed > 0 {
			return nil, fmt.Errorf("searching %s: %d shards failed", index, p.Shards.Failed)
		}
		if p.Shards.Total == 0 { // a pattern that matches nothing; there is no scroll either
			return docs, nil
		}
		for _, d := range p.Hits.Hits {
			docs[d.Index+"/"+d.ID] = d
		}
		path, body = "/_search/scroll", `{"scroll":"1m","scroll_id":`+strconv.Quote(p.ScrollID)+`}`
		if len(p.Hits.Hits) == 0 {
			return docs, es.call(ctx, http.MethodDelete, path, `{"scroll_id":`+strconv.Quote(p.ScrollID)+`}`, new(any))
		}
	}
}
