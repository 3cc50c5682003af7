package modelserver

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"ckafka-etl/internal/rawjson"
)

// Refusal is how a document is refused.
type Refusal struct {
	Status int
	Type   string
	// Reason may hold {source}, {id} and {index}.
	Reason string
	Proof  Proof
	// Text says that the error is a string, as old servers have it; Silent that
	// there is no error at all.
	Text, Silent bool
}

// outcome is what an answer says of one document.
type outcome struct {
	*action
	id, index string // as answered
	status    int
	version   int
	refusal   *Refusal
	buried    bool // by the failure store
}

// work applies the documents of a request. The caller holds mu.
func (s *Server) work(actions []action, f *Fault, no int) []outcome {
	out := make([]outcome, len(actions))
	for i := range actions {
		a := &actions[i]
		out[i] = s.apply(a, f)
		o := &out[i]
		o.action = a
		if o.refusal != nil && o.status != http.StatusConflict {
			s.refused(a, o.refusal.Proof, no, len(actions))
		} else {
			s.taken[a.index] = no // a conflict is found by an index that works
		}
	}
	return out
}

func (s *Server) apply(a *action, f *Fault) outcome {
	o := outcome{id: a.id, index: a.index}
	if s.traits.RewritesIDs && a.index != s.traits.Ordinary {
		// Of what the record itself holds: a stamp differs between instances.
		own, _, _ := bytes.Cut(a.source, []byte(`,"`+Stamp+`":`))
		h := fnv.New64a()
		_, _ = h.Write(own)
		o.id = "p" + strconv.FormatUint(h.Sum64(), 16)
	}
	ill := f.How == RefusesItems && f.Items.hits(a.id) && (f.Spares == "" || a.index != f.Spares)
	if ill && f.Items.Keeps == KeepsNothing {
		return o.refuse(&f.Items.Refusal)
	}
	if s.traits.Refuse != nil {
		if r := s.traits.Refuse(a.index, a.source); r != nil {
			return s.bury(o, a, r)
		}
	}
	d := s.at(a.index, o.id)
	if a.op == "create" && d.visible != nil {
		return o.refuse(&Refusal{
			Status: http.StatusConflict, Type: "version_conflict_engine_exception",
			Reason: "[{id}]: version conflict, document already exists (current version [1])",
		})
	}
	o.status = http.StatusCreated
	if d.visible != nil {
		o.status = http.StatusOK
	}
	if ill {
		d.write(a.source, f.Items.Keeps)
		return o.refuse(&f.Items.Refusal)
	}
	d.write(a.source, KeepsDurable)
	o.version = d.writes
	return o
}

func (o outcome) refuse(r *Refusal) outcome {
	o.status, o.refusal = r.Status, r
	return o
}

// bury refuses a document for itself, or keeps it in the failure store.
func (s *Server) bury(o outcome, a *action, r *Refusal) outcome {
	if s.traits.FailureStore == NoFailureStore || a.index == s.traits.Ordinary {
		return o.refuse(r)
	}
	o.index, o.status, o.version, o.buried = FailureStore, http.StatusCreated, 1, true
	copied := fmt.Sprintf("fs%06d", len(s.indices[FailureStore])+1) // each delivery is a copy
	if s.traits.FailureStore == NewIDs {
		o.id = copied
	}
	s.at(o.index, copied).write(a.source, KeepsDurable)
	return o
}

// FailureStore is the index of the failure store.
const FailureStore = ".fs-k"

// fields are what of an item filter_path may leave in.
type fields struct {
	top                                                   bool
	index, typ, id, version, result, seq, status, failure bool
	kind, reason                                          bool
}

