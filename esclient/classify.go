package esclient

import (
	"net/http"
	"strings"

	"ckafka-etl/record"
)

// verdict is what an answer means for a document or for a whole request.
type verdict uint8

const (
	stored    verdict = iota
	duplicate         // an earlier delivery stored it
	again             // may be accepted when it is sent again, after a back-off
	refused           // will never be accepted: needs a dead letter
	hold              // cannot be accepted until somebody changes something
	split             // too much or too odd for one request: halve it
	flip              // the action lines need _type, or must not have it
)

// aboutIndex are the refusals of a document for what its index or the cluster
// is: a whole day must not go to the dead letters for them. Each has a hint on
// what to look at.
var aboutIndex = map[string]string{
	"index_not_found_exception":    "the index was not created: look at action.auto_create_index and at the user's rights on it",
	"index_closed_exception":       "the index is closed: open it, or look at what closes it",
	"security_exception":           "look at the user's rights on the index (ES_User or ES_ApiKey)",
	"invalid_index_name_exception": "look at ES_Index_KeyWord",
	"invalid_alias_name_exception": "the index cannot be created: look at its template's aliases",
	"validation_exception":         "the cluster refuses a new index: look at its shard limit (cluster.max_shards_per_node)",
	"type_missing_exception":       "look at the index's mapping type",
}

// aboutIndexReasons tell refusals of the same kind that come as
// illegal_argument_exception, like so many others, by how their reason starts.
var aboutIndexReasons = []struct{ part, hint string }{
	{"no write index is defined for alias", "the alias has no write index: look at is_write_index"},
	{"has more than one ind", "the alias stands for several indices: look at is_write_index"},
	{"pipeline with id [", "the ingest pipeline does not exist: look at ES_Pipeline and at the index's default pipeline"},
	{"only write ops with an op_type of create are allowed in data streams", "the name belongs to a data stream: look at ES_Op_Type"},
	{"the final mapping would have more than 1 type", "the index has a mapping type other than _doc: look at its template"},
	{"umber of documents in the index can", "the index is full: look at its number of shards"},
}

// classifyItem says what an item of a bulk answer means. It goes by status,
// and by the error's name only where the same status has two meanings: names
// change between versions.
func classifyItem(status int, f failure, create, generated bool) (v verdict, hint string) {
	switch {
	case status >= 200 && status < 300:
		return stored, ""
	case f.kind == "cluster_block_exception":
		return again, "the index or cluster is blocked: look at its free disk space and at index.blocks"
	case status == http.StatusTooManyRequests || status >= 500 || status == 0:
		return again, "Elasticsearch is overloaded or recovering: look at its health and at its write queue"
	case status == http.StatusConflict:
		if create && generated {
			return duplicate, ""
		}
		return refused, "a document with this id exists already: look at ES_Id_Field and ES_Op_Type"
	}
	if hint, ok := aboutIndexHint(f); ok {
		return hold, hint
	}
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return hold, aboutIndex["security_exception"]
	case http.StatusNotFound:
		return hold, aboutIndex["index_not_found_exception"]
	}
	return refused, ""
}

func aboutIndexHint(f failure) (hint string, ok bool) {
	if hint, ok = aboutIndex[f.kind]; ok {
		return hint, true
	}
	// A template's mapping, that is. Of a document's the server says "failed".
	if strings.HasPrefix(f.reason, "Failed to parse mapping") {
		return "the index cannot be created: look at the mappings of its templates", true
	}
	if f.kind == "illegal_argument_exception" {
		for _, r := range aboutIndexReasons {
			if strings.Contains(f.reason, r.part) {
				return r.hint, true
			}
		}
	}
	return "", false
}

// classifyRequest says what the refusal of a whole request means.
func classifyRequest(status int, f failure, typed bool) (v verdict, hint string) {
	switch {
	case f.kind == "cluster_block_exception":
		return again, "the cluster is blocked: look at its health and free disk space"
	case status == http.StatusTooManyRequests || status == http.StatusRequestTimeout || status >= 500:
		return again, "Elasticsearch is overloaded or recovering: look at its health"
	case status == http.StatusRequestEntityTooLarge:
		return split, "look at http.max_content_length, at a proxy's limit, and at ES_Bulk_Bytes"
	case status == http.StatusBadRequest:
		if !typed && strings.Contains(f.reason, "type is missing") || typed && strings.Contains(f.reason, "_type") {
			return flip, "the server disagrees with itself about _type"
		}
		if hint, ok := aboutIndexHint(f); ok {
			return hold, hint
		}
		if strings.Contains(f.reason, "HTTPS port") { // nginx says so
			return hold, "look at ES_Address: is it https?"
		}
		return split, ""
	case status == http.StatusUnauthorized:
		return hold, "look at ES_User and ES_Password, or at ES_ApiKey"
	case status == http.StatusForbidden:
		return hold, "look at what the user of ES_User or ES_ApiKey may do"
	case status == http.StatusNotFound:
		return hold, "look at ES_Address: there is no _bulk below it"
	case status >= 300 && status < 400:
		return hold, "look at ES_Address: it redirects elsewhere"
	default:
		return hold, "look at ES_Address: is it Elasticsearch?"
	}
}

// causeOf describes a refusal.
func causeOf(status int, f failure, v verdict, hint string) *record.Cause {
	return &record.Cause{
		Type: f.kind, Status: status, Reason: f.reason, Safe: safeReason(f), Hint: hint, Permanent: v == hold,
	}
}
