package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const marker = "hunter22-marker"

// check loads an environment whose secrets all hold marker, asserts what is
// true of every environment, and returns whether it is valid.
func check(t require.TestingT, environ []string) bool {
	cfg, err := load(environ, nil)
	if err != nil {
		require.Nil(t, cfg)
		var e *Error
		require.ErrorAs(t, err, &e)
		require.NotEmpty(t, e.Problems)
		for _, p := range e.Problems {
			_, known := lookup(p.Variable)
			require.True(t, known, "problem of %q", p.Variable)
			require.NotEmpty(t, p.Text)
		}
		require.Empty(t, leaks(err.Error(), marker))
		return false
	}
	require.True(t, cfg.ES != nil || cfg.Kafka != nil && cfg.Kafka.Topic != "", "nowhere to write to")
	require.NotNil(t, cfg.Cleaning.Zone)
	require.Empty(t, leaks(fmt.Sprintf("%+v %#v", cfg, cfg.Warnings), marker))
	if es := cfg.ES; es != nil {
		require.Empty(t, leaks(fmt.Sprintf("%+v", *es), marker))
		require.NotEmpty(t, es.Addresses)
		for _, a := range es.Addresses {
			require.Nil(t, a.URL.User)
			require.NotEmpty(t, a.URL.Port())
			require.Empty(t, leaks(a.URL.String(), marker))
			require.Equal(t, a.User == "", a.Password.IsZero())
			require.False(t, strings.HasSuffix(a.URL.Path, "/"))
		}
		require.NotEmpty(t, es.Keyword)
		require.Equal(t, es.User == "", es.Password.IsZero())
		require.GreaterOrEqual(t, min(es.WindowBack, es.WindowAhead), time.Duration(0))
		require.Positive(t, es.RequestTimeout)
		require.Positive(t, es.BulkConcurrency)
		require.Positive(t, es.BulkBytes)
	}
	if k := cfg.Kafka; k != nil {
		require.NotEmpty(t, k.Brokers)
		require.Equal(t, k.User == "", k.Password.IsZero())
		require.Equal(t, k.User == "", k.Mechanism == "")
		require.True(t, k.Topic != "" || k.DeadLetterTopic != "")
	}
	return true
}

// drawEnviron draws an environment that is right or nearly so, and then perhaps
// spoils some of it. Its secrets all hold marker.
func drawEnviron(t *rapid.T) []string {
	var environ []string
	set := func(name string, values ...string) {
		environ = append(environ, name+"="+rapid.SampledFrom(values).Draw(t, name))
	}
	groups := rapid.SampledFrom([][]Group{
		{GroupElasticsearch, GroupCleaning, GroupGeneral}, {GroupKafka, GroupGeneral}, {GroupElasticsearch, GroupCleaning, GroupKafka},
	}).Draw(t, "groups")
	if slices.Contains(groups, GroupElasticsearch) {
		set("ES_Address", "es", "https://es", "a,b:1", "http://[::1]:9200/x")
		set("ES_Index_KeyWord", "log", "Log")
		environ = append(environ, rapid.SampledFrom([][]string{
			nil,
			{"ES_User=u", "ES_Password=" + marker},
			{"ES_ApiKey=" + marker},
			{"ES_Address=u:" + marker + "@a/b,c"},
			{"ES_Address=https://a,https://u:" + marker + "@b", "ES_Insecure=true"},
		}).Draw(t, "credentials")...)
	}
	if slices.Contains(groups, GroupKafka) {
		set("kafka_address", "k", "a:1,b")
		set("kafka_topic_name", "t", "{topic}")
		environ = append(environ, rapid.SampledFrom([][]string{nil, {"kafka_user=u", "kafka_password=" + marker}}).Draw(t, "sasl")...)
	}
	for _, v := range Variables {
		if v.Default == "" || v.Name == "kafka_sasl_mechanism" || !slices.Contains(groups, v.Group) || rapid.IntRange(0, 2).Draw(t, "set "+v.Name) > 0 {
			continue
		}
		set(v.Name, append(slices.Clone(v.Choices), strings.ToLower(v.Default))...)
	}
	junk := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`(https?://)?[a-c:@/?#,%\[\].*-]{0,12}`),
		rapid.StringMatching(`[0-9]{1,3}(d|h|s|KiB|MB|)?(,[0-9]{1,2}[dh])?`),
		rapid.SampledFrom([]string{"", " ", "none", "true", "off", "-----BEGIN CERTIFICATE-----", "/etc/passwd", "**", "\xff", "\x00"}),
	)
	for range max(0, rapid.IntRange(-3, 4).Draw(t, "mistakes")) {
		v := rapid.SampledFrom(Variables).Draw(t, "mistaken")
		value := junk.Draw(t, "front")
		if v.Secret || strings.HasSuffix(strings.ToLower(v.Name), "_address") {
			value += ":" + marker + "@" + junk.Draw(t, "back")
		}
		name := v.Name + rapid.SampledFrom([]string{"", "", "", "x"}).Draw(t, "misspelt")
		environ = append(environ, name+"="+value)
	}
	return environ
}

func TestLoadProperty(t *testing.T) {
	good, bad := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		environ := Relevant(drawEnviron(t))
		if check(t, environ) {
			good++
		} else {
			bad++
		}
		// What else is in the environment changes nothing, and neither does the
		// order, unless a name stands twice.
		first, err1 := load(environ, nil)
		second, err2 := load(slices.Concat([]string{"HOME=/root"}, environ, []string{"x"}), nil)
		assert.Equal(t, []any{first, err1}, []any{second, err2})
		slices.SortStableFunc(environ, func(a, b string) int {
			a, _, _ = strings.Cut(a, "=")
			b, _, _ = strings.Cut(b, "=")
			return strings.Compare(b, a)
		})
		third, err3 := load(environ, nil)
		assert.Equal(t, []any{first, err1}, []any{third, err3})
	})
	assert.Positive(t, good, "no valid environment was drawn")
	assert.Positive(t, bad, "no invalid environment was drawn")
}

// FuzzLoad takes an environment, one variable a line, and what stands around a
// password in ES_Address.
func FuzzLoad(f *testing.F) {
	f.Add("ES_Address=es\nES_Index_KeyWord=log", "", "")
	f.Add("ES_Index_KeyWord=log\nES_Index_TimeWindow=30d,1d\nES_Bulk_Bytes=5MiB\nTZ=:Asia/Shanghai", "http://u", "host:9200/x")
	f.Add("ES_Index_KeyWord=Log\nES_Log_IgnoreWord=a,**.b.c,x*\nES_Request_Timeout=30", "https://u:1/", "[::1]:1")
	f.Add("kafka_address=a,b:1\nkafka_topic_name={topic}-x\nkafka_user=u", "u:x,", ",host")
	f.Add("ES_CA_Cert=-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\nES_CA_Fingerprint=ab:cd", "http://h/%zz?#", "%zz")
	f.Fuzz(func(t *testing.T, lines, before, after string) {
		environ := append(strings.Split(lines, "\n"), "ES_Password="+marker, "kafka_password="+marker)
		if before != "" {
			environ = append(environ, "ES_Address="+before+":"+marker+"@"+after)
		}
		check(t, environ)
	})
}
