//go:build e2e

package kafka

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// mirrorJars returns the folder with MirrorMaker 2, which it fetches if it is
// not in the servers' cache.
func mirrorJars(t *testing.T) string {
	t.Helper()
	root, err := servers.CacheDir()
	require.NoError(t, err)
	dir := filepath.Join(root, "mirror-3.9.1")
	if _, err := os.Stat(dir); err == nil {
		return dir
	}
	partial := dir + ".partial-" + strconv.Itoa(os.Getpid()) // beside it: a rename stays within a file system
	defer os.RemoveAll(partial)
	said, err := exec.CommandContext(t.Context(), "mvn", "-q", "-B", "-f", "testdata/mirror/pom.xml",
		"org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies", "-DoutputDirectory="+partial).CombinedOutput()
	require.NoError(t, err, "%s", said)
	require.NoError(t, os.Rename(partial, dir))
	return dir
}

// startMirror starts MirrorMaker 2, which copies a topic to one named
// alias.topic. It compresses as the function does, and does nothing besides.
func startMirror(t *testing.T, m *migration, topic, alias string) (process *os.Process, stop func()) {
	t.Helper()
	dir := t.TempDir()
	properties := map[string]string{
		"clusters":                         alias + ",target",
		alias + ".bootstrap.servers":       strings.Join(m.source.Brokers(), ","),
		"target.bootstrap.servers":         strings.Join(m.target.Brokers(), ","),
		alias + "->target.enabled":         "true",
		alias + "->target.topics":          topic,
		"target->" + alias + ".enabled":    "false",
		"target.producer.compression.type": "lz4",
		"tasks.max":                        fmt.Sprint(sourcePartitions),
		"emit.heartbeats.enabled":          "false",
		"emit.checkpoints.enabled":         "false",
		"sync.topic.acls.enabled":          "false",
		"sync.topic.configs.enabled":       "false",
	}
	for _, name := range []string{"", "offset-syncs.topic.", "heartbeats.topic.", "checkpoints.topic.", "config.storage.", "offset.storage.", "status.storage."} {
		properties[name+"replication.factor"] = "1"
	}
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&text, "%s=%s\n", name, properties[name])
	}
	config := filepath.Join(dir, "mm2.properties")
	require.NoError(t, os.WriteFile(config, []byte(text.String()), 0o600))
	log, err := os.Create(filepath.Join(dir, "mm2.log"))
	require.NoError(t, err)
	cmd := exec.Command("java", "-Xms1g", "-Xmx1g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-cp", filepath.Join(mirrorJars(t), "*"), "org.apache.kafka.connect.mirror.MirrorMaker", config)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error, 1), make(chan struct{})
	go func() {
		runtime.LockOSThread() // the signal comes when the thread ends
		defer runtime.UnlockOSThread()
		defer close(ended)
		defer log.Close()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
		}
	}()
	require.NoError(t, <-started)
	stop = func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	t.Cleanup(func() {
		stop()
		if t.Failed() {
			said, _ := os.ReadFile(log.Name())
			t.Logf("MirrorMaker said: %s", said[max(0, len(said)-4<<10):])
		}
	})
	return cmd.Process, stop
}
