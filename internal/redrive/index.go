package redrive

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ckafka-etl/esclient"
	"ckafka-etl/record"
)

const (
	// pageSize is how many letters are read, sent and removed together.
	pageSize = 200
	// pageBytes is the longest answer that is read. If a page is longer, fewer
	// letters are asked for; a single letter may have eight times as much.
	pageBytes  = 32 << 20
	letterSize = 8 * pageBytes
	// askTime is how long one answer may take.
	askTime = time.Minute
	// askTries is how often a request is sent that a server is too busy for.
	askTries = 5
)

// poster is what an Index needs of a client of Elasticsearch.
type poster interface {
	Post(ctx context.Context, path string, body []byte, limit int64) (status int, answer []byte, whole bool, cause *record.Cause)
}

// Index is ES_Dead_Letter_Index as a Source. It is read by the sequence numbers
// of its documents: each letter once, in the order in which they were written,
// up to the last one that was there at the start. That needs no state in the
// server, works from Elasticsearch 6.8 to 8.x and on OpenSearch, and does not
// mind letters that come or go meanwhile. In an index of several shards a page
// may end between two letters that agree in sequence number, offset and
// partition; the second is left for the next run.
type Index struct {
	es   poster
	name string
	// since and until are the filter's, so that the server leaves out the rest.
	since, until time.Time
	wait         func(ctx context.Context, try int)

	size  int // letters to ask for, at most most
	most  int
	last  int64           // sequence number of the last letter to read
	after json.RawMessage // of the last letter that was read
	page  []hit
}

// NewIndex makes a source of an index, or of what an alias stands for. It
// contacts nobody.
func NewIndex(es *esclient.Client, name string, filter Filter) *Index {
	return &Index{es: es, name: name, since: filter.Since, until: filter.Until, wait: pause, size: pageSize, most: pageSize}
}

func pause(ctx context.Context, try int) {
	t := time.NewTimer(100 * time.Millisecond << try)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

type hit struct {
	Index  string          `json:"_index"`
	Type   string          `json:"_type"` // up to 7.x
	ID     string          `json:"_id"`
	SeqNo  *int64          `json:"_seq_no"`
	Term   *int64          `json:"_primary_term"`
	Source json.RawMessage `json:"_source"`
	Sort   json.RawMessage `json:"sort"`
}

type searchAnswer struct {
	TimedOut bool `json:"timed_out"`
	Shards   struct {
		Failed int `json:"failed"`
	} `json:"_shards"`
	Hits struct {
		Total json.RawMessage `json:"total"` // a number in 6.x
		Hits  []hit           `json:"hits"`
	} `json:"hits"`
}

func (a *searchAnswer) total() int64 {
	var n int64
	var object struct {
		Value int64 `json:"value"`
	}
	if json.Unmarshal(a.Hits.Total, &n) == nil {
		return n
	}
	if json.Unmarshal(a.Hits.Total, &object) == nil {
		return object.Value
	}
	return 0
}

func (x *Index) start(ctx context.Context, _ bool) (int64, error) {
	x.last = -1
	a, _, err := x.search(ctx, 1, "desc")
	if err != nil || a == nil || len(a.Hits.Hits) == 0 {
		return 0, err
	}
	if x.last, err = a.Hits.Hits[0].seqNo(); err != nil {
		return 0, err
	}
	return a.total(), nil
}

func (h *hit) seqNo() (int64, error) {
	if h.SeqNo == nil || h.Term == nil || len(h.Sort) == 0 {
		return 0, errors.New("the server does not tell the documents' sequence numbers: Elasticsearch 6.8 or later is needed")
	}
	return *h.SeqNo, nil
}

func (x *Index) next(ctx context.Context) ([]Letter, error) {
	for x.last >= 0 {
		a, whole, err := x.search(ctx, x.size, "asc")
		switch {
		case err != nil:
			return nil, err
		case !whole && x.size == 1:
			return nil, fmt.Errorf("a letter of %s is larger than %d MB", x.name, letterSize>>20)
		case !whole:
			x.size = max(x.size/4, 1)
			continue
		case a == nil:
			return nil, nil
		}
		x.page = nil
		var letters []Letter
		for i := range a.Hits.Hits {
			h := &a.Hits.Hits[i]
			n, err := h.seqNo()
			if err != nil {
				return nil, err
			}
			if n > x.last {
				break
			}
			x.page, letters = append(x.page, *h), append(letters, h.letter())
			x.after = h.Sort
		}
		x.size = min(2*x.size, x.most)
		return letters, nil
	}
	return nil, nil
}

// search asks for letters. An index that is not there holds none: a is nil then.
func (x *Index) search(ctx context.Context, size int, order string) (a *searchAnswer, whole bool, err error) {
	sort := func(field, more string) json.RawMessage {
		return json.RawMessage(`{"` + field + `":{"order":"` + order + `"` + more + `}}`)
	}
	body := map[string]any{
		"size": size, "seq_no_primary_term": true, "track_total_hits": order == "desc", "query": x.query(),
		"sort": []json.RawMessage{
			sort("_seq_no", ""), sort("source.offset", `,"unmapped_type":"long"`), sort("source.partition", `,"unmapped_type":"long"`),
		},
	}
	switch {
	case order == "desc": // only how far it goes is asked
		body["_source"] = false
	case x.after != nil:
		body["search_after"] = x.after
	}
	text, err := json.Marshal(body)
	if err != nil {
		return nil, false, err
	}
	limit := int64(pageBytes)
	if size == 1 {
		limit = letterSize
	}
	status, answer, whole, err := x.post(ctx, "/"+url.PathEscape(x.name)+"/_search", text, limit)
	switch {
	case err != nil:
		return nil, false, err
	case status == http.StatusNotFound && bytes.Contains(answer, []byte("index_not_found_exception")):
		return nil, true, nil
	case status/100 != 2:
		return nil, false, x.refusal("read", status, answer)
	case !whole:
		return nil, false, nil
	}
	a = new(searchAnswer)
	if err := json.Unmarshal(answer, a); err != nil {
		return nil, false, fmt.Errorf("reading %s: the answer is not that of a search: look at ES_Address", x.name)
	}
	if a.TimedOut || a.Shards.Failed > 0 {
		return nil, false, fmt.Errorf("reading %s: not all of its shards answered: look at the cluster's health", x.name)
	}
	return a, true, nil
}

func (x *Index) query() any {
	bounds := make(map[string]string)
	if !x.since.IsZero() {
		bounds["gte"] = x.since.UTC().Format(time.RFC3339Nano)
	}
	if !x.until.IsZero() {
		bounds["lt"] = x.until.UTC().Format(time.RFC3339Nano)
	}
	if len(bounds) == 0 {
		return map[string]any{"match_all": struct{}{}}
	}
	return map[string]any{"range": map[string]any{"@timestamp": bounds}}
}

// post sends a request, again if the server is too busy or does not answer.
func (x *Index) post(ctx context.Context, path string, body []byte, limit int64) (status int, answer []byte, whole bool, err error) {
	for try := 1; ; try++ {
		var cause *record.Cause
		limited, cancel := context.WithTimeout(ctx, askTime)
		status, answer, whole, cause = x.es.Post(limited, path, body, limit)
		cancel()
		if err = ctx.Err(); err != nil {
			return 0, nil, false, err
		}
		if cause != nil {
			err = errors.New(cause.Text())
		}
		busy := cause == nil && (status == http.StatusTooManyRequests || status >= 500) || cause != nil && !cause.Permanent
		if !busy || try == askTries {
			return status, answer, whole, err
		}
		x.wait(ctx, try)
	}
}

// refusal is the error of a request that was refused as a whole.
func (x *Index) refusal(privilege string, status int, answer []byte) error {
	var e struct {
		Error struct {
			Type string `json:"type"`
		} `json:"error"`
	}
	_ = json.Unmarshal(answer, &e) // a proxy's page has none
	return fmt.Errorf("%s %s: HTTP %d %s; %s", privilege, x.name, status, e.Error.Type, x.hint(privilege, status))
}

// hint says what to look at.
func (x *Index) hint(privilege string, status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "look at ES_User and ES_Password, or at ES_ApiKey"
	case http.StatusForbidden:
		return "the user of ES_User or ES_ApiKey needs the privilege " + privilege + " on " + x.name
	case http.StatusNotFound:
		return "look at ES_Address and at ES_Dead_Letter_Index"
	default:
		return "look at the health of Elasticsearch and at ES_Dead_Letter_Index"
	}
}

