package esclient

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
)

// subject is what a refusal speaks of.
type subject uint8

const (
	ofUnknown  subject = iota // only other evidence can tell
	ofDocument                // what the document is: it will never be taken
	ofIndex                   // its index, template, stream, rights: nothing will be taken
	ofServer                  // the state of the server: it may be taken later
)

// refusal is one row of the table of refusals. The first row that fits counts.
type refusal struct {
	// kinds are the error types, blanks between; "" fits all.
	kinds string
	// pattern fits the whole reason; "" fits all. Its groups "field" and "name"
	// may be shown, if they look like names.
	pattern string
	subject subject
	// hint tells the operator what to look at.
	hint string
	// safe is the text for logs, with ${field} and ${name}. What it does not
	// show of a reason reaches no log.
	safe string
}

const (
	hintTemplate = "the index cannot be created: look at its templates"
	hintRights   = "look at the user's rights on the index (ES_User or ES_ApiKey)"
	hintOverload = "Elasticsearch is overloaded or recovering: look at its health and at its write queue"
	hintDisk     = "look at the disks and the logs of the Elasticsearch nodes"
	hintStream   = "the name belongs to a data stream: look at ES_Op_Type and ES_Time_Field"

	safeType  = "the value of this field does not fit its type: ${field}"
	safeShape = "this field is an object in some documents and a value in others: ${field}"
	safeDepth = "the document is nested too deeply"
	safeName  = "the document has a field name that cannot be used"
)

