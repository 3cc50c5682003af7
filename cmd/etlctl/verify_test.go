package main

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/kafkaclient"
)

// copies returns the addresses of a source with 4 records "secret 0" … in topic
// logs, and of a target whose topic copy holds those of the given offsets.
func copies(t *testing.T, offsets ...int) (source, target string) {
	t.Helper()
	source = sourceCluster(t, 0)
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "copy"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	target = c.ListenAddrs()[0]
	write := func(address string, r *kgo.Record) {
		client, err := kgo.NewClient(kgo.SeedBrokers(address))
		require.NoError(t, err)
		defer client.Close()
		require.NoError(t, client.ProduceSync(t.Context(), r).FirstErr())
	}
	body := func(i int) []byte { return []byte("secret " + strconv.Itoa(i)) }
	for i := range 4 {
		write(source, &kgo.Record{Topic: "logs", Value: body(i)})
	}
	for _, i := range offsets {
		write(target, &kgo.Record{Topic: "copy", Value: body(i), Headers: []kgo.RecordHeader{
			{Key: kafkaclient.HeaderSourcePartition, Value: []byte("0")},
			{Key: kafkaclient.HeaderSourceOffset, Value: []byte(strconv.Itoa(i))},
		}})
	}
	return source, target
}

func TestVerify(t *testing.T) {
	for name, x := range map[string]struct {
		offsets []int
		args    []string
		code    int
		stdout  []string
		stderr  string
	}{
		"a copy": {
			[]int{0, 1, 2, 3},
			nil, exitOK,
			[]string{"copy is a copy of logs."},
			"",
		},
		"missing, and out of order": {
			[]int{0, 3, 1},
			nil, exitFailure,
			[]string{"missing       source 0/2\n", "out of order  source 0/1  target 0/2 (key null, body 8 B)\n              behind source offset 3\n"},
			"etlctl: topic copy is not a copy of logs: 1 missing, 1 out of order\n",
		},
		"twice": {
			[]int{0, 1, 0, 1, 2, 3},
			nil, exitFailure,
			[]string{
				"  partition  source  target  equal  twice\n          0       4       6      4      2\n        all       4       6      4      2\n",
				"twice         source 0/0–1  target 0/2–3  (2 records)\n",
			},
			"etlctl: topic copy is not a copy of logs: 2 twice\n",
		},
		"twice, which may be": {
			[]int{0, 1, 0, 1, 2, 3},
			[]string{"--allow-twice", "--show", "0"},
			exitOK,
			[]string{"copy is a copy of logs, with 2 records there twice."},
			"",
		},
		"a part": {
			[]int{2, 3},
			[]string{"--from-offset", "0:2"},
			exitOK,
			[]string{"source partition 0 is compared from offset 2 on\n"},
			"",
		},
		"not too many lines": {
			[]int{1},
			[]string{"--show", "1"},
			exitFailure,
			[]string{"missing       source 0/0\nmissing       and 2 more\n"},
			"etlctl: topic copy is not a copy of logs: 3 missing\n",
		},
		"nothing in the range": {
			[]int{0, 1, 2, 3},
			[]string{"--since", "2999-01-01T00:00:00Z"},
			exitFailure,
			[]string{"        all       0       0      0\n", "4 of the target's records come from offsets that are not compared\n"},
			"etlctl: nothing was compared: topic logs has no records in this range; look at --since, --until and --from-offset, or give --allow-empty\n",
		},
		"nothing in the range, which may be": {
			[]int{0, 1, 2, 3},
			[]string{"--since", "2999-01-01T00:00:00Z", "--allow-empty"},
			exitOK,
			[]string{"        all       0       0      0\n"},
			"",
		},
		"nothing in the range, and something extra": {
			[]int{0, 1, 2, 3, -1},
			[]string{"--since", "2999-01-01T00:00:00Z", "--allow-empty"},
			exitFailure,
			[]string{"extra         target 0/4 (key null, body 9 B)\n"},
			"etlctl: topic copy is not a copy of logs: 1 extra\n",
		},
		"by content": {
			[]int{0, 1, 2, 3},
			[]string{"--match", "content", "--partition", "keep"},
			exitOK,
			[]string{"copy is a copy of logs."},
			"",
		},
		"keys only": {
			[]int{0, 1, 2, 3},
			[]string{"--bodies=false"},
			exitOK,
			[]string{"bodies were not compared\n"},
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, target := copies(t, x.offsets...)
			args := append([]string{"verify", "--source-address", source, "--source-topic", "logs", "--target-address", target, "--target-topic", "copy"}, x.args...)
			stdout, stderr, code := runTool(t, nil, args...)
			assert.Equal(t, x.code, code, "%s%s", stdout, stderr)
			for _, want := range x.stdout {
				assert.Contains(t, stdout, want)
			}
			assert.Equal(t, x.stderr, stderr)
			assert.NotContains(t, stdout, "secret")
			requireNarrow(t, stdout)
			if slices.Contains(x.args, "--since") {
				assert.NotContains(t, stdout, "is a copy")
			}
		})
	}
}