// letter reads what esclient.DeadLetters has written.
func (h *hit) letter() Letter {
	l := Letter{Place: h.Index + "/" + h.ID, Partition: record.Unknown, Offset: record.Unknown}
	var source struct {
		Time  time.Time `json:"@timestamp"`
		Error struct {
			Type string `json:"type"`
		} `json:"error"`
		Source struct {
			Topic     string  `json:"topic"`
			Partition *int32  `json:"partition"`
			Offset    *int64  `json:"offset"`
			Key       *string `json:"key"`
		} `json:"source"`
		Target struct {
			Sink  string `json:"sink"`
			Index string `json:"index"`
			ID    string `json:"id"`
		} `json:"target"`
		Document  *string `json:"document"`
		Truncated bool    `json:"truncated"`
		Raw       bool    `json:"raw"`
	}
	if json.Unmarshal(h.Source, &source) != nil {
		return l // unreadable, as it has no sink
	}
	l.Time, l.Cause, l.Sink = source.Time, source.Error.Type, source.Target.Sink
	l.Topic = plain(source.Source.Topic)
	if source.Source.Partition != nil {
		l.Partition = *source.Source.Partition
	}
	if source.Source.Offset != nil {
		l.Offset = *source.Source.Offset
	}
	if source.Source.Key != nil {
		l.Key = []byte(plain(*source.Source.Key))
	}
	l.Index, l.ID = plain(source.Target.Index), plain(source.Target.ID)
	l.Generated = l.ID == h.ID || ours(l.ID, l.Partition, l.Offset)
	l.Raw, l.Truncated = source.Raw, source.Truncated
	if source.Document != nil {
		l.Text = []byte(*source.Document)
	}
	return l
}

// plain takes away the apostrophe that esclient puts before what looks like a date
// or a number.
func plain(s string) string { return strings.TrimPrefix(s, "'") }
