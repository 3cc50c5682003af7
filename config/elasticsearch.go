package config

import (
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"
)

func (r *reader) elasticsearch() *Elasticsearch {
	if !r.isSet("ES_Address") {
		r.problem("ES_Address", "not set, so "+r.setNames(GroupElasticsearch)+" would have no effect; set it, or drop these")
	}
	es := &Elasticsearch{
		Addresses:       r.addresses(),
		User:            r.env["ES_User"],
		Password:        r.secret("ES_Password"),
		APIKey:          r.secret("ES_ApiKey"),
		Period:          r.period(),
		FilterEmpty:     r.choice("ES_Empty_Record") == "filter",
		TimeFields:      r.paths("ES_Index_TimeField"),
		IDField:         r.idField(),
		IDFieldSet:      r.isSet("ES_Id_Field"),
		IDPrefix:        r.printable("ES_Id_Prefix", 64),
		DeadLetterAfter: r.number("ES_Dead_Letter_After", 0, 10_000),
		Pipeline:        r.printable("ES_Pipeline", 512),
		OpType:          r.opType(),
		BulkBytes:       r.bulkBytes(),
		BulkConcurrency: r.number("ES_Bulk_Concurrency", 1, 16),
		RequestTimeout:  r.seconds("ES_Request_Timeout", 100*time.Millisecond),
		GzipLevel:       r.number("ES_Gzip", 0, 9),
		CACert:          r.caCert("ES_CA_Cert"),
		CAFingerprint:   r.fingerprint(),
		Insecure:        r.boolean("ES_Insecure"),
	}
	es.WindowBack, es.WindowAhead = r.timeWindow()
	r.indexNames(es)
	r.checkCredentials(es)
	r.checkTLS(es)
	return es
}

func (r *reader) opType() OpType {
	switch r.choice("ES_Op_Type") {
	case "create":
		return OpCreate
	case "index":
		return OpIndex
	default:
		return OpAuto
	}
}

func (r *reader) period() Period {
	switch r.choice("ES_Index_TimeFormat") {
	case "hour":
		return PeriodHour
	case "week":
		return PeriodWeek
	case "month":
		return PeriodMonth
	case none:
		return PeriodNone
	default:
		return PeriodDay
	}
}

func (r *reader) idField() string {
	s := r.value("ES_Id_Field")
	if strings.EqualFold(s, none) {
		return ""
	}
	if strings.Contains(s, ",") || pathFault(s, false) != "" {
		r.invalid("ES_Id_Field")
	}
	return s
}

func (r *reader) fingerprint() []byte {
	value := r.env["ES_CA_Fingerprint"]
	if value == "" {
		return nil
	}
	sum, err := hex.DecodeString(strings.ReplaceAll(value, ":", ""))
	if err != nil || len(sum) != 32 {
		r.invalid("ES_CA_Fingerprint")
	}
	return sum
}

// checkCredentials reports contradictions between the ways to authenticate.
func (r *reader) checkCredentials(es *Elasticsearch) {
	r.pair("ES_User", "ES_Password")
	if strings.Contains(es.User, ":") {
		r.problem("ES_User", "holds a colon, which basic authentication cannot carry")
	}
	if es.APIKey.IsZero() {
		return
	}
	if strings.ContainsFunc(es.APIKey.Reveal(), func(c rune) bool { return !isNameByte(c) && !strings.ContainsRune("+/=", c) || c == '.' }) {
		r.invalid("ES_ApiKey")
	}
	if r.isSet("ES_User") || r.isSet("ES_Password") {
		r.problem("ES_ApiKey", "set together with ES_User or ES_Password; use one way to authenticate")
	}
	if slices.ContainsFunc(es.Addresses, func(a Address) bool { return a.User != "" }) {
		r.problem("ES_ApiKey", "set together with a user in ES_Address; use one way to authenticate")
	}
}

