// Package config turns environment variables into a validated configuration.
//
// It is pure: the environment comes in as an argument, and the only things it
// reads beside it are a certificate file, if a variable names one, and the
// time zone data, whose copy is in the binary. Nothing is contacted.
package config

import (
	"log/slog"
	"net/url"
	"strings"
	"time"
)

// Config is a valid configuration. It is not changed after Load and may be
// read by many goroutines at once. Printing it in any way shows no secret.
type Config struct {
	ES       *Elasticsearch // nil = nothing goes to Elasticsearch
	Kafka    *Kafka         // nil = nothing goes to Kafka
	Cleaning Cleaning
	// RetryPace is the most that is added to an invocation that fails; 0 = nothing.
	RetryPace time.Duration
	LogLevel  slog.Level
	// Warnings are to be logged once for each Load. Each starts with the name
	// of its variable.
	Warnings []string
}

// Cleaning says how a record becomes a document. Documents for Elasticsearch,
// documents for Kafka (kafka_value=document) and dead letters are all made so.
type Cleaning struct {
	// Ignore are the paths of the fields to remove: "name", "a.b", and at any
	// depth "**.name", "**.a.b". No element is empty.
	Ignore []string
	// MessageMerge says what becomes of a JSON object in the field message.
	MessageMerge MessageMerge
	// TimeField is the top-level field that is stamped with the event time, or
	// without one with the arrival time, if the record lacks it; "" = no stamp.
	TimeField string
	// TimeOverwrite stamps all records, with the arrival time.
	TimeOverwrite bool
	// Zone is the time zone of the stamp and of index names. Never nil.
	Zone *time.Location
}

// Elasticsearch is the configuration of sink A.
type Elasticsearch struct {
	Addresses []Address // at least one, no two with the same URL
	User      string    // for addresses that bring no user of their own; "" = none
	Password  Secret    // set if and only if User is
	APIKey    Secret    // instead of User and Password; no address has a user then

	Keyword                 string        // index prefix, lower case; TopicPlaceholder stands for the record's topic
	Period                  Period        // what of the time index names end in
	FilterEmpty             bool          // records without a value are filtered, not dead
	TimeFields              []string      // paths of the fields that may name the index, best first
	WindowBack, WindowAhead time.Duration // how far an event time may lie from the arrival; 0 or more

	IDField         string // path of the field that holds the document id; "" = none
	IDFieldSet      bool   // somebody has chosen it
	IDPrefix        string // put before generated ids; at most 64 bytes
	DeadLetterIndex string // "" = a refused document fails the batch
	DeadLetterAfter int    // failing deliveries, from which on a refusal needs no proof; 0 = never
	Pipeline        string // "" = none
	OpType          OpType

	BulkBytes       int           // most bytes of a bulk request before compression
	BulkConcurrency int           // most bulk requests in flight
	RequestTimeout  time.Duration // of one bulk request
	GzipLevel       int           // 0 = no compression, 1 (fast) to 9 (small)

	CACert        []byte // PEM, certificates only; nil = the system's roots
	CAFingerprint []byte // SHA-256, 32 bytes, or nil
	Insecure      bool   // servers' certificates are not verified
}

// Address is one Elasticsearch node or proxy.
type Address struct {
	// URL has a scheme (http or https), host:port (the port is always there)
	// and perhaps a path prefix without a slash at its end. It holds no user.
	URL *url.URL
	// User and Password are the address's own, before Elasticsearch.User.
	User     string
	Password Secret
}

// Kafka is the configuration of sink B and of the dead-letter topic.
type Kafka struct {
	Brokers []string // host:port, at least one
	// Topic is where records go; "{topic}" in it stands for the source's topic.
	// "" = sink B is off and only dead letters are written.
	Topic           string
	DeadLetterTopic string // "" = none

	User      string // "" = no SASL
	Password  Secret // set if and only if User is
	Mechanism string // "PLAIN", "SCRAM-SHA-256" or "SCRAM-SHA-512"; "" without User
	TLS       bool
	CACert    []byte // PEM, certificates only; nil = the system's roots

	KeepPartition bool   // same partition number as the source, not the key's hash
	Compression   string // "none", "gzip", "snappy", "lz4" or "zstd"
	Headers       bool   // provenance headers: source topic, partition, offset
	ValueDocument bool   // the cleaned document instead of the raw body
}

// TopicPlaceholder stands for the source's topic in the names of indices and
// topics.
const TopicPlaceholder = "{topic}"

// IndexPattern returns a pattern that fits the indices.
func (es *Elasticsearch) IndexPattern() string {
	pattern := strings.ReplaceAll(es.Keyword, TopicPlaceholder, "*")
	if es.Period != PeriodNone {
		pattern += "-*"
	}
	return pattern
}

