package modelserver

// Stamp is the field that a function under test stamps itself: a mapping that
// does not know it refuses every record, and none for itself.
const Stamp = "@timestamp"

// ServerRefusals say that the server cannot write now, or may not.
func ServerRefusals() []Refusal {
	return []Refusal{
		{Status: 500, Type: "i_o_exception", Reason: "No space left on device"},
		{Status: 500, Type: "mapper_exception", Reason: "timed out while waiting for a dynamic mapping update"},
		{Status: 500, Type: "illegal_state_exception", Reason: "alias [all] has more than one write index [k-1,k-2]"},
		{Status: 500, Type: "translog_exception", Reason: "translog_exception: No space left on device"},
		{Status: 502, Type: "no_such_type", Reason: "upstream"},
		{Status: 503, Type: "unavailable_shards_exception", Reason: "[{index}][0] primary shard is not active Timeout: [1m], request: [BulkShardRequest [[{index}][0]] containing [index {[_doc][{id}], source[{source}]}]]"},
		{Status: 503, Type: "process_cluster_event_timeout_exception", Reason: "failed to process cluster event (put-mapping [{index}/x]) within 30s"},
		{Status: 429, Type: "es_rejected_execution_exception", Reason: "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, all_bytes=0, coordinating_operation_bytes=9, max_coordinating_and_primary_bytes=1]"},
		{Status: 429, Type: "circuit_breaking_exception", Reason: "[parent] Data too large, data for [<http_request>] would be [1/1b]"},
		{Status: 403, Type: "cluster_block_exception", Reason: "index [{index}] blocked by: [FORBIDDEN/8/index write (api)];"},
		{Status: 429, Type: "cluster_block_exception", Reason: "index [{index}] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block];"},
		{Status: 503, Type: "cluster_block_exception", Reason: "blocked by: [SERVICE_UNAVAILABLE/1/state not recovered / initialized];"},
		{Status: 403, Type: "security_exception", Reason: "action [indices:data/write/bulk[s]] is unauthorized for user [u] on indices [{index}]"},
		{Status: 0, Type: "x_exception", Reason: "no status at all"},
	}
}

// IndexRefusals speak of the index, its template, its alias or its stream.
func IndexRefusals() []Refusal {
	return []Refusal{
		{Status: 404, Type: "index_not_found_exception", Reason: "no such index [{index}] and [action.auto_create_index] is [false]"},
		{Status: 400, Type: "index_closed_exception", Reason: "closed"},
		{Status: 400, Type: "validation_exception", Reason: "Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1000]/[1000] maximum shards open;"},
		{Status: 400, Type: "invalid_index_name_exception", Reason: "Invalid index name [{index}], must be lowercase"},
		{Status: 400, Type: "illegal_argument_exception", Reason: "no write index is defined for alias [{index}]. The write index may be explicitly disabled using is_write_index=false or the alias points to multiple indices without one being designated as a write index"},
		{Status: 400, Type: "illegal_argument_exception", Reason: "pipeline with id [clean] does not exist"},
		{Status: 400, Type: "illegal_argument_exception", Reason: "only write ops with an op_type of create are allowed in data streams"},
		{Status: 400, Type: "illegal_argument_exception", Reason: "data stream timestamp field [@timestamp] is missing"},
		{Status: 400, Type: "illegal_argument_exception", Reason: "unknown setting [index.lifecycle.nam] please check that any required plugins are installed, or check the breaking changes documentation for removed settings"},
		{Status: 400, Type: "illegal_argument_exception", Reason: "unknown index sort field:[ts]"},
		{Status: 400, Type: "illegal_argument_exception", Reason: "_id must be unset or set to [abc] but was [{id}] because [{index}] is in time_series mode"},
		{Status: 400, Type: "mapper_parsing_exception", Reason: "Failed to parse mapping [_doc]: No handler for type [flattend] declared on field [labels]"},
		{Status: 400, Type: "mapper_parsing_exception", Reason: "Failed to parse mapping: analyzer [ik_max_word] has not been configured in mappings"},
		{Status: 400, Type: "strict_dynamic_mapping_exception", Reason: "mapping set to strict, dynamic introduction of [" + Stamp + "] within [_doc] is not allowed"},
		{Status: 400, Type: "strict_dynamic_mapping_exception", Reason: "[1:9] mapping set to strict, dynamic introduction of [" + Stamp + "] within [_doc] is not allowed"},
		{Status: 400, Type: "routing_missing_exception", Reason: "routing is required for [{index}]/[_doc]/[{id}]"},
		{Status: 400, Type: "invalid_alias_name_exception", Reason: "Invalid alias name [{index}]: an index or data stream exists with the same name as the alias"},
		{Status: 400, Type: "type_missing_exception", Reason: "type[_doc] missing"},
	}
}

