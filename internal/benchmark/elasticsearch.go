package benchmark

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// elasticsearch is the server as the one who measures sees it.
type elasticsearch struct{ server Server }

// do sends a request and returns the answer to one that went well.
func (e *elasticsearch) do(ctx context.Context, method, path, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, e.server.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if e.server.User != "" {
		req.SetBasicAuth(e.server.User, e.server.Password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 {
		return nil, &statusError{method + " " + path, res.StatusCode, string(answer[:min(len(answer), 300)])}
	}
	return answer, nil
}

type statusError struct {
	request string
	status  int
	answer  string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: status %d: %s", e.request, e.status, e.answer)
}

// indexSettings are those of the project's index template, without copies and
// without the refreshes whose moment would fall into one turn or another.
const indexSettings = `{
  "settings": {"index": {
    "number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1", "codec": "best_compression"
  }},
  "mappings": {
    "date_detection": false,
    "dynamic_templates": [
      {"strings": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}},
      {"fractions": {"match_mapping_type": "double", "mapping": {"type": "double"}}}
    ],
    "properties": {
      "time": {"type": "date"}, "@timestamp": {"type": "date"},
      "message": {"type": "text"}, "msg_body": {"type": "text"}, "status": {"type": "long"}
    }
  }
}`

// create makes an index anew.
func (e *elasticsearch) create(ctx context.Context, index string) error {
	if err := e.remove(ctx, index); err != nil {
		return err
	}
	_, err := e.do(ctx, http.MethodPut, "/"+index, indexSettings)
	return err
}

// remove removes indices, if they are there.
func (e *elasticsearch) remove(ctx context.Context, indices ...string) error {
	var errs []error
	for _, index := range indices {
		_, err := e.do(ctx, http.MethodDelete, "/"+index, "")
		if s, ok := errors.AsType[*statusError](err); ok && s.status == http.StatusNotFound {
			continue
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// written is how many documents were written into an index since it is there.
func (e *elasticsearch) written(ctx context.Context, index string) (int, error) {
	answer, err := e.do(ctx, http.MethodGet, "/"+index+"/_stats/indexing?filter_path=_all.primaries.indexing.index_total", "")
	if err != nil {
		return 0, err
	}
	var stats struct {
		All struct {
			Primaries struct {
				Indexing struct {
					Total int `json:"index_total"`
				} `json:"indexing"`
			} `json:"primaries"`
		} `json:"_all"`
	}
	err = json.Unmarshal(answer, &stats)
	return stats.All.Primaries.Indexing.Total, err
}

// cpu is what the node has used since it was started; 0 if it does not tell.
func (e *elasticsearch) cpu(ctx context.Context) time.Duration {
	answer, err := e.do(ctx, http.MethodGet, "/_nodes/_local/stats/process?filter_path=nodes.*.process.cpu.total_in_millis", "")
	var stats struct {
		Nodes map[string]struct {
			Process struct {
				CPU struct {
					Millis int64 `json:"total_in_millis"`
				}
			}
		}
	}
	if err != nil || json.Unmarshal(answer, &stats) != nil {
		return 0
	}
	for _, n := range stats.Nodes {
		return time.Duration(n.Process.CPU.Millis) * time.Millisecond
	}
	return 0
}

// ids calls visit with the request id of each document of an index.
func (e *elasticsearch) ids(ctx context.Context, index string, visit func(id string)) error {
	if _, err := e.do(ctx, http.MethodPost, "/"+index+"/_refresh", ""); err != nil {
		return err
	}
	const filter = "filter_path=_scroll_id,hits.hits._id,hits.hits._source.request_id"
	answer, err := e.do(ctx, http.MethodPost, "/"+index+"/_search?scroll=1m&"+filter,
		`{"size":10000,"_source":["request_id"],"sort":["_doc"]}`)
	for {
		if err != nil {
			return err
		}
		var page struct {
			Scroll string `json:"_scroll_id"`
			Hits   struct {
				Hits []struct {
					Source struct {
						ID string `json:"request_id"`
					} `json:"_source"`
				} `json:"hits"`
			} `json:"hits"`
		}
		if err := json.Unmarshal(answer, &page); err != nil {
			return err
		}
		var id []byte
		if id, err = json.Marshal(page.Scroll); err != nil {
			return err
		}
		if len(page.Hits.Hits) == 0 {
			_, err = e.do(ctx, http.MethodDelete, "/_search/scroll", `{"scroll_id":`+string(id)+`}`)
			return err
		}
		for _, hit := range page.Hits.Hits {
			visit(hit.Source.ID)
		}
		answer, err = e.do(ctx, http.MethodPost, "/_search/scroll?"+filter, `{"scroll":"1m","scroll_id":`+string(id)+`}`)
	}
}

// count is how many documents an index holds; 0 if it is not there.
func (e *elasticsearch) count(ctx context.Context, index string) (int, error) {
	_, err := e.do(ctx, http.MethodPost, "/"+index+"/_refresh", "")
	var answer []byte
	if err == nil {
		answer, err = e.do(ctx, http.MethodGet, "/"+index+"/_count", "")
	}
	if s, ok := errors.AsType[*statusError](err); ok && s.status == http.StatusNotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var n struct{ Count int }
	err = json.Unmarshal(answer, &n)
	return n.Count, err
}

// version is what the server calls itself. The answer has no version where the
// module for it is missing.
func (e *elasticsearch) version(ctx context.Context) (string, error) {
	answer, err := e.do(ctx, http.MethodGet, "/_nodes/_local?filter_path=nodes.*.version,nodes.*.jvm.mem.heap_max_in_bytes", "")
	if err != nil {
		return "", err
	}
	var nodes struct {
		Nodes map[string]struct {
			Version string
			JVM     struct {
				Mem struct {
					Heap int64 `json:"heap_max_in_bytes"`
				}
			}
		}
	}
	if err := json.Unmarshal(answer, &nodes); err != nil {
		return "", err
	}
	for _, n := range nodes.Nodes {
		text := n.Version
		if heap := n.JVM.Mem.Heap; heap > 0 {
			text += fmt.Sprintf(" (heap %d MB)", heap>>20)
		}
		return text, nil
	}
	return "", errors.New("GET /_nodes/_local names no node")
}
