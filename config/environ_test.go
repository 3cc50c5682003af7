package config

import (
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRelevant(t *testing.T) {
	environ := []string{"PATH=/bin", "kafka_address=k", "ES_Address=a=b", "ES_NoValue", "TZ=UTC", "Log_Level=warn", "es_gzip=1", "LOG_LEVEL=x", "KAFKA_X=", "tz=x", "ESX=1", "", "Retry_Pace=0", "Retry_Count=1"}
	want := []string{"ES_Address=a=b", "KAFKA_X=", "LOG_LEVEL=x", "Log_Level=warn", "Retry_Pace=0", "TZ=UTC", "es_gzip=1", "kafka_address=k"}
	before := slices.Clone(environ)
	assert.Equal(t, want, Relevant(environ))
	assert.Equal(t, before, environ, "the environment is not touched")
	slices.Reverse(environ)
	assert.Equal(t, want, Relevant(environ), "the order does not matter")
	assert.Empty(t, Relevant([]string{"PATH=/bin"}))
}

func TestRelevantKeepsTheOrderOfEqualNames(t *testing.T) {
	var environ, gzips, prefixes []string
	for i := range 50 {
		gzips = append(gzips, "ES_Gzip="+strconv.Itoa(50-i))
		prefixes = append(prefixes, "ES_Id_Prefix="+strconv.Itoa(i))
		environ = append(environ, prefixes[i], gzips[i])
	}
	assert.Equal(t, slices.Concat(gzips, prefixes), Relevant(environ))
}

func TestRelevantSeesChanges(t *testing.T) {
	base := with(esOn, "ES_Gzip=1", "ES_Gzip=2", "PATH=/bin")
	tests := []struct {
		name    string
		env     []string
		changed bool
	}{
		{"nothing", base, false},
		{"another program's variable", with(base, "HOME=/root"), false},
		{"one more", with(base, "kafka_address=k"), true},
		{"one less", base[1:], true},
		{"another value", with([]string{"ES_Address=other"}, base[1:]...), true},
		{"another one of two equal names wins", []string{base[0], base[1], "ES_Gzip=2", "ES_Gzip=1"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			assert.Equal(t, tt.changed, !slices.Equal(Relevant(base), Relevant(tt.env)))
		})
	}
}

func benchmarkEnviron() []string {
	return with(bothOn, "PATH=/bin", "HOME=/root", "TZ=Asia/Shanghai", "LANG=C", "ES_User=u", "ES_Password=p", "ES_Log_IgnoreWord=password,**.token",
		"ES_Index_TimeFormat=hour", "kafka_user=u", "kafka_password=p", "SCF_RUNTIME=Go1", "SCF_FUNCTIONNAME=f", "SCF_NAMESPACE=n", "_LAMBDA_SERVER_PORT=1")
}

func BenchmarkRelevant(b *testing.B) {
	environ := benchmarkEnviron()
	last := Relevant(environ)
	b.ReportAllocs()
	for b.Loop() {
		if !slices.Equal(last, Relevant(environ)) {
			b.Fatal("changed")
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	environ := benchmarkEnviron()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := load(environ, nil); err != nil {
			b.Fatal(err)
		}
	}
}
