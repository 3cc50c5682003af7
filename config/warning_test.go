package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLoadWarnings(t *testing.T) {
	tests := []struct {
		name string
		env  []string
		want []string // the whole warnings
	}{
		{"none", bothOn, nil},
		{"near name", with(esOn, "ES_Adress=x"), []string{"ES_Adress: ignored: unknown variable; did you mean ES_Address?"}},
		{"near name of kafka", with(kafkaOn, "kafka_topicname=x"), []string{"kafka_topicname: ignored: unknown variable; did you mean kafka_topic_name?"}},
		{"near name in other capitals", with(esOn, "es_ignoreword=x", "ES_LOG_IGNOREWORDS=y"), []string{
			"ES_LOG_IGNOREWORDS: ignored: unknown variable; did you mean ES_Log_IgnoreWord?",
			"es_ignoreword: ignored: unknown variable",
		}},
		{"unknown name", with(esOn, "ES_Sharding_Hints=x", "KAFKA_HOME=/opt"), []string{
			"ES_Sharding_Hints: ignored: unknown variable",
			"KAFKA_HOME: ignored: unknown variable",
		}},
		{"unknown name without a value", with(esOn, "ES_Adress="), nil},
		{"wrong capitals", with(esOn, "es_gzip=1", "Kafka_Address=k", "ES_Index_Keyword=x"), []string{
			"ES_Index_Keyword: ignored: capitals matter in names; write ES_Index_KeyWord",
			"Kafka_Address: ignored: capitals matter in names; write kafka_address",
			"es_gzip: ignored: capitals matter in names; write ES_Gzip",
		}},
		{"log level in wrong capitals", with(esOn, "log_level=debug", "LOG_LEVEL=debug"), []string{
			"LOG_LEVEL: ignored: capitals matter in names; write Log_Level",
			"log_level: ignored: capitals matter in names; write Log_Level",
		}},
		{"not ours", with(esOn, "Log_Format=json", "ESX=1", "kafka=1", "Tz=x"), nil},
		{"keyword lower-cased", with(esOn, "ES_Index_KeyWord=LogÉ"), []string{`ES_Index_KeyWord: "LogÉ" was lower-cased to "logé": Elasticsearch refuses capitals in index names`}},
		{"dead letter index lower-cased", with(esOn, "ES_Dead_Letter_Index=Dead"), []string{`ES_Dead_Letter_Index: "Dead" was lower-cased to "dead": Elasticsearch refuses capitals in index names`}},
		{"address twice", with(esOn, "ES_Address=a,http://A:9200/,b"), []string{"ES_Address: address 2 is the same as one before it, and ignored"}},
		{"broker twice", with(kafkaOn, "kafka_address=a,b,A:9092"), []string{"kafka_address: address 3 is the same as one before it, and ignored"}},
		{"TZ no IANA name", with(esOn, "TZ=CST-8"), []string{`ES_Index_TimeZone: not set, and TZ, which would stand in for it, is no IANA name but "CST-8": times are in UTC`}},
		{"TZ Local", with(esOn, "TZ=Local"), []string{`ES_Index_TimeZone: not set, and TZ, which would stand in for it, is no IANA name but "Local": times are in UTC`}},
		{"TZ not UTF-8", with(esOn, "TZ=\xff"), []string{`ES_Index_TimeZone: not set, and TZ, which would stand in for it, is no IANA name but "\xff": times are in UTC`}},
		{"TZ not needed", with(esOn, "TZ=CST-8", "ES_Index_TimeZone=UTC"), nil},
		{"insecure", with(httpsOn, "ES_Insecure=true"), []string{"ES_Insecure: servers' certificates are not verified: anybody on the way can read and change what is sent"}},
		{"event time overwritten", with(esOn, "ES_Time_Overwrite=true", "ES_Index_TimeField=@timestamp,ts"), []string{
			`ES_Time_Overwrite: the index is named by the time that "@timestamp" (ES_Index_TimeField) came with, and that time is then overwritten with the arrival time`,
		}},
		{"other time overwritten", with(esOn, "ES_Time_Overwrite=true", "ES_Index_TimeField=ts"), nil},
		{"event time kept", with(esOn, "ES_Index_TimeField=@timestamp"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cfg := mustLoad(t, tt.env)
			assert.Equal(t, tt.want, cfg.Warnings)
		})
	}
}

func TestUnknownZoneIsUTC(t *testing.T) {
	assert.Equal(t, "UTC", mustLoad(t, with(esOn, "TZ=CST-8")).Cleaning.Zone.String())
}

func TestDuplicateAddressesAreRemoved(t *testing.T) {
	cfg := mustLoad(t, with(bothOn, "ES_Address=a,b,http://a:9200", "kafka_address=k:9092,k"))
	assert.Len(t, cfg.ES.Addresses, 2)
	assert.Equal(t, []string{"k:9092"}, cfg.Kafka.Brokers)
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"", "abc", 3},
		{"abc", "", 3},
		{"kitten", "sitting", 3},
		{"es_user", "es_user", 0},
		{"es_usre", "es_user", 2},
	}
	for _, tt := range tests {
		t.Run(tt.a+" to "+tt.b, func(t *testing.T) { assert.Equal(t, tt.want, distance(tt.a, tt.b)) })
	}
}
