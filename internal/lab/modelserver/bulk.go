package modelserver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"unicode/utf8"
)

// action is one document of a bulk body.
type action struct {
	op, index, id, typ string
	source             []byte
}

// metadata is what an action line may say.
type metadata struct {
	Index *string `json:"_index"`
	ID    *string `json:"_id"`
	Type  *string `json:"_type"`
}

// parseBulk takes a body apart, more strictly than a server does: the error is
// about what no client should send.
func parseBulk(body []byte) ([]action, error) {
	if !bytes.HasSuffix(body, []byte("\n")) {
		return nil, errors.New("the body does not end in a line break")
	}
	if !utf8.Valid(body) {
		return nil, errors.New("the body is not UTF-8")
	}
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	if len(lines)%2 != 0 {
		return nil, errors.New("the body has an odd number of lines")
	}
	actions := make([]action, 0, len(lines)/2)
	for k := 0; k < len(lines); k += 2 {
		a, err := parseAction(lines[k])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w: %.200s", k+1, err, lines[k])
		}
		a.source = lines[k+1]
		if !bytes.HasPrefix(a.source, []byte("{")) || !json.Valid(a.source) {
			return nil, fmt.Errorf("line %d is no JSON object: %.200s", k+2, a.source)
		}
		actions = append(actions, a)
	}
	return actions, nil
}

// usual is an action line as most are: without escapes, in the usual order.
var usual = regexp.MustCompile(`^\{"(create|index)":\{"_index":"([^"\\]+)",(?:"_type":"([^"\\]+)",)?"_id":"([^"\\]+)"\}\}$`)

func parseAction(line []byte) (action, error) {
	if m := usual.FindSubmatch(line); m != nil {
		return action{op: string(m[1]), index: string(m[2]), typ: string(m[3]), id: string(m[4])}, nil
	}
	var ops map[string]metadata
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(&ops); err != nil {
		return action{}, err
	}
	if _, err := d.Token(); err == nil {
		return action{}, errors.New("something follows the action")
	}
	if len(ops) != 1 {
		return action{}, errors.New("want one action")
	}
	for op, m := range ops {
		switch {
		case op != "create" && op != "index":
			return action{}, errors.New("want create or index")
		case m.Index == nil || *m.Index == "":
			return action{}, errors.New("there is no _index")
		case m.ID == nil || *m.ID == "":
			return action{}, errors.New("there is no _id, so that a second try writes a second document")
		}
		a := action{op: op, index: *m.Index, id: *m.ID}
		if m.Type != nil {
			a.typ = *m.Type
		}
		return a, nil
	}
	return action{}, nil // not reached: there is one
}

// disagrees is how the server refuses a request for what its action lines say
// or leave out, nil if it does not.
func (t Types) disagrees(actions []action) *Reply {
	for i := range actions {
		switch typed := actions[i].typ != ""; {
		case t == TypesRequired && !typed:
			reason := []byte("Validation Failed: ")
			for n := range actions {
				reason = fmt.Appendf(reason, "%d: type is missing;", n+1)
			}
			return &Reply{Status: 400, Body: errorBody("action_request_validation_exception", string(reason))}
		case t == TypesForbidden && typed:
			return &Reply{Status: 400, Body: errorBody("illegal_argument_exception",
				fmt.Sprintf("Action/metadata line [%d] contains an unknown parameter [_type]", 2*i+1))}
		}
	}
	return nil
}

// errorBody is an error of Elasticsearch as the answer to a whole bad request.
func errorBody(kind, reason string) string {
	one := map[string]any{"type": kind, "reason": reason}
	body, err := json.Marshal(map[string]any{
		"error":  map[string]any{"root_cause": []any{one}, "type": kind, "reason": reason},
		"status": http.StatusBadRequest,
	})
	if err != nil {
		panic(err) // strings and a number
	}
	return string(body)
}
