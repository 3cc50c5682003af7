package config

import (
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLoadDefaults(t *testing.T) {
	cfg := mustLoad(t, with(bothOn, "HOME=/root", "PATH=/bin", "nonsense"))
	assert.Equal(t, &Config{
		ES: &Elasticsearch{
			Addresses:       []Address{{URL: &url.URL{Scheme: "http", Host: "es:9200"}}},
			Keyword:         "log",
			WindowBack:      720 * time.Hour,
			WindowAhead:     24 * time.Hour,
			IDField:         "log_id",
			DeadLetterIndex: "dead-letter-log",
			BulkBytes:       5 << 20,
			BulkConcurrency: 2,
			RequestTimeout:  30 * time.Second,
		},
		Kafka:     &Kafka{Brokers: []string{"k:9092"}, Topic: "t", Compression: "lz4", Headers: true},
		Cleaning:  Cleaning{TimeField: "@timestamp", Zone: time.UTC},
		RetryPace: time.Minute,
		LogLevel:  slog.LevelInfo,
	}, cfg)
	assert.Nil(t, mustLoad(t, esOn).Kafka)
	assert.Nil(t, mustLoad(t, kafkaOn).ES)
}

// TestLoadValues shows what each variable does to the configuration.
func TestLoadValues(t *testing.T) {
	es := func(get func(*Elasticsearch) any) func(*Config) any {
		return func(c *Config) any { return get(c.ES) }
	}
	kafka := func(get func(*Kafka) any) func(*Config) any {
		return func(c *Config) any { return get(c.Kafka) }
	}
	fields := map[string]func(*Config) any{
		"ES_Address": es(func(e *Elasticsearch) any {
			var all []string
			for _, a := range e.Addresses {
				s := a.URL.String()
				if a.User != "" {
					s += " " + a.User + " " + a.Password.Reveal()
				}
				all = append(all, s)
			}
			return strings.Join(all, ", ")
		}),
		"ES_User":              es(func(e *Elasticsearch) any { return e.User }),
		"ES_Password":          es(func(e *Elasticsearch) any { return e.Password.Reveal() }),
		"ES_ApiKey":            es(func(e *Elasticsearch) any { return e.APIKey.Reveal() }),
		"ES_Index_KeyWord":     es(func(e *Elasticsearch) any { return e.Keyword + " " + e.DeadLetterIndex }),
		"ES_Log_IgnoreWord":    func(c *Config) any { return strings.Join(c.Cleaning.Ignore, " ") },
		"ES_Message_Merge":     func(c *Config) any { return c.Cleaning.MessageMerge },
		"ES_Empty_Record":      es(func(e *Elasticsearch) any { return e.FilterEmpty }),
		"ES_Index_TimeFormat":  es(func(e *Elasticsearch) any { return e.Period.suffix() }),
		"ES_Index_TimeZone":    func(c *Config) any { return c.Cleaning.Zone.String() },
		"TZ":                   func(c *Config) any { return c.Cleaning.Zone.String() },
		"ES_Index_TimeField":   es(func(e *Elasticsearch) any { return strings.Join(e.TimeFields, " ") }),
		"ES_Index_TimeWindow":  es(func(e *Elasticsearch) any { return e.WindowBack.String() + " " + e.WindowAhead.String() }),
		"ES_Time_Field":        func(c *Config) any { return c.Cleaning.TimeField },
		"ES_Time_Overwrite":    func(c *Config) any { return c.Cleaning.TimeOverwrite },
		"ES_Id_Field":          es(func(e *Elasticsearch) any { return e.IDField }),
		"ES_Id_Prefix":         es(func(e *Elasticsearch) any { return e.IDPrefix }),
		"ES_Dead_Letter_Index": es(func(e *Elasticsearch) any { return e.DeadLetterIndex }),
		"ES_Dead_Letter_After": es(func(e *Elasticsearch) any { return e.DeadLetterAfter }),
		"ES_Pipeline":          es(func(e *Elasticsearch) any { return e.Pipeline }),
		"ES_Op_Type":           es(func(e *Elasticsearch) any { return e.OpType }),
		"ES_Bulk_Bytes":        es(func(e *Elasticsearch) any { return e.BulkBytes }),
		"ES_Bulk_Concurrency":  es(func(e *Elasticsearch) any { return e.BulkConcurrency }),
		"ES_Request_Timeout":   es(func(e *Elasticsearch) any { return e.RequestTimeout.String() }),
		"ES_Gzip":              es(func(e *Elasticsearch) any { return e.GzipLevel }),
		"ES_CA_Fingerprint":    es(func(e *Elasticsearch) any { return string(e.CAFingerprint) }),
		"ES_Insecure":          es(func(e *Elasticsearch) any { return e.Insecure }),
		"kafka_address":        kafka(func(k *Kafka) any { return strings.Join(k.Brokers, ", ") }),
		"kafka_topic_name":     kafka(func(k *Kafka) any { return k.Topic }),
		"kafka_user":           kafka(func(k *Kafka) any { return k.User }),
		"kafka_password":       kafka(func(k *Kafka) any { return k.Password.Reveal() }),
		"kafka_sasl_mechanism": kafka(func(k *Kafka) any { return k.Mechanism }),
		"kafka_tls":            kafka(func(k *Kafka) any { return k.TLS }),
		"kafka_partition":      kafka(func(k *Kafka) any { return k.KeepPartition }),
		"kafka_compression":    kafka(func(k *Kafka) any { return k.Compression }),
		"kafka_headers":        kafka(func(k *Kafka) any { return k.Headers }),
		"kafka_value":          kafka(func(k *Kafka) any { return k.ValueDocument }),
		"kafka_dead_letter_topic": kafka(func(k *Kafka) any {
			return k.DeadLetterTopic
		}),
		"Retry_Pace": func(c *Config) any { return c.RetryPace.String() },
		"Log_Level":  func(c *Config) any { return c.LogLevel },
	}
	hexes := strings.Repeat("aB", 32)
	esPair, kafkaPair := []string{"ES_User=u", "ES_Password=p"}, []string{"kafka_user=u", "kafka_password=p"}
	tests := []struct {
		variable, value string
		want            any
		also            []string
	}{
		{"ES_Address", "host", "http://host:9200", nil},
		{"ES_Address", "host:80", "http://host:80", nil},
		{"ES_Address", "HOST:09200", "http://host:9200", nil},
		{"ES_Address", "http://host", "http://host:9200", nil},
		{"ES_Address", "https://host", "https://host:443", nil},
		{"ES_Address", "HTTPS://host:9243", "https://host:9243", nil},
		{"ES_Address", "http://10.0.17.2:9200/", "http://10.0.17.2:9200", nil},
		{"ES_Address", "host/es", "http://host:9200/es", nil},
		{"ES_Address", "https://host/a%2Fb/c//", "https://host:443/a%2Fb/c", nil},
		{"ES_Address", "[2001:DB8::1]", "http://[2001:db8::1]:9200", nil},
		{"ES_Address", "https://[::1]:9201/x", "https://[::1]:9201/x", nil},
		{"ES_Address", "http://u:p@host", "http://host:9200 u p", nil},
		{"ES_Address", "u:p@host:1", "http://host:1 u p", nil},
		{"ES_Address", "http://u%40x:%3a%2C%25%2f@host", "http://host:9200 u@x :,%/", nil},
		{"ES_Address", "http://u:a@b:c@host", "http://host:9200 u a@b:c", nil},
		{"ES_Address", "a, ,http://u:p@b:1 ,", "http://a:9200, http://b:1 u p", nil},
		{"ES_Address", " a_b-c.example \n", "http://a_b-c.example:9200", nil},
		{"ES_User", " elastic ", "elastic", []string{"ES_Password=p"}},
		{"ES_Password", " p,@:/% s ", "p,@:/% s", []string{"ES_User=u"}},
		{"ES_ApiKey", "VuaCfGcBCdbkQm-e5aOx:ui2lp2axTNmsyakw9tvNnw"[:20], "VuaCfGcBCdbkQm-e5aOx", nil},
		{"ES_ApiKey", "essu_aB+/9==", "essu_aB+/9==", nil},
		{"ES_Index_KeyWord", "app.log_1;é", "app.log_1;é dead-letter-app.log_1;é", nil},
		{"ES_Index_KeyWord", strings.Repeat("k", 243), strings.Repeat("k", 243) + " dead-letter-" + strings.Repeat("k", 243), nil},
		{"ES_Index_KeyWord", strings.Repeat("k", 244), strings.Repeat("k", 244) + " ", []string{"ES_Dead_Letter_Index=none"}},
		{"ES_Log_IgnoreWord", " password , ,user.token,**.secret,**.a.b,password", "password user.token **.secret **.a.b", nil},
		{"ES_Log_IgnoreWord", ",", "", nil},
		{"ES_Log_IgnoreWord", "a，b、c;d；e\nf\r\n g ", "a b c d e f g", nil},
		{"ES_Log_IgnoreWord", "404,@timestamp,_id.$oid,x-token,密码,**.a_b", "404 @timestamp _id.$oid x-token 密码 **.a_b", nil},
		{"ES_Index_TimeFormat", "day", "-2006-01-02", nil},
		{"ES_Index_TimeFormat", "Hour", "-2006-01-02-15", nil},
		{"ES_Index_TimeFormat", "week", "-2006-w01", nil},
		{"ES_Index_TimeFormat", "month", "-2006-01", nil},
		{"ES_Index_TimeFormat", "none", "", nil},
		{"ES_Index_KeyWord", "App-{topic}", "app-{topic} dead-letter-app", nil},
		{"ES_Index_KeyWord", "{TOPIC}", "{topic} dead-letter-topics", nil},
		{"ES_Message_Merge", "under", MergeUnder, nil},
		{"ES_Message_Merge", "None", MergeNone, nil},
		{"ES_Empty_Record", "filter", true, nil},
		{"ES_Id_Field", "none", "", nil},
		{"ES_Index_TimeZone", "Asia/Shanghai", "Asia/Shanghai", []string{"TZ=Europe/Berlin"}},
		{"ES_Index_TimeZone", "UTC", "UTC", []string{"TZ=Europe/Berlin"}},
		{"TZ", "Asia/Shanghai", "Asia/Shanghai", nil},
		{"TZ", ":Asia/Shanghai", "Asia/Shanghai", nil},
		{"TZ", ":UTC", "UTC", nil},
		{"TZ", "", "UTC", nil},
		{"ES_Index_TimeField", "ts, event.time", "ts event.time", nil},
		{"ES_Index_TimeWindow", "30d,1d", "720h0m0s 24h0m0s", nil},
		{"ES_Index_TimeWindow", "1d12h , 0", "36h0m0s 0s", nil},
		{"ES_Index_TimeWindow", "0s,36500d", "0s 876000h0m0s", nil},
		{"ES_Index_TimeWindow", "90m,1.5h", "1h30m0s 1h30m0s", nil},
		{"ES_Time_Field", "@timestamp", "@timestamp", nil},
		{"ES_Time_Field", "None", "", nil},
		{"ES_Time_Overwrite", "true", true, nil},
		{"ES_Time_Overwrite", "YES", true, nil},
		{"ES_Time_Overwrite", "1", true, nil},
		{"ES_Time_Overwrite", "On", true, nil},
		{"ES_Time_Overwrite", "False", false, nil},
		{"ES_Time_Overwrite", "no", false, nil},
		{"ES_Time_Overwrite", "0", false, nil},
		{"ES_Time_Overwrite", "off", false, nil},
		{"ES_Id_Field", "meta.uuid", "meta.uuid", nil},
		{"ES_Id_Prefix", strings.Repeat("x", 64), strings.Repeat("x", 64), nil},
		{"ES_Dead_Letter_Index", "refused", "refused", nil},
		{"ES_Dead_Letter_Index", "log-x1", "log-x1", nil},
		{"ES_Dead_Letter_Index", "log-", "log-", nil},
		{"ES_Dead_Letter_Index", "NONE", "", nil},
		{"ES_Dead_Letter_Index", strings.Repeat("d", 255), strings.Repeat("d", 255), nil},
		{"ES_Pipeline", "geo ip", "geo ip", nil},
		{"ES_Op_Type", "auto", OpAuto, nil},
		{"ES_Op_Type", "CREATE", OpCreate, nil},
		{"ES_Op_Type", "index", OpIndex, nil},
		{"ES_Bulk_Bytes", "65536", 64 << 10, nil},
		{"ES_Bulk_Bytes", "65536b", 64 << 10, nil},
		{"ES_Bulk_Bytes", "64KiB", 64 << 10, nil},
		{"ES_Bulk_Bytes", "512kb", 512_000, nil},
		{"ES_Bulk_Bytes", "5mb", 5_000_000, nil},
		{"ES_Bulk_Bytes", "100 mib", 100 << 20, nil},
		{"ES_Bulk_Concurrency", "1", 1, nil},
		{"ES_Bulk_Concurrency", "16", 16, nil},
		{"ES_Request_Timeout", "100ms", "100ms", nil},
		{"ES_Request_Timeout", "45", "45s", nil},
		{"ES_Request_Timeout", "900", "15m0s", nil},
		{"ES_Request_Timeout", "1m30s", "1m30s", nil},
		{"ES_Gzip", "9", 9, nil},
		{"ES_Dead_Letter_After", "10000", 10_000, nil},
		{"ES_CA_Fingerprint", hexes, strings.Repeat("\xab", 32), httpsOn},
		{"ES_CA_Fingerprint", "AA:bb" + strings.Repeat(":CC", 30), "\xaa\xbb" + strings.Repeat("\xcc", 30), httpsOn},
		{"ES_Insecure", "true", true, httpsOn},
		{"ES_Insecure", "true", true, []string{"ES_Address=http://a,https://b"}},
		{"ES_Insecure", "false", false, nil},
		{"kafka_address", "a, b:1 ,,[::1],[::1]:2", "a:9092, b:1, [::1]:9092, [::1]:2", nil},
		{"kafka_topic_name", "copy-of_{topic}.v1", "copy-of_{topic}.v1", nil},
		{"kafka_topic_name", "{topic}", "{topic}", nil},
		{"kafka_topic_name", strings.Repeat("t", 249), strings.Repeat("t", 249), nil},
		{"kafka_user", "instance#user", "instance#user", []string{"kafka_password=p"}},
		{"kafka_password", "p p", "p p", []string{"kafka_user=u"}},
		{"kafka_sasl_mechanism", "", "PLAIN", kafkaPair},
		{"kafka_sasl_mechanism", "scram-sha-512", "SCRAM-SHA-512", kafkaPair},
		{"kafka_tls", "yes", true, nil},
		{"kafka_partition", "keep", true, nil},
		{"kafka_partition", "key", false, nil},
		{"kafka_compression", "zstd", "zstd", nil},
		{"kafka_headers", "off", false, nil},
		{"kafka_value", "document", true, nil},
		{"kafka_dead_letter_topic", "dead", "dead", nil},
		{"Retry_Pace", "0", "0s", nil},
		{"Retry_Pace", "5m", "5m0s", nil},
		{"Retry_Pace", "900", "15m0s", nil},
		{"Log_Level", "debug", slog.LevelDebug, nil},
		{"Log_Level", "INFO", slog.LevelInfo, nil},
		{"Log_Level", "warn", slog.LevelWarn, nil},
		{"Log_Level", "error", slog.LevelError, nil},
		// An empty value is the same as none.
		{"ES_Bulk_Concurrency", " ", 2, nil},
		{"ES_Password", "", "", nil},
		{"ES_User", "", "", with(esPair, "ES_Password= ")},
	}
	tested := make(map[string]bool)
	for _, tt := range tests {
		t.Run(tt.variable+"="+quote(tt.value), func(t *testing.T) {
			require.Contains(t, fields, tt.variable)
			cfg := mustLoad(t, with(bothOn, append(tt.also, tt.variable+"="+tt.value)...))
			assert.Equal(t, tt.want, fields[tt.variable](cfg))
		})
		tested[tt.variable] = true
	}
	// Every variable has a row, but for those that certificate_test.go is about.
	tested["ES_CA_Cert"], tested["kafka_ca_cert"] = true, true
	for _, v := range Variables {
		assert.True(t, tested[v.Name], "no test of %s", v.Name)
	}
	assert.Len(t, tested, len(Variables)+1, "%v", slices.Sorted(maps.Keys(tested))) // and TZ
}

func TestOpTypeString(t *testing.T) {
	assert.Equal(t, []string{"auto", "create", "index"}, []string{OpAuto.String(), OpCreate.String(), OpIndex.String()})
}

// The pace holds for a function whose variables are not valid, too: it is read
// whatever else is wrong, and has its default if it is wrong itself.
func TestRetryPaceOfAnInvalidEnvironment(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"": time.Minute, "5s": 5 * time.Second, "0": 0, "often": time.Minute, "901": time.Minute, "\xff": time.Minute,
	} {
		t.Run(quote(value), func(t *testing.T) {
			environ := []string{"ES_Gzip=10", "Retry_Pace=" + value}
			_, err := Load(environ)
			require.Error(t, err)
			assert.Equal(t, want, RetryPace(environ))
		})
	}
}

