package redrive

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"ckafka-etl/internal/rawjson"
)

// deletion is the answer to a bulk request of deletes.
type deletion struct {
	Items []struct {
		Delete struct {
			ID     string `json:"_id"`
			Status int    `json:"status"`
			Error  struct {
				Type string `json:"type"`
			} `json:"error"`
		} `json:"delete"`
	} `json:"items"`
}

// settle deletes letters, each only if it is still the one that was read: a
// record may have been refused once more meanwhile, under the same id. The
// index is refreshed with it, so that the next run does not see them again.
func (x *Index) settle(ctx context.Context, done []bool) (kept int, err error) {
	var open []*hit
	for i, isDone := range done {
		if isDone {
			open = append(open, &x.page[i])
		}
	}
	for try := 1; len(open) > 0; try++ {
		status, answer, whole, err := x.post(ctx, "/_bulk?refresh=true", deletes(open), pageBytes)
		if err != nil {
			return len(open) + kept, fmt.Errorf("deleting from %s: %w", x.name, err)
		}
		if status/100 != 2 {
			return len(open) + kept, x.refusal("delete", status, answer)
		}
		var d deletion
		if !whole || json.Unmarshal(answer, &d) != nil || len(d.Items) != len(open) {
			return len(open) + kept, fmt.Errorf("deleting from %s: the answer is not that of a bulk request: look at ES_Address", x.name)
		}
		var again []*hit
		var worst error
		for i, h := range open {
			switch item := d.Items[i].Delete; {
			case item.ID != h.ID:
				return len(open) + kept, fmt.Errorf("deleting from %s: the answer is about other documents: look at ES_Address", x.name)
			case item.Status/100 == 2:
			// Gone, or its index is; or another letter by now, for the next run.
			case item.Status == http.StatusNotFound, item.Status == http.StatusConflict:
			case item.Status == http.StatusTooManyRequests || item.Status >= 500:
				again = append(again, h)
				worst = x.itemRefusal(item.Status, item.Error.Type)
			default:
				kept++
				err = x.itemRefusal(item.Status, item.Error.Type)
			}
		}
		if err != nil || try == askTries && worst != nil {
			if err == nil {
				err = worst
			}
			return len(again) + kept, err
		}
		if open = again; len(open) > 0 {
			x.wait(ctx, try)
		}
	}
	return kept, nil
}

// finish has nothing to do: settle deletes.
func (x *Index) finish(context.Context) {}

func (x *Index) itemRefusal(status int, kind string) error {
	return fmt.Errorf("delete from %s: HTTP %d %s; %s", x.name, status, kind, x.hint("delete", status))
}

// deletes is a bulk body. The type is named where the server has named it, as
// 6.x wants it and 8.x does not.
func deletes(hits []*hit) []byte {
	var buf []byte
	text := func(name, value string) {
		buf = append(buf, `"`+name+`":"`...)
		buf, _ = rawjson.AppendEscaped(buf, value)
		buf = append(buf, `",`...)
	}
	for _, h := range hits {
		buf = append(buf, `{"delete":{`...)
		text("_index", h.Index)
		if h.Type != "" {
			text("_type", h.Type)
		}
		text("_id", h.ID)
		buf = fmt.Appendf(buf, "\"if_seq_no\":%d,\"if_primary_term\":%d}}\n", *h.SeqNo, *h.Term)
	}
	return buf
}
