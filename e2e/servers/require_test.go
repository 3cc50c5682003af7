package servers

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRequireNamesWhatIsMissing(t *testing.T) {
	t.Setenv("PATH", "")
	t.Setenv("JAVA_HOME", "")
	t.Setenv("CKAFKA_ETL_CACHE", t.TempDir())
	err := Require(t.Context(), KindES7)
	require.ErrorContains(t, err, "java not found: install a JDK 17 or newer")
	require.ErrorContains(t, err, "mvn not found: install Maven")

	t.Run("at the start of a server too", func(t *testing.T) {
		_, err := StartElasticsearch(t.Context(), KindES7, ElasticsearchOptions{})
		require.ErrorContains(t, err, "java not found")
		_, err = StartKafka(t.Context(), KafkaOptions{})
		require.ErrorContains(t, err, "mvn not found")
	})
	t.Run("an empty JAVA_HOME folder", func(t *testing.T) {
		t.Setenv("JAVA_HOME", t.TempDir())
		require.ErrorContains(t, Require(t.Context(), KindES7), "JAVA_HOME has no java")
	})
	t.Run("Maven is not missed when the jars are there", func(t *testing.T) {
		dir, ready, err := cached(KindES7)
		require.NoError(t, err)
		require.False(t, ready)
		require.NoError(t, os.MkdirAll(dir, 0o700))
		err = Require(t.Context(), KindES7)
		require.ErrorContains(t, err, "java not found")
		assert.NotContains(t, err.Error(), "mvn")
	})
	t.Run("unknown kind", func(t *testing.T) {
		require.ErrorContains(t, Require(t.Context(), "es9"), `unknown server "es9"`)
		_, err := StartElasticsearch(t.Context(), "es9", ElasticsearchOptions{})
		require.ErrorContains(t, err, `unknown server "es9"`)
	})
	t.Run("Kafka is no search server", func(t *testing.T) {
		_, err := StartElasticsearch(t.Context(), KindKafka, ElasticsearchOptions{})
		require.ErrorContains(t, err, "no search server")
	})
}

func TestJavaMajor(t *testing.T) {
	tests := map[string]struct {
		out  string
		want int
	}{
		"17":           {`openjdk version "17.0.15" 2025-04-15`, 17},
		"first of 21":  {`openjdk version "21" 2023-09-19`, 21},
		"early access": {`openjdk version "25-ea" 2025-09-16`, 25},
		"8":            {`java version "1.8.0_292"`, 8},
		"with options": {"Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version \"11.0.2\"", 11},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := javaMajor(tt.out)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
	_, err := javaMajor("command not found")
	require.ErrorContains(t, err, "printed no version")
}

func TestCacheDir(t *testing.T) {
	t.Setenv("CKAFKA_ETL_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "/somewhere")
	t.Setenv("HOME", "/somewhere/else")
	dir, err := CacheDir()
	require.NoError(t, err)
	assert.Equal(t, filepath.Join("ckafka-etl", "servers"), filepath.Join(filepath.Base(filepath.Dir(dir)), filepath.Base(dir)))

	t.Setenv("CKAFKA_ETL_CACHE", "relative")
	dir, err = CacheDir()
	require.NoError(t, err)
	assert.True(t, filepath.IsAbs(dir), "a server must find it from its own folder")
}