// UnknownRefusals are in no list: plugins, proxies and releases to come say such
// things. Some quote the document, some hold what a known refusal holds.
func UnknownRefusals() []Refusal {
	return []Refusal{
		{Status: 400, Type: "acme_quota_exception", Reason: "tenant 7 is over its quota", Proof: Unproved},
		{Status: 400, Type: "illegal_argument_exception", Reason: "cannot accept {source}", Proof: Unproved},
		{Status: 400, Type: "illegal_argument_exception", Reason: "", Proof: Unproved},
		{Status: 400, Type: "acme_rule_exception", Reason: "rule 7 says no: failed to parse field [n] of type [long] in document with id '{id}'. Preview of field's value: '{source}'", Proof: Unproved},
		{Status: 400, Type: "acme_rule_exception", Reason: "{source}: immense term in field, Limit of total fields [1000] has been exceeded", Proof: Unproved},
		{Status: 400, Type: "acme_text", Reason: "{source}", Text: true, Proof: Unproved},
		{Status: 400, Silent: true, Proof: Unproved},
		{Status: 412, Type: "acme_precondition", Reason: "not now", Proof: Unproved},
		{Status: 422, Type: "unprocessable", Reason: "{source}", Proof: Unproved},
		{Status: 500, Type: "null_pointer_exception", Reason: "Cannot invoke \"Object.hashCode()\" because \"{source}\" is null", Proof: Unproved},
	}
}

// RecordRefusals speak of the document: it will never be taken.
func RecordRefusals() []Refusal {
	return []Refusal{
		{Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse field [n] of type [long] in document with id '{id}'. Preview of field's value: '{source}'", Proof: OfRecord},
		{Status: 400, Type: "document_parsing_exception", Reason: "[1:20] failed to parse field [n] of type [long] in document with id '{id}'. Preview of field's value: '{source}'", Proof: OfRecord},
		{Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse [n]", Proof: OfRecord},
		{Status: 400, Type: "mapper_parsing_exception", Reason: "object mapping for [n] tried to parse field [n] as object, but found a concrete value", Proof: OfRecord},
		{Status: 400, Type: "illegal_argument_exception", Reason: "mapper [n] cannot be changed from type [long] to [text]", Proof: OfRecord},
		{Status: 400, Type: "illegal_argument_exception", Reason: "Limit of total fields [1000] has been exceeded while adding new fields [1]", Proof: OfRecord},
		{Status: 400, Type: "strict_dynamic_mapping_exception", Reason: "mapping set to strict, dynamic introduction of [n] within [_doc] is not allowed", Proof: OfRecord},
	}
}

// Pages are what refuses a whole request: a server's error, a proxy's page, a
// firewall's, nothing at all, something without end.
func Pages() []Reply {
	return []Reply{
		{Name: "error", Body: errorBody("acme_exception", "not now")},
		{Name: "error that quotes", Body: errorBody("parse_exception", "cannot read {escaped}")},
		{Name: "page", Body: "<html><head><title>no</title></head><body>request blocked, event 4711</body></html>"},
		{Name: "page that quotes", Body: "<html>{body}</html>"},
		{Name: "nothing", Body: ""},
		{Name: "huge page", Body: "<html>", Pad: 300_000},
		{Name: "text", Body: "upstream connect error or disconnect/reset before headers"},
		{Name: "JSON text", Body: `"no"`},
		{Name: "old error", Body: `{"error":"no","status":400}`},
		{Name: "empty object", Body: `{}`},
	}
}

// NoAnswers are bodies that come with status 200 and are no bulk answer.
func NoAnswers() []string {
	return []string{
		"<html>sign in</html>", "", "{}", "[]", `{"items":[]}`, `{"took":0,"errors":false,"items":[]}`, `{"took":0,"errors":false}`,
		`{"error":{"type":"x","reason":"no"},"status":500}`, `{"items":{}}`, `{"took":1,"errors":false,"items":[{"create":{"_id":"`, "null",
	}
}

// Phrases are what servers say, as the names or the values of a record's fields.
func Phrases() []string {
	return []string{
		"pipeline with id [x] does not exist",
		"no write index is defined for alias [x]",
		"has more than one index",
		"failed to parse field [n] of type [long] in document",
		"Failed to parse mapping [_doc]",
		"Validation Failed: 1: type is missing;",
		"contains an unknown parameter [_type]",
		"The plain HTTP request was sent to HTTPS port",
		"umber of documents in the index can",
		"cluster_block_exception",
		"only write ops with an op_type of create are allowed in data streams",
		"data stream timestamp field [@timestamp] is missing",
		"version conflict, document already exists (current version [1])",
		"es_rejected_execution_exception",
	}
}