func wanted(filter string, typed bool) fields {
	var patterns [][]string
	for one := range strings.SplitSeq(filter, ",") {
		if one != "" {
			patterns = append(patterns, strings.Split(one, "."))
		}
	}
	has := func(path ...string) bool {
		if len(patterns) == 0 {
			return true
		}
		for _, p := range patterns {
			if leads(p, path) {
				return true
			}
		}
		return false
	}
	item := func(path ...string) bool { return has(append([]string{"items", "*"}, path...)...) }
	return fields{
		top: has("took"), index: item("_index"), typ: typed && item("_type"), id: item("_id"), version: item("_version"),
		result: item("result"), seq: item("_seq_no"), status: item("status"), failure: item("failure_store"),
		kind: item("error", "type"), reason: item("error", "reason"),
	}
}

// leads reports whether a pattern chooses a path or something that it is in.
func leads(pattern, path []string) bool {
	switch {
	case len(pattern) == 0:
		return true
	case len(path) == 0:
		return false
	case pattern[0] == "**":
		return leads(pattern[1:], path) || leads(pattern, path[1:])
	case pattern[0] != "*" && path[0] != "*" && pattern[0] != path[0]:
		return false
	}
	return leads(pattern[1:], path[1:])
}

// bulkAnswer writes the answer to a bulk request.
func bulkAnswer(items []outcome, want fields) string {
	buf := []byte("{")
	if want.top {
		errs := slices.ContainsFunc(items, func(o outcome) bool { return o.refusal != nil })
		buf = append(strconv.AppendBool(append(buf, `"took":3,"errors":`...), errs), ',')
	}
	buf = append(buf, `"items":[`...)
	for i := range items {
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = items[i].append(buf, want)
	}
	return string(append(buf, "]}"...))
}

func (o *outcome) append(buf []byte, want fields) []byte {
	buf = append(append(append(buf, `{"`...), o.op...), `":{`...)
	start := len(buf)
	text := func(name, value string) {
		if len(buf) > start {
			buf = append(buf, ',')
		}
		buf = append(append(append(buf, '"'), name...), `":"`...)
		buf, _ = rawjson.AppendEscaped(buf, value)
		buf = append(buf, '"')
	}
	number := func(name string, value int) {
		if len(buf) > start {
			buf = append(buf, ',')
		}
		buf = append(append(append(buf, '"'), name...), `":`...)
		buf = strconv.AppendInt(buf, int64(value), 10)
	}
	if want.index {
		text("_index", o.index)
	}
	if want.typ {
		text("_type", "_doc")
	}
	if want.id {
		text("_id", o.id)
	}
	if o.refusal == nil && want.version {
		number("_version", o.version)
	}
	if o.refusal == nil && want.result {
		text("result", map[int]string{http.StatusOK: "updated", http.StatusCreated: "created"}[o.status])
	}
	if o.refusal == nil && want.seq {
		number("_seq_no", 7)
	}
	if o.buried && want.failure {
		text("failure_store", "used")
	}
	if want.status && o.status != 0 {
		number("status", o.status)
	}
	if o.refusal != nil && !o.refusal.Silent && (want.kind || want.reason) {
		buf = o.appendError(append(buf, `,"error":`...), want)
	}
	return append(buf, "}}"...)
}

func (o *outcome) appendError(buf []byte, want fields) []byte {
	reason := o.refusal.Reason
	if strings.Contains(reason, "{") {
		reason = strings.ReplaceAll(reason, "{id}", o.action.id)
		reason = strings.ReplaceAll(reason, "{index}", o.action.index)
		reason = strings.ReplaceAll(reason, "{source}", string(o.source))
	}
	if o.refusal.Text {
		buf, _ = rawjson.AppendEscaped(append(buf, '"'), o.refusal.Type+"["+reason+"]")
		return append(buf, '"')
	}
	buf = append(buf, '{')
	if want.kind {
		buf, _ = rawjson.AppendEscaped(append(buf, `"type":"`...), o.refusal.Type)
		buf = append(buf, '"')
	}
	if want.reason {
		if want.kind {
			buf = append(buf, ',')
		}
		buf, _ = rawjson.AppendEscaped(append(buf, `"reason":"`...), reason)
		buf = append(buf, '"')
	}
	return append(buf, '}')
}