// refusals are what servers say of single documents: Elasticsearch 6.8 to 9 and
// OpenSearch 2 and 3. A row for documents has to be certain, for the record goes
// to the dead letters on it; so patterns are anchored at both ends, and what of
// them may come from a document stands in a group or behind the certain part.
//
//nolint:gochecknoglobals // a table that is never written
var refusals = []refusal{
	// What the index is, under types that documents have as well.
	{"", `(?:(?:\[-?\d+:-?\d+\] )?failed to parse: )?data stream timestamp field \[(?P<field>[^\]]*)\] is missing`, ofIndex, "a data stream needs this field in every document: look at ES_Time_Field", "the data stream's time field is missing: ${field}"},
	{"", `(?:failed to parse: )?documents must contain a single-valued timestamp field '(?P<field>[^']*)' of date type`, ofUnknown, "a data stream needs this field in every document: look at ES_Time_Field", "the data stream's time field is missing, or there twice: ${field}"},
	{"mapper_parsing_exception", `Failed to parse mapping(?: \[[^\]]*\])?: .*`, ofIndex, hintTemplate, "the mapping of a template cannot be parsed"},
	{"document_parsing_exception mapper_parsing_exception", `(?:\[-?\d+:-?\d+\] )?failed to parse: analyzer \[[^\]]*\] has not been configured in mappings`, ofIndex, hintTemplate, "an analyzer of a template does not exist"},
	{"mapper_parsing_exception", `Root mapping definition has unsupported parameters: .*`, ofIndex, hintTemplate, "the mapping of a template has unsupported parameters"},
	{"mapper_parsing_exception", `(?:Mapping definition for|No handler for type|unknown parameter|analyzer) \[.*`, ofIndex, hintTemplate, "the mapping of a template cannot be used"},
	{"illegal_argument_exception document_parsing_exception mapper_parsing_exception", `(?:(?:\[-?\d+:-?\d+\] )?failed to parse: )?_id must be unset or set to \[.*\] but was \[.*\] because \[(?P<name>[^\]]*)\] is in time_series mode`, ofIndex, "an index of mode time_series makes its own ids: choose another index (ES_Index_KeyWord) or another index.mode", "the index is of mode time_series"},
	{"document_parsing_exception mapper_parsing_exception", `(?:(?:\[-?\d+:-?\d+\] )?failed to parse: )?time series index @timestamp value .*`, ofUnknown, "the event is too old or too new for the time series: look at index.time_series.start_time and end_time", "the event time lies outside the time series"},

	// What the document is.
	{"document_parsing_exception mapper_parsing_exception", `(?:\[-?\d+:-?\d+\] )?failed to parse field \[(?P<field>[^\]]*)\] of type \[(?P<name>[^\]]*)\].*`, ofDocument, "", safeType + " (${name})"},
	{"mapper_parsing_exception", `failed to parse \[(?P<field>[^\]]*)\].*`, ofDocument, "", safeType},
	{"document_parsing_exception mapper_parsing_exception", `(?:\[-?\d+:-?\d+\] )?object mapping for \[(?P<field>[^\]]*)\].*`, ofDocument, "", safeShape},
	{"document_parsing_exception mapper_parsing_exception", `(?:\[-?\d+:-?\d+\] )?Could not dynamically add mapping for field \[(?P<field>[^\]]*)\].*`, ofDocument, "", "this field's dotted name runs into a value: ${field}"},
	{"document_parsing_exception", ``, ofDocument, "", "the document cannot be parsed"},
	{"mapper_parsing_exception", `failed to parse.*`, ofDocument, "", "the document cannot be parsed"},
	{"mapper_parsing_exception", `Field \[(?P<field>[^\]]*)\] is a metadata field and cannot be added inside a document.*`, ofDocument, "", "may not stand in a document: ${field}"},
	{"mapper_parsing_exception", `Could not parse field \[(?P<field>[^\]]*)\].*`, ofDocument, "", safeType},
	{"strict_dynamic_mapping_exception", `(?:\[-?\d+:-?\d+\] )?mapping set to (?:strict|strict_allow_templates), dynamic introduction of \[(?P<field>[^\]]*)\].*`, ofDocument, "", "the mapping is strict and does not know this field: ${field}"},
	{"strict_dynamic_mapping_exception", ``, ofDocument, "", "the mapping is strict and does not know a field"},
	{"max_bytes_length_exceeded_exception", ``, ofDocument, "", "a value is longer than the 32,766 bytes of a keyword"},
	{"illegal_argument_exception", `Document contains at least one immense term in field="(?P<field>[^"]*)".*`, ofDocument, "", "a value is longer than the 32,766 bytes of a keyword: ${field}"},
	{"illegal_argument_exception", `(?:DocValuesField|Field) "(?P<field>[^"]*)" is too large.*`, ofDocument, "", "a value is longer than the 32,766 bytes of a keyword: ${field}"},
	{"illegal_argument_exception", `Limit of total fields \[(?P<name>\d+)\].* has been exceeded while adding new fields .*`, ofDocument, "look at index.mapping.total_fields.limit", "the index has its limit of fields, ${name}"},
	// Most versions say so of an index too that cannot be created, because its
	// templates have more fields than they allow.
	{"illegal_argument_exception", `Limit of total fields \[(?P<name>\d+)\].*`, ofUnknown, "look at index.mapping.total_fields.limit and at the templates of the index", "the index has its limit of fields, ${name}"},
	{"illegal_argument_exception", `Limit of mapping depth \[(?P<name>\d+)\].*`, ofDocument, "", safeDepth},
	{"illegal_argument_exception mapper_parsing_exception document_parsing_exception", `The number of nested documents has exceeded the allowed limit of \[(?P<name>\d+)\].*`, ofDocument, "", "the document has more nested objects than ${name}"},
	{"illegal_argument_exception", `mapper \[(?P<field>[^\]]*)\] (?:cannot be changed from type|of different type|attempted to change).*`, ofDocument, "", "this field has another type in the index: ${field}"},
	{"illegal_argument_exception", `(?i:can't merge a non[ -]object mapping) \[(?P<field>[^\]]*)\].*`, ofDocument, "", safeShape},
	{"illegal_argument_exception", `object mapping \[(?P<field>[^\]]*)\] can't be changed.*`, ofDocument, "", safeShape},
	{"illegal_argument_exception", `(?:name cannot be empty string|field name cannot be an empty string|(?:object )?field starting or ending with a \[\.\].*|field name cannot contain only whitespace.*|field name starting with.*)`, ofDocument, "", safeName},
	{"json_parse_exception x_content_parse_exception x_content_e_o_f_exception json_e_o_f_exception stream_constraints_exception not_x_content_exception", ``, ofDocument, "", "the document cannot be parsed"},

	// What the index, the stream, the rights or the cluster's settings are.
	{"index_not_found_exception", ``, ofIndex, "the index was not created: look at action.auto_create_index and at the user's rights on it", "no such index"},
	{"index_closed_exception", ``, ofIndex, "open it, or look at what closes it", "the index is closed"},
	{"security_exception authorization_exception forbidden_exception", ``, ofIndex, hintRights, ""},
	{"invalid_index_name_exception", ``, ofIndex, "look at ES_Index_KeyWord", "the index name is not valid"},
	{"invalid_alias_name_exception", ``, ofIndex, "the index cannot be created: look at its template's aliases", "the name of an alias is taken"},
	{"validation_exception", `.*this action would add \[(?P<name>\d+)\].*shards.*`, ofIndex, "the cluster refuses a new index: look at its shard limit (cluster.max_shards_per_node)", "the cluster has its limit of shards"},
	{"validation_exception", ``, ofIndex, "the cluster refuses a new index: look at its shard limit (cluster.max_shards_per_node) and at its templates", ""},
	{"type_missing_exception", ``, ofIndex, "look at the index's mapping type", ""},
	{"routing_missing_exception", ``, ofIndex, "the mapping demands a routing value (_routing.required), which the function does not send", "routing is required"},
	{"invalid_index_template_exception index_template_missing_exception index_creation_exception analysis_exception settings_exception invalid_type_name_exception", ``, ofIndex, hintTemplate, ""},
	{"illegal_argument_exception", `no write index is defined for alias \[(?P<name>[^\]]*)\]\. The write index may be explicitly disabled using is_write_index=false or the alias points to multiple indices without one being designated as a write index`, ofIndex, "the alias has no write index: look at is_write_index", "no write index is defined for alias ${name}"},
	{"illegal_argument_exception", `[aA]lias \[(?P<name>[^\]]*)\] has more than one (?:index|indices) associated with it \[.*\], can't execute a single index op`, ofIndex, "the alias stands for several indices: look at is_write_index", "the alias ${name} stands for several indices"},
	{"illegal_state_exception illegal_argument_exception", `alias \[(?P<name>[^\]]*)\] has (?:more than one write index|is_write_index set to true on multiple indices) \[[^\]]*\]`, ofIndex, "two indices are the write index of one alias: look at is_write_index in the aliases of the templates", "the alias ${name} would have two write indices"},
	{"illegal_argument_exception", `pipeline with id \[[^\]]*\] does not exist`, ofIndex, "the ingest pipeline does not exist: look at ES_Pipeline and at the index's default pipeline", "the ingest pipeline does not exist"},
	{"illegal_argument_exception", `only write ops with an op_type of create are allowed in data streams`, ofIndex, hintStream, "a data stream takes only create"},
	{"illegal_argument_exception", `Rejecting mapping update to \[(?P<name>[^\]]*)\] as the final mapping would have more than 1 type: .*`, ofIndex, "the index has a mapping type other than _doc: look at its template", "the index has another mapping type"},
	{"illegal_argument_exception", `[nN]umber of documents in the index can(?:not|'t) exceed.*`, ofIndex, "the index is full: look at its number of shards", "the index is full"},
	{"illegal_argument_exception", `(?:unknown (?:index sort field|setting)|Failed to parse value|docvalues not found for index sort field|invalid index sort field|cannot apply index sort to field|index sorting is .*)[:\s].*`, ofIndex, hintTemplate, "a setting of a template cannot be used"},
	{"illegal_argument_exception", `(?:Custom Analyzer|Unknown analyzer type|analyzer|Unknown tokenizer type|Unknown filter type|Unknown char_filter type) \[.*`, ofIndex, hintTemplate, "an analyzer of a template cannot be used"},
	{"illegal_argument_exception", `explicit index in bulk is not allowed`, ofIndex, "the server takes no index names in bulk bodies: look at rest.action.multi.allow_explicit_index", "explicit index names in bulk bodies are not allowed"},
	{"action_request_validation_exception", `Validation Failed: 1: create operations only support internal versioning.*`, ofIndex, "look at ES_Op_Type and ES_Id_Version", "create takes no versions"},
	{"illegal_argument_exception", `index \[(?P<name>[^\]]*)\] (?:must be|is) (?:a )?(?:write index|read-only|not a write index).*`, ofIndex, "look at the index and its aliases", ""},

	// How the server is.
	{"cluster_block_exception", ``, ofServer, "look at its free disk space and at index.blocks", "the index or cluster is blocked"},
	{"es_rejected_execution_exception rejected_execution_exception circuit_breaking_exception", ``, ofServer, hintOverload, ""},
	{"mapper_exception", ``, ofServer, "the cluster's master is busy or missing: look at the cluster's health", "the mapping was not updated in time"},
	{"unavailable_shards_exception no_shard_available_action_exception shard_not_found_exception primary_missing_action_exception", ``, ofServer, "look at the cluster's health", "a shard is not available"},
	{"process_cluster_event_timeout_exception master_not_discovered_exception not_master_exception failed_to_commit_cluster_state_exception timeout_exception", ``, ofServer, "the cluster's master is busy or missing: look at the cluster's health", ""},
	{"i_o_exception io_exception file_system_exception no_such_file_exception index_write_exception translog_exception engine_exception engine_creation_failure_exception already_closed_exception already_closed engine_closed_exception index_shard_closed_exception illegal_index_shard_state_exception index_shard_not_started_exception corrupt_index_exception out_of_memory_error", ``, ofServer, hintDisk, "a node cannot write"},
	{"node_disconnected_exception node_not_connected_exception node_closed_exception connect_transport_exception receive_timeout_transport_exception send_request_transport_exception remote_transport_exception transport_exception retry_on_primary_exception task_cancelled_exception resource_already_exists_exception index_primary_shard_not_allocated_exception", ``, ofServer, hintOverload, ""},
}

