package esclient

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// Every status, and every exception whose name matters, with texts as real
// servers wrote them.
func TestClassifyItem(t *testing.T) {
	const generated, chosen = true, false
	for _, c := range []struct {
		name      string
		status    int
		kind      string
		reason    string
		create    bool
		generated bool
		want      verdict
	}{
		{"created", 201, "", "", true, generated, stored},
		{"overwritten", 200, "", "", false, chosen, stored},
		{"a replay of ours", 409, "version_conflict_engine_exception", "", true, generated, duplicate},
		{"create with an id from a field", 409, "version_conflict_engine_exception", "", true, chosen, refused},
		{"index with a conflict", 409, "version_conflict_engine_exception", "", false, generated, refused},
		{"queue full", 429, "es_rejected_execution_exception", "", true, generated, again},
		{"breaker", 429, "circuit_breaking_exception", "", true, generated, again},
		{"read-only before 7.7", 403, "cluster_block_exception", "blocked by: [FORBIDDEN/12/index read-only / allow delete (api)];", true, generated, again},
		{"read-only since 7.7", 429, "cluster_block_exception", "", true, generated, again},
		{"shards missing", 503, "unavailable_shards_exception", "", true, generated, again},
		{"master busy", 503, "process_cluster_event_timeout_exception", "", true, generated, again},
		{"anything of the server", 500, "null_pointer_exception", "", true, generated, again},
		{"no status at all", 0, "", "", true, generated, again},
		{"mapping conflict before 8.10", 400, "mapper_parsing_exception", "failed to parse field [n] of type [long]", true, generated, refused},
		{"mapping conflict since 8.10", 400, "document_parsing_exception", "", true, generated, refused},
		{"strict mapping", 400, "strict_dynamic_mapping_exception", "", true, generated, refused},
		{"field limit", 400, "illegal_argument_exception", "Limit of total fields [1000] has been exceeded", true, generated, refused},
		{"a name nobody has seen", 400, "brand_new_exception", "", true, generated, refused},
		{"too large for the index", 413, "", "", true, generated, refused},
		{"index not created", 404, "index_not_found_exception", "no such index [a]", true, generated, hold},
		{"index closed", 400, "index_closed_exception", "closed", true, generated, hold},
		{"no rights", 403, "security_exception", "", true, generated, hold},
		{"forbidden by another name", 403, "forbidden_exception", "", true, generated, hold},
		{"unauthorized", 401, "", "", true, generated, hold},
		{"gone", 404, "something_missing_exception", "", true, generated, hold},
		{"bad index name", 400, "invalid_index_name_exception", "", true, generated, hold},
		{"template whose alias is an index", 400, "invalid_alias_name_exception", "Invalid alias name [a]: an index or data stream exists with the same name as the alias", true, generated, hold},
		{"templates that contradict, 7.x", 400, "mapper_parsing_exception", "Failed to parse mapping [_doc]: unknown parameter [ignore_above] on mapper [n] of type [long]", true, generated, hold},
		{"templates that contradict, 8.x", 400, "mapper_parsing_exception", "Failed to parse mapping: unknown parameter [ignore_above] on mapper [n] of type [long]", true, generated, hold},
		{"shard limit", 400, "validation_exception", "this action would add [2] total shards", true, generated, hold},
		{"alias without write index", 400, "illegal_argument_exception", "no write index is defined for alias [logs]. The write index may be explicitly disabled", true, generated, hold},
		{"alias for several", 400, "illegal_argument_exception", "Alias [a] has more than one indices associated with it [[b, c]], can't execute a single index op", true, generated, hold},
		{"pipeline missing", 400, "illegal_argument_exception", "pipeline with id [p] does not exist", true, generated, hold},
		{"data stream", 400, "illegal_argument_exception", "only write ops with an op_type of create are allowed in data streams", false, chosen, hold},
		{"other mapping type", 400, "illegal_argument_exception", "Rejecting mapping update to [a] as the final mapping would have more than 1 type: [_doc, doc]", true, generated, hold},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, hint := classifyItem(c.status, failure{c.kind, c.reason}, c.create, c.generated)
			require.Equal(t, c.want, got)
			if got == hold || got == again {
				require.NotEmpty(t, hint, "the operator has to know where to look")
			}
		})
	}
}