// Two empty topics were said to be the same.
func TestVerifyOfNothing(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logs", "copy"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	args := []string{"verify", "--source-address", c.ListenAddrs()[0], "--source-topic", "logs", "--target-address", c.ListenAddrs()[0], "--target-topic", "copy"}
	stdout, stderr, code := runTool(t, nil, args...)
	assert.Equal(t, exitFailure, code)
	assert.NotContains(t, stdout, "is a copy")
	assert.Equal(t, "etlctl: nothing was compared: topic logs has no records; look at --source-address and --source-topic, or give --allow-empty\n", stderr)
	stdout, _, code = runTool(t, nil, append(args, "--json")...)
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stdout, `"same":false,"empty":true,`)
	stdout, stderr, code = runTool(t, nil, append(args, "--allow-empty", "--json")...)
	assert.Equal(t, exitOK, code)
	assert.Contains(t, stdout, `"same":true,"empty":true,`)
	assert.Empty(t, stderr)
}

// The target is the function's, and its topic's name may hold the source's.
func TestVerifyTheFunctionsTarget(t *testing.T) {
	source, target := copies(t, 0, 1, 2, 3)
	environ := []string{"kafka_address=" + target, "kafka_topic_name=copy", "ES_Index_KeyWord=x"}
	stdout, stderr, code := runTool(t, environ, "verify", "--source-address", source, "--source-topic", "logs", "--json")
	require.Equal(t, exitOK, code, stderr)
	var report struct {
		Same  bool
		Total struct{ Source, Equal int }
	}
	require.NoError(t, json.Unmarshal([]byte(stdout), &report), stdout)
	assert.True(t, report.Same)
	assert.Equal(t, 4, report.Total.Equal)

	environ[1] = "kafka_topic_name={topic}-copy"
	_, stderr, code = runTool(t, environ, "verify", "--source-address", source, "--source-topic", "logs")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stderr, "target topic logs-copy: UNKNOWN_TOPIC_OR_PARTITION")
}

func TestVerifyUsage(t *testing.T) {
	sound := []string{"verify", "--source-address", "127.0.0.1:1", "--source-topic", "logs", "--target-address", "127.0.0.1:1", "--target-topic", "copy"}
	for name, x := range map[string]struct {
		args []string
		want string
	}{
		"no source":        {[]string{"--source-address", ""}, "--source-address: not set"},
		"no source topic":  {[]string{"--source-topic", ""}, "--source-topic: not set"},
		"no target":        {[]string{"--target-address", ""}, "--target-address: not set"},
		"match":            {[]string{"--match", "guess"}, `--match: got "guess", allowed: headers, content`},
		"partition":        {[]string{"--partition", "same"}, `--partition: got "same", allowed: any, keep, key`},
		"show":             {[]string{"--show", "-1"}, "--show: got -1"},
		"memory":           {[]string{"--memory", "0"}, "--memory: got 0"},
		"time":             {[]string{"--until", "now"}, `--until: got "now", want a time of RFC 3339`},
		"offset":           {[]string{"--from-offset", "7"}, `--from-offset: got "7", want PARTITION:OFFSET`},
		"two beginnings":   {[]string{"--from-offset", "0:7", "--since", "2026-11-24T10:00:00Z"}, "--since and --from-offset"},
		"offset, content":  {[]string{"--from-offset", "0:7", "--match", "content"}, "--from-offset: of no use"},
		"source mechanism": {[]string{"--source-mechanism", "GSSAPI"}, `--source-mechanism: got "GSSAPI"`},
		"target user":      {[]string{"--target-user", "u"}, "--target-password-env"},
		"password":         {[]string{"--source-user", "u", "--source-password-env", "NONE"}, "--source-password-env: the variable NONE is not set"},
		"ca without tls":   {[]string{"--target-ca", "x"}, "--target-ca: has no effect without --target-tls"},
	} {
		t.Run(name, func(t *testing.T) {
			stdout, stderr, code := runTool(t, nil, append(sound, x.args...)...)
			assert.Equal(t, exitUsage, code)
			assert.Contains(t, stderr, x.want)
			assert.NotContains(t, stderr, "kafka_")
			assert.Empty(t, stdout)
		})
	}
}