func TestLoadCombinations(t *testing.T) {
	t.Run("cleaning for documents to kafka alone", func(t *testing.T) {
		cfg := mustLoad(t, with(kafkaOn, "kafka_value=document", "ES_Log_IgnoreWord=password", "ES_Time_Field=ts", "ES_Time_Overwrite=true", "ES_Index_TimeZone=Asia/Tokyo"))
		require.Nil(t, cfg.ES)
		assert.Equal(t, []string{"password"}, cfg.Cleaning.Ignore)
		assert.Equal(t, "ts", cfg.Cleaning.TimeField)
		assert.True(t, cfg.Cleaning.TimeOverwrite)
		assert.Equal(t, "Asia/Tokyo", cfg.Cleaning.Zone.String())
		assert.Empty(t, cfg.Warnings)
	})
	t.Run("cleaning for dead letters of a raw copy", func(t *testing.T) {
		cfg := mustLoad(t, with(kafkaOn, "kafka_dead_letter_topic=dead", "ES_Log_IgnoreWord=password"))
		assert.Equal(t, []string{"password"}, cfg.Cleaning.Ignore)
	})
	t.Run("kafka for the dead letters of elasticsearch alone", func(t *testing.T) {
		cfg := mustLoad(t, with(esOn, "kafka_address=k", "kafka_dead_letter_topic=dead", "kafka_compression=gzip"))
		require.NotNil(t, cfg.ES)
		assert.Equal(t, &Kafka{Brokers: []string{"k:9092"}, DeadLetterTopic: "dead", Compression: "gzip", Headers: true}, cfg.Kafka)
	})
	t.Run("user of an address beside the user of all", func(t *testing.T) {
		cfg := mustLoad(t, with(esOn, "ES_Address=http://u:p@a,b", "ES_User=all", "ES_Password=q"))
		assert.Equal(t, "u", cfg.ES.Addresses[0].User)
		assert.Empty(t, cfg.ES.Addresses[1].User)
		assert.Equal(t, "all", cfg.ES.User)
	})
	t.Run("of equal names the last wins", func(t *testing.T) {
		assert.Equal(t, "b", mustLoad(t, with(esOn, "ES_Index_KeyWord=a", "ES_Index_KeyWord=b")).ES.Keyword)
		assert.Equal(t, 2, mustLoad(t, with(esOn, "ES_Bulk_Concurrency=9", "ES_Bulk_Concurrency=")).ES.BulkConcurrency)
	})
	t.Run("the value may hold an equals sign", func(t *testing.T) {
		assert.Equal(t, "a=b", mustLoad(t, with(esOn, "ES_User=u", "ES_Password=a=b")).ES.Password.Reveal())
	})
}
