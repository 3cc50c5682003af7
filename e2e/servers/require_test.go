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
	require.ErrorContains(t, err, "es7: java not found: install a JDK 17 or newer")
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
		require.ErrorContains(t, Require(t.Context(), "es10"), `unknown server "es10"`)
		_, err := StartElasticsearch(t.Context(), "es10", ElasticsearchOptions{})
		require.ErrorContains(t, err, `unknown server "es10"`)
	})
	t.Run("Kafka is no search server", func(t *testing.T) {
		_, err := StartElasticsearch(t.Context(), KindKafka, ElasticsearchOptions{})
		require.ErrorContains(t, err, "no search server")
	})
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
