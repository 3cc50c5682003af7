//go:build e2e

package kafka

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// Consumers rely on it that a key is always in the same partition, also when
// some of its messages were written by Kafka's own client. And what we write,
// that client has to be able to read, however it is compressed.
func TestJavaClient(t *testing.T) {
	if !selected(t) {
		return
	}
	k := start(t, servers.KafkaOptions{})
	for _, partitions := range []int32{1, 7, 12} {
		t.Run(fmt.Sprint(partitions, " partitions"), func(t *testing.T) { testJavaClient(t, k, partitions) })
	}
}

func testJavaClient(t *testing.T, k *servers.Kafka, partitions int32) {
	t.Helper()
	theirs, ours := fmt.Sprint("java-", partitions), fmt.Sprint("ours-", partitions)
	require.NoError(t, k.CreateTopic(t.Context(), theirs, partitions, nil))
	require.NoError(t, k.CreateTopic(t.Context(), ours, partitions, nil))

	recs := batch(5, 0, 1000)
	for i, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		c := client(t, k.Brokers(), func(cfg *kafkaclient.Config) { cfg.Topic, cfg.Compression = ours, compression })
		all(t, record.Stored, write(t, c, 20*time.Second, recs[i*200:(i+1)*200]))
	}
	requireExactly(t, k, ours, recs)

	var keys bytes.Buffer
	for _, r := range recs {
		if r.Key != nil {
			fmt.Fprintln(&keys, hex.EncodeToString(r.Key))
		}
	}
	wrote, got := runReference(t, &keys, strings.Join(k.Brokers(), ","), theirs, ours, strconv.Itoa(len(recs)))
	require.Len(t, got, len(recs))
	for _, r := range recs {
		line, ok := got[hex.EncodeToString(r.Body)]
		require.True(t, ok, "Kafka's client has not read offset %d", r.Offset)
		if r.Key != nil {
			key := hex.EncodeToString(r.Key)
			assert.Equal(t, key, line.key)
			assert.Equal(t, wrote[key], line.partition, "partition of key %s", key)
		} else {
			assert.Equal(t, "-", line.key)
			assert.Equal(t, strconv.Itoa(int(5%partitions)), line.partition)
		}
		assert.Equal(t, fmt.Sprintf("source.topic=source;source.partition=5;source.offset=%d;", r.Offset), line.headers)
	}
}

type readLine struct{ partition, key, headers string }

// runReference runs Reference.java. It returns the partition of each key that
// was written and the messages that were read, by value.
func runReference(t *testing.T, keys *bytes.Buffer, args ...string) (wrote map[string]string, got map[string]readLine) {
	t.Helper()
	root, err := servers.CacheDir()
	require.NoError(t, err)
	libs, err := filepath.Glob(filepath.Join(root, string(servers.KindKafka)+"-*", "lib"))
	require.NoError(t, err)
	require.NotEmpty(t, libs)
	argv := []string{"-cp", filepath.Join(libs[len(libs)-1], "*"), "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-Xmx256m", "testdata/Reference.java"}
	cmd := exec.CommandContext(t.Context(), "java", append(argv, args...)...)
	cmd.Stdin, cmd.Stderr = keys, os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	wrote, got = make(map[string]string), make(map[string]readLine)
	for line := range strings.Lines(string(out)) {
		switch f := strings.Fields(line); f[0] {
		case "wrote":
			wrote[f[1]] = f[2]
		case "read":
			got[f[3]] = readLine{partition: f[1], key: f[2], headers: f[4]}
		}
	}
	return wrote, got
}
