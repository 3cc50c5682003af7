package config

import "strings"

// Group says what a variable belongs to.
type Group uint8

// The groups of variables.
const (
	GroupElasticsearch Group = iota // needs ES_Address
	GroupCleaning                   // needs Elasticsearch, kafka_value=document or kafka_dead_letter_topic
	GroupKafka                      // needs kafka_address
	GroupGeneral
)

// Variable describes one environment variable.
type Variable struct {
	Name  string
	Group Group
	// Default is the value that the variable has when it is not set, written as
	// one would set it; "" = none. KEYWORD stands for ES_Index_KeyWord.
	Default string
	// Unset says what not setting it means where Default is "".
	Unset  string
	Secret bool
	// Choices are all the values it may have, for those that have a few.
	Choices []string
	// Allowed says which values it may have.
	Allowed string
	// About says in one line what it is for.
	About string
}

// DefaultText returns what holds while the variable is not set, for help texts.
func (v Variable) DefaultText() string {
	if v.Default != "" {
		return v.Default
	}
	return v.Unset
}

const (
	allowedBool  = "true or false (also 1, 0, yes, no, on, off)"
	allowedIndex = `an index name: no \ / * ? " < > | space , # :, not starting with - _ +, at most 255 bytes with what is added to it`
	allowedCert  = `PEM text (line ends may be written \n) or the path of a PEM file with at least one certificate`
	allowedPaths = "field paths, commas between: name (at top level), a.b (nested)"
	none         = "none"
)

