package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/internal/lab/writers"
)

// cannotBeKnown are lines in which no name stands before the value with something
// that separates: README lists them as not covered.
var cannotBeKnown = []string{
	"-potter-seven", "curl -u admin:", "https://admin:", "password is ", "passwd=", "VALUES('zhao'", `Parameters: [`, "Parameters: zhao", "MYSQL_PWD",
}

// What preview says of the files in testdata/secrets is what stands in their golden
// files, and no secret is in it but where none can be known.
func TestPreviewOfSecrets(t *testing.T) {
	for file, args := range map[string][]string{
		"text.txt":        {"--lines", "-e", "ES_Log_IgnoreWord=**.password,**.token"},
		"nginx.txt":       {"--lines", "-e", "ES_Log_IgnoreWord=**.password,**.token"},
		"colours.txt":     {"--lines", "-e", "ES_Log_IgnoreWord=**.password,**.token"},
		"odd.txt":         {"--lines", "-e", "ES_Log_IgnoreWord=**.password,**.token"},
		"canal.json":      {"-e", "ES_Log_IgnoreWord=data.pwd,old.pwd"},
		"keys-event.json": {"-e", "ES_Log_IgnoreWord=**.password"},
	} {
		t.Run(file, func(t *testing.T) {
			path := filepath.Join("testdata", "secrets", file)
			args := append([]string{"preview", "--limit", "0", "--at", "2026-11-27T10:00:00Z", path}, args...)
			out, errOut, code := runTool(t, nil, args...)
			require.Zero(t, code, errOut)
			golden := strings.TrimSuffix(path, filepath.Ext(path)) + ".golden"
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(out), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "go test ./cmd/etlctl -run TestPreviewOfSecrets -update writes it")
			assert.Equal(t, string(want), out)
			for line := range strings.Lines(out) {
				known := true
				for _, c := range cannotBeKnown {
					known = known && !strings.Contains(line, c)
				}
				if known {
					assert.NotContains(t, line, "otter")
				}
			}
		})
	}
}

// Neither what preview says to people nor what it says to machines holds a secret
// of a record, whoever wrote it.
func TestPreviewShowsNoSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "record.txt")
	rapid.Check(t, func(rt *rapid.T) {
		r := writers.Draw(rt)
		require.NoError(t, os.WriteFile(file, []byte(r.Body), 0o600))
		for _, as := range []string{"--json=true", "--json=false"} {
			out, errOut, code := runTool(t, nil, "preview", as, "-e", "ES_Log_IgnoreWord="+strings.Join(writers.Names, ","), file)
			require.Zero(rt, code)
			require.NotContains(rt, out+errOut, writers.Marker, "%s\n%s", r.How, r.Body)
		}
	})
}