// Period is the time of which one index holds the documents.
type Period uint8

// The periods.
const (
	PeriodDay Period = iota
	PeriodHour
	PeriodWeek
	PeriodMonth
	PeriodNone // the keyword is the whole name
)

// suffix is the longest text that a period adds to the keyword.
func (p Period) suffix() string {
	return [...]string{PeriodDay: "-2006-01-02", PeriodHour: "-2006-01-02-15", PeriodWeek: "-2006-w01", PeriodMonth: "-2006-01", PeriodNone: ""}[p]
}

// MessageMerge says what becomes of a JSON object in a record's field message.
type MessageMerge uint8

// The ways to merge.
const (
	MergeOver  MessageMerge = iota // its members win over the record's own
	MergeUnder                     // the record's own win
	MergeNone                      // it stays text
)

// OpType is the bulk action that documents are written with.
type OpType uint8

// The bulk actions. OpAuto is OpCreate for generated ids and OpIndex for ids
// that come from a field.
const (
	OpAuto OpType = iota
	OpCreate
	OpIndex
)

// String returns the action as ES_Op_Type spells it.
func (o OpType) String() string {
	switch o {
	case OpCreate:
		return "create"
	case OpIndex:
		return "index"
	case OpAuto:
	}
	return "auto"
}

// Loader loads configurations. The zero value is ready to use.
type Loader struct {
	// ReadFile reads a certificate file. Nil = from the disk, at most 1 MiB.
	ReadFile func(path string) ([]byte, error)
	// Now tells which certificates have expired. Nil = time.Now.
	Now func() time.Time
}

// Load reads the configuration from KEY=VALUE pairs, as os.Environ gives them,
// with the zero Loader.
func Load(environ []string) (*Config, error) { return Loader{}.Load(environ) }

// Load reads the configuration from KEY=VALUE pairs, as os.Environ gives them;
// of equal keys the last wins. Values are trimmed, and an empty value is the
// same as none. The error is an *Error and holds every problem there is.
func (ld Loader) Load(environ []string) (*Config, error) {
	if ld.ReadFile == nil {
		ld.ReadFile = readSmallFile
	}
	if ld.Now == nil {
		ld.Now = time.Now
	}
	r := newReader(environ, ld)
	cfg := &Config{Cleaning: r.cleaning(), RetryPace: r.seconds("Retry_Pace", 0), LogLevel: r.logLevel()}
	// A section is read as soon as one of its variables is set, so that what
	// else is wrong with it is said together with the missing address.
	if r.anySet(GroupElasticsearch) {
		cfg.ES = r.elasticsearch()
	}
	if r.anySet(GroupKafka) {
		cfg.Kafka = r.kafka()
	}
	r.checkTogether(cfg)
	if err := r.err(); err != nil {
		return nil, err
	}
	cfg.Warnings = r.warnings
	return cfg, nil
}

// RetryPace returns Retry_Pace as Load does, or its default if it is not valid,
// whatever else is wrong with the environment: a function whose variables are
// not valid fails again and again, too.
func RetryPace(environ []string) time.Duration {
	r := newReader(environ, Loader{})
	before := len(r.problems)
	pace := r.seconds("Retry_Pace", 0)
	if len(r.problems) > before {
		return new(reader).seconds("Retry_Pace", 0)
	}
	return pace
}

// checkTogether reports what is wrong between the sections.
func (r *reader) checkTogether(cfg *Config) {
	cleaned := cfg.ES != nil
	if k := cfg.Kafka; k != nil {
		cleaned = cleaned || k.ValueDocument || k.DeadLetterTopic != ""
		if cfg.ES == nil && k.Topic == "" && k.DeadLetterTopic != "" {
			r.problem("kafka_topic_name", "not set, and ES_Address is not set either: only dead letters would be written, and no record; set one of the two")
		}
	}
	switch {
	case cleaned:
	case r.anySet(GroupCleaning):
		r.problem("ES_Address", "not set, so "+r.setNames(GroupCleaning)+" would have no effect; set ES_Address, or kafka_address with kafka_value=document")
	case cfg.Kafka == nil:
		r.problem("ES_Address", "not set, and kafka_address is not set either: there is nowhere to write to; set ES_Address for Elasticsearch, kafka_address for Kafka, or both")
	}
	if c := cfg.Cleaning; cfg.ES != nil && c.TimeOverwrite && len(cfg.ES.TimeFields) > 0 && cfg.ES.TimeFields[0] == c.TimeField {
		r.warn("ES_Time_Overwrite", "the index is named by the time that "+quote(c.TimeField)+" (ES_Index_TimeField) came with, and that time is then overwritten with the arrival time")
	}
}

func (r *reader) logLevel() slog.Level {
	switch r.choice("Log_Level") {
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