// checkTLS reports contradictions between the settings of TLS.
func (r *reader) checkTLS(es *Elasticsearch) {
	if es.Insecure {
		r.warn("ES_Insecure", "servers' certificates are not verified: anybody on the way can read and change what is sent")
		if r.isSet("ES_CA_Cert") || r.isSet("ES_CA_Fingerprint") {
			r.problem("ES_Insecure", "is true, so that ES_CA_Cert and ES_CA_Fingerprint would have no effect; drop one or the other")
		}
	}
	// The text is asked, not es.Addresses: an https address that could not be
	// read must not bring these problems, too.
	if !r.isSet("ES_Address") || strings.Contains(strings.ToLower(r.env["ES_Address"]), "https://") {
		return
	}
	for _, name := range []string{"ES_CA_Cert", "ES_CA_Fingerprint", "ES_Insecure"} {
		if r.isSet(name) && (name != "ES_Insecure" || es.Insecure) {
			r.problem(name, "has no effect, because no address in ES_Address starts with https://")
		}
	}
}

// indexNames fills in the names of indices.
func (r *reader) indexNames(es *Elasticsearch) {
	const keyword, dead, mostBytes = "ES_Index_KeyWord", "ES_Dead_Letter_Index", 255
	longest := len(es.Period.suffix())
	if !r.isSet(dead) {
		longest = max(longest, len(r.deadLetterDefault("")))
	}
	if r.isSet(keyword) {
		es.Keyword = r.indexName(keyword, mostBytes-longest, true)
	} else {
		r.problem(keyword, "not set; it is required with ES_Address; allowed: "+allowedIndex)
	}
	switch {
	case !r.isSet(dead):
		es.DeadLetterIndex = r.deadLetterDefault(es.Keyword)
	case !strings.EqualFold(r.env[dead], none):
		es.DeadLetterIndex = r.indexName(dead, mostBytes, false)
		if es.DeadLetterIndex == es.Keyword && es.Period == PeriodNone {
			r.problem(dead, "got "+quote(es.DeadLetterIndex)+", which is the index of the documents")
		}
		rest, ok := strings.CutPrefix(es.DeadLetterIndex, es.Keyword+"-")
		if ok && rest != "" && '0' <= rest[0] && rest[0] <= '9' && es.Period != PeriodNone {
			r.problem(dead, "got "+quote(es.DeadLetterIndex)+", which could be the index of a day; it may not start with "+es.Keyword+"- and a digit")
		}
	}
}

// deadLetterDefault is one index for all topics: what is added to a keyword that
// has the placeholder is left out.
func (r *reader) deadLetterDefault(keyword string) string {
	v, _ := lookup("ES_Dead_Letter_Index")
	if strings.Contains(keyword, TopicPlaceholder) {
		keyword = strings.Trim(strings.ReplaceAll(keyword, TopicPlaceholder, ""), "-_.+")
		if keyword == "" {
			keyword = "topics"
		}
	}
	return strings.Replace(v.Default, "KEYWORD", keyword, 1)
}

// indexName returns a variable as the name of an index, in lower case, with at
// most most bytes. The topic's placeholder may stand in it if topic is set.
func (r *reader) indexName(name string, most int, topic bool) string {
	value := r.env[name]
	lower := strings.ToLower(value)
	checked := lower
	if topic {
		checked = strings.ReplaceAll(lower, TopicPlaceholder, "t")
	}
	if fault := indexFault(checked, most); fault != "" {
		v, _ := lookup(name)
		r.problem(name, "got "+quote(value)+": "+fault+"; allowed: "+v.AllowedText())
	} else if lower != value {
		r.warn(name, quote(value)+" was lower-cased to "+quote(lower)+": Elasticsearch refuses capitals in index names")
	}
	return lower
}

// indexFault says what Elasticsearch would refuse in an index name; "" =
// nothing. Control characters it may take, but nobody can want them.
func indexFault(name string, most int) string {
	switch i := strings.IndexFunc(name, func(c rune) bool { return c <= ' ' || c == 0x7f || strings.ContainsRune(`\/*?"<>|,#:`, c) }); {
	case i >= 0:
		return "there may be no " + strconv.Quote(name[i:i+1]) + " in an index name"
	case strings.ContainsAny(name, "{}"):
		return "braces may stand only as " + TopicPlaceholder + " in ES_Index_KeyWord"
	case name[0] == '-' || name[0] == '_' || name[0] == '+':
		return "an index name may not start with " + strconv.Quote(name[:1])
	case name == "." || name == "..":
		return "this is no name"
	case len(name) > most:
		return "it has " + strconv.Itoa(len(name)) + " bytes, and with what is added to it at most " + strconv.Itoa(most) + " are possible"
	}
	return ""
}