// Every status that a request can end with means something definite.
func TestClassifyRequest(t *testing.T) {
	for status := 300; status < 600; status++ {
		v, hint := classifyRequest(status, failure{kind: "x"}, false)
		want := hold
		switch {
		case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge:
			want = split
		case status == http.StatusRequestTimeout, status == http.StatusTooManyRequests, status >= 500:
			want = again
		}
		require.Equal(t, want, v, "status %d", status)
		require.True(t, v == split || hint != "", "status %d needs a hint", status)
	}
	for _, c := range []struct {
		name   string
		status int
		f      failure
		typed  bool
		want   verdict
	}{
		{"6.x without type", 400, failure{"action_request_validation_exception", "Validation Failed: 1: type is missing;2: type is missing;"}, false, flip},
		{"8.x with type", 400, failure{"illegal_argument_exception", "Action/metadata line [1] contains an unknown parameter [_type]"}, true, flip},
		{"a document that speaks of types", 400, failure{"parse_exception", "something about _type"}, false, split},
		{"cluster read-only", 403, failure{"cluster_block_exception", "blocked"}, false, again},
		{"no master", 503, failure{"cluster_block_exception", "no master"}, false, again},
		{"shard limit of the whole", 400, failure{"validation_exception", "would add shards"}, false, hold},
		{"nginx told plain http", 400, failure{"http_400", "<title>400 The plain HTTP request was sent to HTTPS port</title>"}, false, hold},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := classifyRequest(c.status, c.f, c.typed)
			require.Equal(t, c.want, got)
		})
	}
}

// A log may hold what the server says of an index, and field names, but never
// what a document holds.
func TestSafeReason(t *testing.T) {
	for _, c := range []struct {
		name, kind, reason, want string
	}{
		{"7.x value", "mapper_parsing_exception", "failed to parse field [price] of type [long] in document with id 'S3CRET'. Preview of field's value: 'S3CRET'", "the value of this field does not fit its type: price (long)"},
		{"8.x value", "document_parsing_exception", "[1:20] failed to parse field [a.b] of type [date] in document with id 'S3CRET'. Preview of field's value: 'S3CRET'", "the value of this field does not fit its type: a.b (date)"},
		{"6.x value", "mapper_parsing_exception", "failed to parse [price]: For input string: \"S3CRET\"", "the value of this field does not fit its type: price"},
		{"object and value", "mapper_parsing_exception", "object mapping for [user] tried to parse field [user] as object, but found a concrete value", "this field is an object in some documents and a value in others: user"},
		{"field limit", "illegal_argument_exception", "Limit of total fields [1000] has been exceeded while adding new fields [S3CRET]", "the index has its limit of fields, 1000"},
		{"unknown text", "illegal_argument_exception", "S3CRET", ""},
		{"date", "mapper_parsing_exception", "failed to parse date field [S3CRET] with format [strict_date_optional_time]", ""},
		{"index", "index_not_found_exception", "no such index [logs-2026-11-24]", "no such index [logs-2026-11-24]"},
		// Both servers' texts had a document in the function's log and error.
		{"red index", "unavailable_shards_exception", `[a][0] primary shard is not active Timeout: [1m], request: [BulkShardRequest [[a][0]] containing [index {[a][_doc][1], source[{"S3CRET":1}]}]]`, "[a][0] primary shard is not active Timeout: [1m]"},
		{"full queue", "es_rejected_execution_exception", `rejected execution of processing of [1][indices:data/write/bulk[s][p]]: request: BulkShardRequest [[a][0]] containing [index {[a][_doc][1], source[{"S3CRET":1}]}], target allocation id: x, primary term: 1 on EsThreadPoolExecutor[name = n/write, queue capacity = 1]`, "rejected execution of processing of [1][indices:data/write/bulk[s][p]]"},
		{"block", "cluster_block_exception", "index [a] blocked by: [FORBIDDEN/12/index read-only];", "index [a] blocked by: [FORBIDDEN/12/index read-only]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := safeReason(failure{c.kind, c.reason})
			require.Equal(t, c.want, got)
			require.NotContains(t, got, "S3CRET")
		})
	}
}
