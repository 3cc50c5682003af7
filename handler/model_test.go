package handler_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
)

// model is Elasticsearch as far as the bulk protocol goes, in memory and small
// enough to be seen through: it applies bulks item by item, and before each
// request it is asked for a fault. It is strict: a body that no server would
// take makes broken say why.
type model struct {
	mu      sync.Mutex
	docs    map[string]map[string]*stored // index, id
	fault   func() fault
	broken  []string
	seen    bytes.Buffer // everything that was ever sent
	closed  map[string]bool
	largest int // bytes of a body, 0 = any
}

type stored struct {
	source  string
	written int
}

// fault is what goes wrong with one request. The zero value is nothing.
type fault struct {
	before bool           // the connection breaks before the server has read
	status int            // the request is refused as a whole
	after  bool           // applied, but the answer never comes
	cut    bool           // applied, but the answer breaks off
	foul   bool           // applied, but the answer is no JSON
	short  int            // applied, but the answer lacks this item and each so-manyth after
	items  map[int]int    // these items are refused with these statuses
	kinds  map[int]string // and these names
}

func newModel() *model {
	return &model{docs: make(map[string]map[string]*stored), closed: make(map[string]bool), fault: func() fault { return fault{} }}
}

var errBroken = errors.New("connection reset by peer")

type bulkItem struct {
	Index string `json:"_index"`
	ID    string `json:"_id"`
	Type  string `json:"_type"`
}

// RoundTrip is the network and the server.
func (m *model) RoundTrip(req *http.Request) (*http.Response, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	_ = req.Body.Close()
	m.seen.Write(body)
	f := m.fault()
	switch {
	case f.before:
		return nil, errBroken
	case f.status != 0:
		return answer(f.status, `{"error":{"type":"some_exception","reason":"because"},"status":`+itoa(f.status)+`}`), nil
	case m.largest > 0 && len(body) > m.largest:
		return answer(413, ``), nil
	case bytes.Contains(body, []byte(`"p":"POISON"`)):
		return answer(400, `{"error":{"type":"parse_exception","reason":"POISON cannot be read"},"status":400}`), nil
	}
	out := m.bulk(body, f)
	switch {
	case f.after:
		return nil, errBroken
	case f.foul:
		return answer(200, `<html>busy</html>`), nil
	case f.cut:
		res := answer(200, "")
		res.Body = io.NopCloser(io.MultiReader(strings.NewReader(out[:len(out)/2]), brokenReader{}))
		return res, nil
	}
	return answer(200, out), nil
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, errBroken }

func answer(status int, body string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
}

// bulk applies a body and returns the answer.
func (m *model) bulk(body []byte, f fault) string {
	if !bytes.HasSuffix(body, []byte("\n")) {
		m.broken = append(m.broken, "the body does not end in a line break")
	}
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	if len(lines)%2 != 0 {
		m.broken = append(m.broken, "an odd number of lines")
		return "{}"
	}
	var items []string
	for k := 0; k < len(lines); k += 2 {
		var action map[string]bulkItem
		if err := json.Unmarshal(lines[k], &action); err != nil || len(action) != 1 {
			m.broken = append(m.broken, "action line: "+string(lines[k]))
			continue
		}
		if !json.Valid(lines[k+1]) || lines[k+1][0] != '{' {
			m.broken = append(m.broken, "source line: "+string(lines[k+1]))
		}
		for op, it := range action {
			if f.short > 0 && k/2%f.short == 0 {
				m.apply(op, it, lines[k+1], f, k/2)
				continue
			}
			items = append(items, m.apply(op, it, lines[k+1], f, k/2))
		}
	}
	return `{"took":1,"items":[` + strings.Join(items, ",") + `]}`
}

func (m *model) apply(op string, it bulkItem, source []byte, f fault, n int) string {
	id, _ := json.Marshal(it.ID)
	say := func(status int, err string) string {
		return `{"` + op + `":{"_id":` + string(id) + `,"status":` + itoa(status) + err + `}}`
	}
	if status, ok := f.items[n]; ok {
		return say(status, `,"error":{"type":"`+f.kinds[n]+`","reason":"not now"}`)
	}
	if m.closed[it.Index] {
		return say(400, `,"error":{"type":"index_closed_exception","reason":"closed"}`)
	}
	if bytes.Contains(source, []byte(`"n":"text"`)) {
		return say(400, `,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [n] of type [long]"}`)
	}
	index := m.docs[it.Index]
	if index == nil {
		index = make(map[string]*stored)
		m.docs[it.Index] = index
	}
	old := index[it.ID]
	if old != nil && op == "create" {
		return say(409, `,"error":{"type":"version_conflict_engine_exception","reason":"exists"}`)
	}
	if old == nil {
		old = &stored{}
		index[it.ID] = old
	}
	old.source = string(source)
	old.written++
	return say(201, "")
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }
