package benchmark

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func names(list []contender) (names []string) {
	for _, c := range list {
		names = append(names, c.name)
	}
	return names
}

func TestContendersThatThereAre(t *testing.T) {
	b := newTestBench(t)
	assert.Equal(t, []string{bodiesByEvent, function}, names(b.contenders()))
	b.cfg.Python, b.cfg.Brokers = "python", []string{"k:9092"}
	assert.Equal(t, []string{bodiesByEvent, function, python, bodies, trigger}, names(b.contenders()))
	b.cfg.Rsyslogd = "rsyslogd"
	assert.Equal(t, []string{bodiesByEvent, function, python, bodies, trigger, withoutIDs, rsyslog}, names(b.contenders()))
	assert.Equal(t, []string{python, trigger, rsyslog}, names(b.exposed()))
}

func TestRsyslogConfig(t *testing.T) {
	b := newTestBench(t)
	b.cfg.Brokers = []string{"k1:9092,k2:9092", "k3:9092"}
	r := run{d: &dataset{topic: "logs"}, url: "http://127.0.0.1:9200", group: "g-1"}
	golden(t, "rsyslog.conf", b.rsyslogConfig(r, "/tmp/work"))
	b.cfg.Elasticsearch.User, b.cfg.Elasticsearch.Password = "elastic", `sec"ret`
	assert.Contains(t, b.rsyslogConfig(r, "/tmp/work"), `uid="elastic" pwd="sec\"ret"`)
}

// No password is seen in a list of processes.
func TestPasswordsAreInNoCommandLine(t *testing.T) {
	b := newTestBench(t)
	b.cfg.SetTool("/bin/etlctl")
	b.cfg.Python, b.cfg.Rsyslogd, b.cfg.Brokers, b.cfg.ProfileDir = "python", "rsyslogd", []string{"k:9092"}, t.TempDir()
	b.cfg.Elasticsearch.User, b.cfg.Elasticsearch.Password = "elastic", "s3cret"
	for _, c := range append(b.contenders(), b.profiled()) {
		cmd, err := c.command(run{d: &dataset{topic: "logs"}, url: "http://127.0.0.1:9200", group: "g"})
		require.NoError(t, err)
		require.NotEmpty(t, cmd.argv, c.name)
		for _, arg := range cmd.argv {
			assert.NotContains(t, arg, "s3cret", c.name)
		}
	}
}

func TestProfiledFunctionIsAProgram(t *testing.T) {
	b := newTestBench(t)
	b.cfg.SetTool("/some where/it's/etlctl")
	b.cfg.ProfileDir = "/profiles"
	cmd, err := b.profiled().command(run{d: &dataset{topic: "logs"}, group: "g"})
	require.NoError(t, err)
	assert.Equal(t, []string{"/some where/it's/etlctl", "bench", "profiled", "/profiles", "trigger"}, cmd.argv[:5])
	text, err := os.ReadFile(cmd.argv[len(cmd.argv)-1])
	require.NoError(t, err)
	assert.Equal(t, "#!/bin/sh\nexec '/some where/it'\\''s/etlctl' 'bench' 'function' '/profiles'\n", string(text))
}