// Variables are all the variables, in the order in which help should list
// them. Nobody may change it. It is the one place for defaults.
//
//nolint:gochecknoglobals // a table that is never written
var Variables = []Variable{
	{
		Name: "ES_Address", Unset: "nothing goes to Elasticsearch",
		Allowed: "host, host:port or http(s)://[user:password@]host[:port][/prefix], commas between; in user and password write @ / ? # % and comma as %40 %2F %3F %23 %25 %2C",
		About:   "Elasticsearch servers, used in turn; without a scheme http, without a port 9200 (https: 443); turns Elasticsearch on",
	},
	{Name: "ES_User", Unset: none, Allowed: "any text without a colon; together with ES_Password", About: "user for basic authentication"},
	{Name: "ES_Password", Unset: none, Secret: true, Allowed: "any text; together with ES_User", About: "password for basic authentication"},
	{Name: "ES_ApiKey", Unset: none, Secret: true, Allowed: "the encoded API key (base64 of id:key)", About: "API key, instead of user and password"},
	{Name: "ES_Index_KeyWord", Unset: "required with ES_Address", Allowed: allowedIndex + "; {topic} in it stands for the record's topic", About: "prefix of the index names, lower-cased"},
	{
		Name: "ES_Log_IgnoreWord", Group: GroupCleaning, Unset: none,
		Allowed: allowedPaths + ", **.name or **.a.b (at any depth, in any case, and in text inside strings)",
		About:   "fields to remove from every document; **.name is the form for secrets",
	},
	{
		Name: "ES_Message_Merge", Group: GroupCleaning, Default: "over", Choices: []string{"over", "under", none},
		About: "a JSON object in the field message: over = merged, its fields win; under = merged, the record's own win; none = it stays text",
	},
	{Name: "ES_Empty_Record", Default: "dead", Choices: []string{"dead", "filter"}, About: "records without a value: dead = a null is a dead letter; filter = null and empty values are dropped"},
	{
		Name: "ES_Index_TimeFormat", Default: "day", Choices: []string{"day", "hour", "week", "month", none},
		About: "one index a day (KEYWORD-2006-01-02), hour (KEYWORD-2006-01-02-15), week (KEYWORD-2006-w01, ISO) or month (KEYWORD-2006-01); none = KEYWORD, a write alias",
	},
	{Name: "ES_Index_TimeZone", Group: GroupCleaning, Unset: "TZ, else UTC", Allowed: "an IANA name, such as Asia/Shanghai", About: "time zone of index names and time stamps"},
	{Name: "ES_Index_TimeField", Unset: none, Allowed: allowedPaths, About: "the first of these fields that holds a time in the window names the index; none does: the arrival time"},
	{
		Name: "ES_Index_TimeWindow", Default: "720h,24h",
		Allowed: "two durations with a comma between, such as 720h,24h or 30d,1d, each 0 to 36500d",
		About:   "how far back and ahead of the arrival an event time may lie to name the index",
	},
	{
		Name: "ES_Time_Field", Group: GroupCleaning, Default: "@timestamp",
		Allowed: `the name of one top-level field, without . , and *; or none`,
		About:   "field stamped if the record lacks it, with the event time (ES_Index_TimeField) or else the arrival time; none = no stamp",
	},
	{Name: "ES_Time_Overwrite", Group: GroupCleaning, Default: "false", Allowed: allowedBool, About: "stamp all records, with the arrival time, as the templates do"},
	{Name: "ES_Id_Field", Default: "log_id", Allowed: "one field path: name (at top level) or a.b (nested); or none", About: "field whose value is the document id"},
	{Name: "ES_Id_Prefix", Unset: none, Allowed: "at most 64 bytes, all printable", About: "put before generated document ids"},
	{
		Name: "ES_Dead_Letter_Index", Default: "dead-letter-KEYWORD",
		Allowed: allowedIndex + "; or none",
		About:   "where refused documents go; none = a refused document fails the batch",
	},
	{
		Name: "ES_Dead_Letter_After", Default: "0", Allowed: "a whole number, 0 to 10000",
		About: "after so many failing deliveries a document that is refused without proof that it is at fault is a dead letter; 0 = never",
	},
	{Name: "ES_Pipeline", Unset: none, Allowed: "the name of an ingest pipeline, at most 512 bytes, all printable", About: "ingest pipeline for every document"},
	{Name: "ES_Op_Type", Default: "auto", Choices: []string{"auto", "create", "index"}, About: "bulk action; auto = create for generated ids, index for ids from a field"},
	{Name: "ES_Bulk_Bytes", Default: "5MiB", Allowed: "64KiB to 100MiB, as plain bytes or with KB, KiB, MB or MiB", About: "most bytes of one bulk request, before compression"},
	{Name: "ES_Bulk_Concurrency", Default: "2", Allowed: "a whole number, 1 to 16", About: "most bulk requests in flight"},
	{Name: "ES_Request_Timeout", Default: "30s", Allowed: "100ms to 15m, or plain seconds", About: "time limit of one bulk request"},
	{Name: "ES_Gzip", Default: "0", Allowed: "a whole number, 0 to 9", About: "compression of bulk requests: 0 = none, 1 = fast, 9 = small"},
	{Name: "ES_CA_Cert", Unset: "the system's roots", Allowed: allowedCert, About: "authorities that https servers are verified with"},
	{Name: "ES_CA_Fingerprint", Unset: none, Allowed: "SHA-256 as 64 hex digits, colons between them or not", About: "fingerprint of the authority's certificate that https servers must show"},
	{Name: "ES_Insecure", Default: "false", Allowed: allowedBool, About: "do not verify https servers at all"},
	{Name: "kafka_address", Group: GroupKafka, Unset: "nothing goes to Kafka", Allowed: "host or host:port, commas between", About: "bootstrap servers, without a port 9092; turns Kafka on"},
	{
		Name: "kafka_topic_name", Group: GroupKafka, Unset: "required with kafka_address, unless there is kafka_dead_letter_topic",
		Allowed: "1 to 249 of a-z A-Z 0-9 . _ -, and {topic}",
		About:   "topic that records go to; {topic} stands for the source's",
	},
	{Name: "kafka_user", Group: GroupKafka, Unset: none, Allowed: "any text; together with kafka_password", About: "user for SASL"},
	{Name: "kafka_password", Group: GroupKafka, Unset: none, Secret: true, Allowed: "any text; together with kafka_user", About: "password for SASL"},
	{Name: "kafka_sasl_mechanism", Group: GroupKafka, Default: "PLAIN", Choices: []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"}, About: "SASL mechanism, used with kafka_user"},
	{Name: "kafka_tls", Group: GroupKafka, Default: "false", Allowed: allowedBool, About: "connect with TLS"},
	{Name: "kafka_ca_cert", Group: GroupKafka, Unset: "the system's roots", Allowed: allowedCert, About: "authorities that brokers are verified with"},
	{Name: "kafka_partition", Group: GroupKafka, Default: "key", Choices: []string{"key", "keep"}, About: "key = by the key's hash as Kafka's clients do; keep = same number as the source"},
	{Name: "kafka_compression", Group: GroupKafka, Default: "lz4", Choices: []string{"none", "gzip", "snappy", "lz4", "zstd"}, About: "compression of what is produced"},
	{Name: "kafka_headers", Group: GroupKafka, Default: "true", Allowed: allowedBool, About: "add headers with the source's topic, partition and offset"},
	{Name: "kafka_value", Group: GroupKafka, Default: "raw", Choices: []string{"raw", "document"}, About: "raw = the body's bytes as they came; document = the cleaned document"},
	{Name: "kafka_dead_letter_topic", Group: GroupKafka, Unset: none, Allowed: "1 to 249 of a-z A-Z 0-9 . _ -", About: "topic that dead letters go to"},
	{
		Name: "Retry_Pace", Group: GroupGeneral, Default: "60s", Allowed: "0 to 15m, or plain seconds; 0 = off",
		About: "most that is added to an invocation that fails, so that the trigger's retries outlast an outage: nothing for a partition's first failure in a row, then 1, 2, 4 … seconds",
	},
	{Name: "Log_Level", Group: GroupGeneral, Default: "info", Choices: []string{"debug", "info", "warn", "error"}, About: "least level that is logged"},
}

// AllowedText says which values the variable may have.
func (v Variable) AllowedText() string {
	if v.Choices != nil {
		return strings.Join(v.Choices, ", ")
	}
	return v.Allowed
}

// lookup returns the variable with exactly that name.
func lookup(name string) (Variable, bool) {
	for i := range Variables {
		if Variables[i].Name == name {
			return Variables[i], true
		}
	}
	return Variable{}, false
}
