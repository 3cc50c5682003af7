package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLoadProblems has every way to be wrong: which variable is named, and what
// is said of it. No case may report more than what stands here.
func TestLoadProblems(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		want []string // "variable: part of the text"
	}{
		{"nothing set", nil, []string{"ES_Address: kafka_address is not set either"}},
		{"only other programs' variables", []string{"HOME=/root", "TZ=UTC", "Log_Level=info"}, []string{"ES_Address: nowhere to write to"}},
		{"empty addresses", []string{"ES_Address= ", "kafka_address="}, []string{"ES_Address: nowhere to write to"}},
		{"elasticsearch without address", []string{"ES_Index_KeyWord=log", "ES_Gzip=1"}, []string{"ES_Address: so ES_Index_KeyWord, ES_Gzip would have no effect"}},
		{"elasticsearch without address beside kafka", with(kafkaOn, "ES_Index_KeyWord=log"), []string{"ES_Address: so ES_Index_KeyWord would have no effect"}},
		{"what else is wrong without address", []string{"ES_Gzip=10"}, []string{"ES_Address: ES_Gzip", "ES_Index_KeyWord: not set", `ES_Gzip: got "10"; allowed: a whole number, 0 to 9`}},
		{"kafka without address", with(esOn, "kafka_topic_name=t", "kafka_tls=true"), []string{"kafka_address: so kafka_topic_name, kafka_tls would have no effect"}},
		{"cleaning alone", []string{"ES_Log_IgnoreWord=a"}, []string{"ES_Address: so ES_Log_IgnoreWord would have no effect"}},
		{"cleaning beside a raw copy", with(kafkaOn, "ES_Time_Field=ts"), []string{"ES_Address: kafka_value=document"}},
		{"zone beside a raw copy", with(kafkaOn, "ES_Index_TimeZone=UTC"), []string{"ES_Address: so ES_Index_TimeZone would"}},
		{"not UTF-8", with(esOn, "ES_Id_Prefix=\xff"), []string{"ES_Id_Prefix: not valid UTF-8"}},

		{"scheme", with(esOn, "ES_Address=ftp://host"), []string{`ES_Address: address 1 ("ftp://host"): the scheme must be http or https`}},
		{"empty host", with(esOn, "ES_Address=http://:9200"), []string{"ES_Address: the host is missing"}},
		{"slashes but no host", with(esOn, "ES_Address=http:///x"), []string{"ES_Address: the host is missing"}},
		{"one slash", with(esOn, "ES_Address=http:/host"), []string{"ES_Address: port must be a number"}},
		{"only commas", with(esOn, "ES_Address=,"), []string{`ES_Address: got ","`}},
		{"port no number", with(esOn, "ES_Address=a,host:http"), []string{`ES_Address: address 2 ("host…"): the port must be`}},
		{"port 0", with(esOn, "ES_Address=host:0"), []string{"ES_Address: port must be"}},
		{"port 65536", with(esOn, "ES_Address=host:65536"), []string{"ES_Address: port must be"}},
		{"port +1", with(esOn, "ES_Address=host:+1"), []string{"ES_Address: port must be"}},
		{"port missing", with(esOn, "ES_Address=host:"), []string{"ES_Address: port must be"}},
		{"space in host", with(esOn, "ES_Address=es1 es2"), []string{`ES_Address: address 1 ("es1 es2"): the host may hold only letters`}},
		{"host too long", with(esOn, "ES_Address="+strings.Repeat("h", 254)), []string{"ES_Address: the host may hold only letters"}},
		{"IPv6 without brackets", with(esOn, "ES_Address=2001:db8::1"), []string{"ES_Address: must stand in brackets"}},
		{"IPv4 in brackets", with(esOn, "ES_Address=[10.0.0.1]"), []string{"ES_Address: between brackets there must be an IPv6"}},
		{"bracket not closed", with(esOn, "ES_Address=[::1"), []string{"ES_Address: between brackets there must be an IPv6"}},
		{"zone in IPv6", with(esOn, "ES_Address=[fe80::1%eth0]"), []string{"ES_Address: without a zone"}},
		{"text after the bracket", with(esOn, "ES_Address=[::1]9200"), []string{"ES_Address: port must be"}},
		{"query", with(esOn, "ES_Address=host/?pretty"), []string{`ES_Address: address 1 ("host/…"): a query or fragment`}},
		{"fragment", with(esOn, "ES_Address=host#x"), []string{"ES_Address: a query or fragment"}},
		{"broken escape in path", with(esOn, "ES_Address=host/%zz"), []string{"ES_Address: the path is not valid"}},
		{"broken escape in user", with(esOn, "ES_Address=http://u%4:p@host"), []string{"ES_Address: a % in user or password"}},
		{"user without password", with(esOn, "ES_Address=http://u@host"), []string{"ES_Address: there must be a user and a password"}},
		{"empty password", with(esOn, "ES_Address=http://u:@host"), []string{"ES_Address: there must be a user and a password"}},
		{"password without user", with(esOn, "ES_Address=http://:p@host"), []string{"ES_Address: there must be a user and a password"}},
		{"colon in an address's user", with(esOn, "ES_Address=http://u%3Ax:p@host"), []string{"ES_Address: the user may not hold a colon"}},
		{"slash in password", with(esOn, "ES_Address=http://u:1/x@host"), []string{"ES_Address: is a / part of the password?"}},
		{"user with @host only", with(esOn, "ES_Address=http://u:p@"), []string{"ES_Address: address 1: the host is missing"}},
		{"every bad address", with(esOn, "ES_Address=ftp://a,b,c:x"), []string{"ES_Address: address 1", "ES_Address: address 3"}},

		{"user without ES_Password", with(esOn, "ES_User=u"), []string{"ES_Password: not set, but ES_User is"}},
		{"password without ES_User", with(esOn, "ES_Password=p"), []string{"ES_User: not set, but ES_Password is"}},
		{"colon in ES_User", with(esOn, "ES_User=a:b", "ES_Password=p"), []string{"ES_User: holds a colon"}},
		{"API key and user", with(esOn, "ES_ApiKey=k", "ES_User=u", "ES_Password=p"), []string{"ES_ApiKey: together with ES_User or ES_Password"}},
		{"API key and password", with(esOn, "ES_ApiKey=k", "ES_Password=p"), []string{"ES_User: not set", "ES_ApiKey: together with ES_User or ES_Password"}},
		{"API key and user of an address", with(esOn, "ES_ApiKey=k", "ES_Address=a,http://u:p@b"), []string{"ES_ApiKey: together with a user in ES_Address"}},
		{"API key not encoded", with(esOn, "ES_ApiKey=id:key"), []string{"ES_ApiKey: (not shown); allowed: the encoded API key"}},
		{"API key with its scheme", with(esOn, "ES_ApiKey=ApiKey abc"), []string{"ES_ApiKey: (not shown)"}},

		{"no keyword", []string{"ES_Address=es"}, []string{"ES_Index_KeyWord: not set; it is required"}},
		{"keyword with capital and space", with(esOn, "ES_Index_KeyWord=My Log"), []string{`ES_Index_KeyWord: got "My Log": there may be no " "`}},
		{"keyword starts with -", with(esOn, "ES_Index_KeyWord=-log"), []string{`ES_Index_KeyWord: may not start with "-"`}},
		{"keyword starts with _", with(esOn, "ES_Index_KeyWord=_log"), []string{`ES_Index_KeyWord: may not start with "_"`}},
		{"keyword starts with +", with(esOn, "ES_Index_KeyWord=+log"), []string{`ES_Index_KeyWord: may not start with "+"`}},
		{"keyword .", with(esOn, "ES_Index_KeyWord=."), []string{"ES_Index_KeyWord: this is no name"}},
		{"keyword ..", with(esOn, "ES_Index_KeyWord=.."), []string{"ES_Index_KeyWord: this is no name"}},
		{"keyword with a tab", with(esOn, "ES_Index_KeyWord=a\tb"), []string{`ES_Index_KeyWord: there may be no "\t"`}},
		{"keyword too long for the dead letters", with(esOn, "ES_Index_KeyWord="+strings.Repeat("k", 244)), []string{"ES_Index_KeyWord: it has 244 bytes, and with what is added to it at most 243"}},
		{"keyword too long for days", with(esOn, "ES_Dead_Letter_Index=d", "ES_Index_KeyWord="+strings.Repeat("k", 245)), []string{"ES_Index_KeyWord: at most 244"}},
		{"keyword too long for hours", with(esOn, "ES_Index_TimeFormat=hour", "ES_Index_KeyWord="+strings.Repeat("k", 242)), []string{"ES_Index_KeyWord: at most 241"}},
		{"keyword too long in bytes", with(esOn, "ES_Index_KeyWord="+strings.Repeat("é", 122)), []string{"ES_Index_KeyWord: it has 244 bytes"}},
		{"dead letter index illegal", with(esOn, "ES_Dead_Letter_Index=a*"), []string{`ES_Dead_Letter_Index: there may be no "*"`}},
		{"dead letter index too long", with(esOn, "ES_Dead_Letter_Index="+strings.Repeat("d", 256)), []string{"ES_Dead_Letter_Index: it has 256 bytes"}},
		{"dead letter index like a day's", with(esOn, "ES_Dead_Letter_Index=Log-2dead"), []string{`ES_Dead_Letter_Index: got "log-2dead", which could be the index of a day`}},

		{"ignore everything", with(esOn, "ES_Log_IgnoreWord=*"), []string{`ES_Log_IgnoreWord: got "*": that would be every field`}},
		{"ignore everything at any depth", with(esOn, "ES_Log_IgnoreWord=**"), []string{"ES_Log_IgnoreWord: that would be every field"}},
		{"ignore everything below", with(esOn, "ES_Log_IgnoreWord=**.*"), []string{"ES_Log_IgnoreWord: that would be every field"}},
		{"** later", with(esOn, "ES_Log_IgnoreWord=a.**.b"), []string{"ES_Log_IgnoreWord: ** may stand only at the start"}},
		{"** twice", with(esOn, "ES_Log_IgnoreWord=**.**.b"), []string{"ES_Log_IgnoreWord: ** may stand only at the start"}},
		{"pattern in a name", with(esOn, "ES_Log_IgnoreWord=ok,pass*,x.*"), []string{`ES_Log_IgnoreWord: got "pass*": there are no patterns`, `ES_Log_IgnoreWord: got "x.*"`}},
		{"ignore path with a gap", with(esOn, "ES_Log_IgnoreWord=a..b"), []string{"ES_Log_IgnoreWord: a name between the dots is missing"}},
		{"ignore path ends in a dot", with(esOn, "ES_Log_IgnoreWord=a."), []string{"ES_Log_IgnoreWord: a name between the dots is missing"}},
		{"ignore path of ** and a dot", with(esOn, "ES_Log_IgnoreWord=**."), []string{"ES_Log_IgnoreWord: a name between the dots is missing"}},
		// Forms that were typed for fields, matched none, and let passwords through.
		{"blank between names", with(esOn, "ES_Log_IgnoreWord=password token"), []string{`ES_Log_IgnoreWord: got "password token": there is a blank in it; write password,token`}},
		{"full-width blank", with(esOn, "ES_Log_IgnoreWord=**.password\u3000**.token"), []string{"ES_Log_IgnoreWord: there is a blank in it"}},
		{"quoted names", with(esOn, `ES_Log_IgnoreWord="password","**.token"`), []string{`ES_Log_IgnoreWord: names are written without quotes; write password`, `ES_Log_IgnoreWord: write **.token`}},
		{"typographic quotes", with(esOn, "ES_Log_IgnoreWord=“password”"), []string{"ES_Log_IgnoreWord: without quotes; write password"}},
		{"JSON array", with(esOn, `ES_Log_IgnoreWord=["password"]`), []string{"ES_Log_IgnoreWord: write password"}},
		{"JSON path", with(esOn, "ES_Log_IgnoreWord=$.user.password"), []string{"ES_Log_IgnoreWord: a path begins with the first name; write user.password"}},
		{"index of an array", with(esOn, "ES_Log_IgnoreWord=data[0].pwd,data[*].key"), []string{"ES_Log_IgnoreWord: there are no brackets: a path goes through arrays by itself; write data.pwd", "ES_Log_IgnoreWord: write data.key"}},
		{"number of an element", with(esOn, "ES_Log_IgnoreWord=data.0.pwd"), []string{"ES_Log_IgnoreWord: elements of arrays have no number: a path goes through arrays by itself; write data.pwd"}},
		{"slash", with(esOn, "ES_Log_IgnoreWord=user/password"), []string{"ES_Log_IgnoreWord: names are joined by dots, and fields by commas; write user.password"}},
		{"colon", with(esOn, "ES_Log_IgnoreWord=user:password"), []string{"ES_Log_IgnoreWord: write user.password"}},
		{"brackets", with(esOn, "ES_Log_IgnoreWord=user[password]"), []string{"ES_Log_IgnoreWord: write user.password"}},
		{"invisible character", with(esOn, "ES_Log_IgnoreWord=pass\u200bword"), []string{"ES_Log_IgnoreWord: cannot be seen"}},

		{"time field at any depth", with(esOn, "ES_Index_TimeField=**.ts"), []string{"ES_Index_TimeField: write the field's whole path"}},
		{"time field *", with(esOn, "ES_Index_TimeField=*"), []string{"ES_Index_TimeField: every field"}},
		{"time field with a gap", with(esOn, "ES_Index_TimeField=.ts"), []string{"ES_Index_TimeField: a name between the dots"}},
		{"two id fields", with(esOn, "ES_Id_Field=a,b"), []string{"ES_Id_Field: allowed: one field path"}},
		{"id field at any depth", with(esOn, "ES_Id_Field=**.id"), []string{"ES_Id_Field: allowed: one field path"}},
		{"id field with a gap", with(esOn, "ES_Id_Field=a..b"), []string{"ES_Id_Field: allowed: one field path"}},
		{"stamp in a nested field", with(esOn, "ES_Time_Field=event.created"), []string{`ES_Time_Field: got "event.created"; allowed: the name of one top-level field`}},
		{"stamp in two fields", with(esOn, "ES_Time_Field=a,b"), []string{"ES_Time_Field: one top-level field"}},
		{"stamp field not printable", with(esOn, "ES_Time_Field=a\x01b"), []string{"ES_Time_Field: one top-level field"}},
		{"overwrite without stamp", with(esOn, "ES_Time_Field=none", "ES_Time_Overwrite=true"), []string{"ES_Time_Overwrite: ES_Time_Field=none"}},

		{"time format", with(esOn, "ES_Index_TimeFormat=year"), []string{`ES_Index_TimeFormat: got "year"; allowed: day, hour, week, month, none`}},
		{"another placeholder", with(esOn, "ES_Index_KeyWord=app-{name}"), []string{"ES_Index_KeyWord: braces may stand only as {topic}"}},
		{"dead letters among the documents", with(esOn, "ES_Index_TimeFormat=none", "ES_Dead_Letter_Index=log"), []string{"ES_Dead_Letter_Index: which is the index of the documents"}},
		{"dead letters by topic", with(esOn, "ES_Dead_Letter_Index=dead-{topic}"), []string{"ES_Dead_Letter_Index: braces"}},
		{"zone unknown", with(esOn, "ES_Index_TimeZone=Mars/Base"), []string{`ES_Index_TimeZone: got "Mars/Base"; allowed: an IANA name`}},
		{"zone Local", with(esOn, "ES_Index_TimeZone=Local"), []string{"ES_Index_TimeZone: an IANA name"}},
		{"zone is an offset", with(esOn, "ES_Index_TimeZone=+08:00"), []string{"ES_Index_TimeZone: an IANA name"}},
		{"zone is a path", with(esOn, "ES_Index_TimeZone=../../etc/passwd"), []string{"ES_Index_TimeZone: an IANA name"}},
		{"window of one", with(esOn, "ES_Index_TimeWindow=720h"), []string{"ES_Index_TimeWindow: two durations"}},
		{"window of three", with(esOn, "ES_Index_TimeWindow=1h,2h,3h"), []string{"ES_Index_TimeWindow: two durations"}},
		{"window negative", with(esOn, "ES_Index_TimeWindow=-1h,24h"), []string{"ES_Index_TimeWindow: two durations"}},
		{"window without units", with(esOn, "ES_Index_TimeWindow=720,24"), []string{"ES_Index_TimeWindow: two durations"}},
		{"window beyond a hundred years", with(esOn, "ES_Index_TimeWindow=36500d1s,1d"), []string{"ES_Index_TimeWindow: 0 to 36500d"}},
		{"window of too many days", with(esOn, "ES_Index_TimeWindow=36501d,1d"), []string{"ES_Index_TimeWindow: 0 to 36500d"}},
		{"window overflows", with(esOn, "ES_Index_TimeWindow=36500d2500000h,1d"), []string{"ES_Index_TimeWindow: 0 to 36500d"}},
		{"window with junk after days", with(esOn, "ES_Index_TimeWindow=1dx,1d"), []string{"ES_Index_TimeWindow: two durations"}},
		{"id prefix too long", with(esOn, "ES_Id_Prefix="+strings.Repeat("x", 65)), []string{"ES_Id_Prefix: at most 64 bytes"}},
		{"id prefix not printable", with(esOn, "ES_Id_Prefix=a\x00b"), []string{"ES_Id_Prefix: all printable"}},
		{"pipeline not printable", with(esOn, "ES_Pipeline=a\nb"), []string{"ES_Pipeline: all printable"}},
		{"pipeline too long", with(esOn, "ES_Pipeline="+strings.Repeat("p", 513)), []string{"ES_Pipeline: at most 512 bytes"}},
		{"op type", with(esOn, "ES_Op_Type=update"), []string{"ES_Op_Type: allowed: auto, create, index"}},
		{"bulk too small", with(esOn, "ES_Bulk_Bytes=65535"), []string{"ES_Bulk_Bytes: 64KiB to 100MiB"}},
		{"bulk too large", with(esOn, "ES_Bulk_Bytes=101MiB"), []string{"ES_Bulk_Bytes: 64KiB to 100MiB"}},
		{"bulk unit unknown", with(esOn, "ES_Bulk_Bytes=5GiB"), []string{"ES_Bulk_Bytes: 64KiB"}},
		{"bulk negative", with(esOn, "ES_Bulk_Bytes=-5MiB"), []string{"ES_Bulk_Bytes: 64KiB"}},
		{"bulk without number", with(esOn, "ES_Bulk_Bytes=MiB"), []string{"ES_Bulk_Bytes: 64KiB"}},
		{"bulk overflows", with(esOn, "ES_Bulk_Bytes=99999999999999999999MiB"), []string{"ES_Bulk_Bytes: 64KiB"}},
		{"concurrency 0", with(esOn, "ES_Bulk_Concurrency=0"), []string{"ES_Bulk_Concurrency: 1 to 16"}},
		{"concurrency 17", with(esOn, "ES_Bulk_Concurrency=17"), []string{"ES_Bulk_Concurrency: 1 to 16"}},
		{"concurrency no number", with(esOn, "ES_Bulk_Concurrency=two"), []string{"ES_Bulk_Concurrency: 1 to 16"}},
		{"timeout too short", with(esOn, "ES_Request_Timeout=99ms"), []string{"ES_Request_Timeout: 100ms to 15m"}},
		{"timeout too long", with(esOn, "ES_Request_Timeout=901"), []string{"ES_Request_Timeout: 100ms to 15m"}},
		{"timeout 0", with(esOn, "ES_Request_Timeout=0"), []string{"ES_Request_Timeout: 100ms to 15m"}},
		{"timeout no duration", with(esOn, "ES_Request_Timeout=soon"), []string{`ES_Request_Timeout: got "soon"`}},
		{"gzip 10", with(esOn, "ES_Gzip=10"), []string{"ES_Gzip: 0 to 9"}},
		{"gzip -1", with(esOn, "ES_Gzip=-1"), []string{"ES_Gzip: 0 to 9"}},
		{"boolean", with(esOn, "ES_Time_Overwrite=maybe"), []string{`ES_Time_Overwrite: got "maybe"; allowed: true or false`}},

		{"fingerprint too short", with(httpsOn, "ES_CA_Fingerprint="+strings.Repeat("ab", 31)), []string{"ES_CA_Fingerprint: 64 hex digits"}},
		{"fingerprint no hex", with(httpsOn, "ES_CA_Fingerprint="+strings.Repeat("xy", 32)), []string{"ES_CA_Fingerprint: 64 hex digits"}},
		{"fingerprint of colons", with(httpsOn, "ES_CA_Fingerprint=:"), []string{"ES_CA_Fingerprint: 64 hex digits"}},
		{"insecure and fingerprint", with(httpsOn, "ES_Insecure=true", "ES_CA_Fingerprint="+strings.Repeat("ab", 32)), []string{"ES_Insecure: drop one or the other"}},
		{"fingerprint without https", with(esOn, "ES_CA_Fingerprint="+strings.Repeat("ab", 32)), []string{"ES_CA_Fingerprint: no address in ES_Address starts with https"}},
		{"fingerprint and an https address with a mistake", with(esOn, "ES_Address=a,HTTPS://b:x", "ES_CA_Fingerprint="+strings.Repeat("ab", 32)), []string{"ES_Address: address 2"}},
		{"insecure without https", with(esOn, "ES_Insecure=1"), []string{"ES_Insecure: no address in ES_Address starts with https"}},

		{"kafka without topics", []string{"kafka_address=k"}, []string{"kafka_topic_name: required with kafka_address, unless"}},
		{"kafka without topics beside elasticsearch", with(esOn, "kafka_address=k"), []string{"kafka_topic_name: required with kafka_address"}},
		{"nothing but dead letters", []string{"kafka_address=k", "kafka_dead_letter_topic=d"}, []string{"kafka_topic_name: only dead letters would be written"}},
		{"dead letters among the records", with(kafkaOn, "kafka_dead_letter_topic=t"), []string{"kafka_dead_letter_topic: a topic of their own"}},
		{"sink settings without a topic", with(esOn, "kafka_address=k", "kafka_dead_letter_topic=d", "kafka_partition=key", "kafka_headers=true", "kafka_value=raw"), []string{"kafka_partition: without kafka_topic_name", "kafka_headers: without", "kafka_value: without"}},
		{"broker with a scheme", with(kafkaOn, "kafka_address=SSL://k:9092"), []string{`kafka_address: address 1 ("SSL://k…"): a scheme has no place here`}},
		{"broker port", with(kafkaOn, "kafka_address=a,k:x"), []string{"kafka_address: address 2"}},
		{"broker with a user", with(kafkaOn, "kafka_address=u:p@k"), []string{"kafka_address: address 1: the port must be"}},
		{"brokers only commas", with(kafkaOn, "kafka_address=,,"), []string{`kafka_address: got ",,"`}},
		{"topic illegal", with(kafkaOn, "kafka_topic_name=a b"), []string{`kafka_topic_name: got "a b"; allowed: 1 to 249`}},
		{"topic placeholder misspelt", with(kafkaOn, "kafka_topic_name={Topic}"), []string{"kafka_topic_name: and {topic}"}},
		{"topic too long", with(kafkaOn, "kafka_topic_name="+strings.Repeat("t", 250)), []string{"kafka_topic_name: 1 to 249"}},
		{"topic too long with the placeholder", with(kafkaOn, "kafka_topic_name={topic}"+strings.Repeat("t", 249)), []string{"kafka_topic_name: 1 to 249"}},
		{"topic ..", with(kafkaOn, "kafka_topic_name=.."), []string{"kafka_topic_name: 1 to 249"}},
		{"dead letter topic illegal", with(kafkaOn, "kafka_dead_letter_topic={topic}-dead"), []string{"kafka_dead_letter_topic: 1 to 249"}},
		{"kafka user alone", with(kafkaOn, "kafka_user=u"), []string{"kafka_password: not set, but kafka_user is"}},
		{"kafka password alone", with(kafkaOn, "kafka_password=p"), []string{"kafka_user: not set, but kafka_password is"}},
		{"mechanism without user", with(kafkaOn, "kafka_sasl_mechanism=PLAIN"), []string{"kafka_sasl_mechanism: has no effect without kafka_user"}},
		{"mechanism unknown", with(kafkaOn, "kafka_user=u", "kafka_password=p", "kafka_sasl_mechanism=GSSAPI"), []string{"kafka_sasl_mechanism: allowed: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"}},
		{"partition", with(kafkaOn, "kafka_partition=hash"), []string{"kafka_partition: allowed: key, keep"}},
		{"compression", with(kafkaOn, "kafka_compression=brotli"), []string{"kafka_compression: allowed: none, gzip, snappy, lz4, zstd"}},
		{"headers", with(kafkaOn, "kafka_headers=some"), []string{"kafka_headers: true or false"}},
		{"value", with(kafkaOn, "kafka_value=json"), []string{"kafka_value: allowed: raw, document"}},
		{"tls", with(kafkaOn, "kafka_tls=tls1.2"), []string{"kafka_tls: true or false"}},
		{"dead letter after -1", with(esOn, "ES_Dead_Letter_After=-1"), []string{"ES_Dead_Letter_After: 0 to 10000"}},
		{"dead letter after 10001", with(esOn, "ES_Dead_Letter_After=10001"), []string{"ES_Dead_Letter_After: 0 to 10000"}},
		{"pace too long", with(esOn, "Retry_Pace=901"), []string{"Retry_Pace: 0 to 15m"}},
		{"pace below 0", with(esOn, "Retry_Pace=-1s"), []string{"Retry_Pace: 0 to 15m"}},
		{"pace no duration", with(esOn, "Retry_Pace=often"), []string{`Retry_Pace: got "often"`}},
		{"log level", with(esOn, "Log_Level=trace"), []string{`Log_Level: got "trace"; allowed: debug, info, warn, error`}},
	}
	for _, c := range `\/*?"<>|,#: ` {
		tests = append(tests, struct {
			name string
			env  []string
			want []string
		}{"keyword with " + string(c), with(esOn, "ES_Index_KeyWord=a"+string(c)+"b"), []string{"ES_Index_KeyWord: there may be no"}})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := problemsOf(t, tt.env)
			require.Len(t, e.Problems, len(tt.want), "%v", e)
			for i, want := range tt.want {
				variable, part, _ := strings.Cut(want, ": ")
				assert.Equal(t, variable, e.Problems[i].Variable)
				assert.Contains(t, e.Problems[i].Text, part)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	_, err := load([]string{
		"kafka_address=k", "kafka_tls=true", "ES_Password=hunter22", "ES_Adress=http://u:hunter22@host", "ES_Gzip=" + strings.Repeat("9", 100),
	}, nil)
	assert.EqualError(t, err, `the configuration has 5 problems:
- ES_Address: not set, so ES_Password, ES_Gzip would have no effect; set it, or drop these
- ES_User: not set, but ES_Password is; set both or neither
- ES_Index_KeyWord: not set; it is required with ES_Address; allowed: an index name: no \ / * ? " < > | space , # :, not starting with - _ +, at most 255 bytes with what is added to it
- ES_Gzip: got "`+strings.Repeat("9", 80)+`"…; allowed: a whole number, 0 to 9
- kafka_topic_name: not set; it is required with kafka_address, unless there is kafka_dead_letter_topic; allowed: 1 to 249 of a-z A-Z 0-9 . _ -, and {topic}
- warning: ES_Adress: ignored: unknown variable; did you mean ES_Address?`)
	_, err = load([]string{"kafka_address=k"}, nil)
	assert.ErrorContains(t, err, "the configuration has 1 problem:\n")
}
