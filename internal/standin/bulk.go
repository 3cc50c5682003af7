package standin

import "slices"

// Item is one action of a bulk request, as a script sees it.
type Item struct {
	// N is its place in the request, from 0.
	N int
	// Op is index, create or delete.
	Op    string
	Index string
	// ID is empty if the server is to make one.
	ID string
	// Source is the document, nil for a delete. It must not be changed.
	Source []byte
	// Attempt counts how often bulk requests brought this index and id, this
	// time included; 1 if the server is to make the id.
	Attempt int
}

// itemAnswer is an item of the answer to a bulk request.
type itemAnswer struct {
	Index       string     `json:"_index"`
	Type        string     `json:"_type,omitempty"`
	ID          *string    `json:"_id"`
	Version     int64      `json:"_version,omitempty"`
	Result      string     `json:"result,omitempty"`
	Refreshed   bool       `json:"forced_refresh,omitempty"`
	Shards      *shards    `json:"_shards,omitempty"`
	SeqNo       *int64     `json:"_seq_no,omitempty"`
	PrimaryTerm int        `json:"_primary_term,omitempty"`
	Status      int        `json:"status,omitempty"`
	Error       *exception `json:"error,omitempty"`
}

type shards struct {
	Total      int  `json:"total"`
	Successful int  `json:"successful"`
	Skipped    *int `json:"skipped,omitempty"`
	Failed     int  `json:"failed"`
}

type bulkAnswer struct {
	Took       int                     `json:"took"`
	IngestTook *int                    `json:"ingest_took,omitempty"`
	Errors     bool                    `json:"errors"`
	Items      []map[string]itemAnswer `json:"items"`
}

// items are the operations as a script sees them. Their attempts are counted
// when they are made, once for each request.
func (s *Server) items(ops []operation) []Item {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Item, len(ops))
	for i, op := range ops {
		out[i] = Item{N: i, Op: op.op, Index: op.index, ID: op.id, Source: op.source, Attempt: 1}
		if op.hasID {
			key := [2]string{op.index, op.id}
			s.offered[key]++
			out[i].Attempt = s.offered[key]
		}
	}
	return out
}

// applyBulk does the work of a bulk request and answers it; applied is the
// number of documents that were created, overwritten or deleted.
func (s *Server) applyBulk(ops []operation, refused []*ItemError, refresh bool) (_ bulkAnswer, applied int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := bulkAnswer{Items: make([]map[string]itemAnswer, 0, len(ops))}
	for i, op := range ops {
		var a itemAnswer
		var f *failure
		if refused != nil && refused[i] != nil {
			f = refused[i].failure()
		} else {
			if op.hasPipeline && op.pipeline != "_none" {
				answer.IngestTook = new(int)
			}
			a, f = s.apply(&op)
		}
		if f != nil {
			answer.Errors = true
			a = itemAnswer{Status: f.status, Error: &f.exception}
		} else {
			applied++
			if a.Result == "not_found" {
				applied--
			}
			a.Refreshed = refresh
		}
		a.Index = op.index
		if op.hasID {
			a.ID = &op.id
		}
		if s.version.namesTypes() {
			a.Type = op.typ
			if a.Type == "" {
				a.Type = "_doc"
			}
		}
		answer.Items = append(answer.Items, map[string]itemAnswer{op.op: a})
	}
	return answer, applied
}

// apply does one operation, and gives it an id if it has none.
func (s *Server) apply(op *operation) (itemAnswer, *failure) {
	if op.hasPipeline && op.pipeline != "_none" && !slices.Contains(s.pipelines, op.pipeline) {
		return itemAnswer{}, illegalArgument("pipeline with id [%s] does not exist", op.pipeline)
	}
	ix := s.indices[op.index]
	if ix == nil {
		if f := s.mayCreate(op); f != nil {
			return itemAnswer{}, f
		}
	}
	if op.hasID && op.id == "" {
		return itemAnswer{}, illegalArgument("if _id is specified it must not be empty")
	}
	if ix == nil {
		ix = s.newIndex(op.index)
	}
	if f := ix.blocked(s.version, false); f != nil {
		return itemAnswer{}, f
	}
	typ := op.typ
	if typ == "" {
		typ = "_doc"
	}
	if !op.hasID {
		op.id, op.hasID = s.newID(), true
	}
	if op.op == "delete" {
		if old := ix.docs[op.id]; op.hasSeqNo && (old == nil || old.source == nil || old.seqNo != op.ifSeqNo) {
			f := fail(409, "version_conflict_engine_exception", "[%s]: version conflict, required seqNo [%d], primary term [1]", op.id, op.ifSeqNo)
			f.Index, f.IndexUUID, f.Shard = ix.name, uuid(ix.name), "0"
			return itemAnswer{}, f
		}
		e, found := ix.remove(op.id)
		if !found {
			return stored(e, "not_found", 404), nil
		}
		return stored(e, "deleted", 200), nil
	}
	if f := s.checkType(ix, typ, op.typ != ""); f != nil {
		return itemAnswer{}, f
	}
	if f := s.parseDocument(ix, op.id, op.source); f != nil {
		return itemAnswer{}, f
	}
	// Only now, as seen: a create that comes too late has extended the mapping.
	if old := ix.docs[op.id]; op.op == "create" && old != nil && old.source != nil {
		f := fail(409, "version_conflict_engine_exception", "[%s]: version conflict, document already exists (current version [%d])", op.id, old.version)
		if s.version == ES68 {
			f.Reason = "[" + typ + "]" + f.Reason
		}
		f.Index, f.IndexUUID, f.Shard = ix.name, uuid(ix.name), "0"
		return itemAnswer{}, f
	}
	e, created := ix.put(op.id, typ, slices.Clone(op.source))
	if created {
		return stored(e, "created", 201), nil
	}
	return stored(e, "updated", 200), nil
}

// mayCreate says why an operation makes no index, or nil.
func (s *Server) mayCreate(op *operation) *failure {
	switch {
	case op.op == "delete" && s.autoCreate:
		return singleIndexNotFound(s.version, op.index)
	case s.autoCreate:
		return checkIndexName(s.version, op.index)
	}
	f := singleIndexNotFound(s.version, op.index)
	if s.version == ES717 || s.version == ES817 {
		f.Reason += " and [action.auto_create_index] is [false]"
		f.ResourceType, f.ResourceID = "", ""
	}
	return f
}

// checkType: an index has one type. 7.x takes a missing one for it.
func (s *Server) checkType(ix *index, typ string, given bool) *failure {
	switch {
	case ix.typ == "":
		ix.typ = typ
	case ix.typ == typ || !given:
	case s.version == ES68:
		return illegalArgument("Rejecting mapping update to [%s] as the final mapping would have more than 1 type: [%s, %s]", ix.name, typ, ix.typ)
	default:
		return illegalArgument("Invalid type: expecting [%s] but got [%s]", ix.typ, typ)
	}
	return nil
}

func stored(e *entry, result string, status int) itemAnswer {
	seqNo := e.seqNo
	return itemAnswer{Version: e.version, Result: result, Shards: &shards{Total: 2, Successful: 1}, SeqNo: &seqNo, PrimaryTerm: 1, Status: status}
}