// compiled holds the patterns, which are made when the first refusal comes.
//
//nolint:gochecknoglobals // made once from a table
var compiled = sync.OnceValue(func() []*regexp.Regexp {
	list := make([]*regexp.Regexp, len(refusals))
	for i, r := range refusals {
		if r.pattern != "" {
			list[i] = regexp.MustCompile(`(?s)\A(?:` + r.pattern + `)\z`)
		}
	}
	return list
})

// meaning is what a refusal means.
type meaning struct {
	subject    subject
	hint, safe string
	field      string // that the refusal names, if it looks like a name
}

// meaningOf looks a refusal up in the table.
func meaningOf(f *failure) meaning {
	reason := f.reason
	if strings.HasSuffix(reason, "failed to parse") && len(f.causes) > 0 {
		reason += ": " + f.causes[0] // which alone says what it is about
	}
	for i := range refusals {
		r := &refusals[i]
		if r.kinds != "" && !hasWord(r.kinds, f.kind) {
			continue
		}
		m := meaning{subject: r.subject, hint: r.hint, safe: r.safe}
		if pattern := compiled()[i]; pattern != nil {
			groups := pattern.FindStringSubmatch(reason)
			if groups == nil {
				continue
			}
			for n, name := range pattern.SubexpNames() {
				if name == "" {
					continue
				}
				shown := nameOf(groups[n])
				m.safe = strings.ReplaceAll(m.safe, "${"+name+"}", shown)
				if name == "field" {
					m.field = groups[n]
				}
			}
		}
		return m
	}
	return meaning{}
}

func hasWord(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// nameOf returns what a pattern has captured if it looks like a name: logs show
// names, and nothing else that may come from a document.
func nameOf(s string) string {
	const most = 100
	if s == "" || len(s) > most {
		return "(not shown)"
	}
	for _, r := range s {
		if r != '_' && r != '.' && r != '-' && r != '@' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return "(not shown)"
		}
	}
	return s
}
