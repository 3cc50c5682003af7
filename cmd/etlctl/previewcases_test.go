package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What preview says of each case in testdata/cases stands in testdata/golden/cases,
// one object a record.
func TestPreviewOfCases(t *testing.T) {
	for _, c := range []struct{ name, file, args string }{
		{"times", "times.txt", "--lines -e ES_Index_TimeField=@timestamp,instant.epochSecond -e ES_Index_TimeFormat=hour -e ES_Index_TimeZone=Asia/Shanghai"},
		{"zones", "zones.txt", "--lines -e ES_Index_TimeField=t -e ES_Index_TimeZone=Asia/Shanghai"},
		{"canal", "canal.json", "-e ES_Log_IgnoreWord=data.pwd,old.pwd -e ES_Id_Field=data.id -e ES_Index_TimeField=data.created,ts -e ES_Index_TimeZone=Asia/Shanghai"},
		{"canal-rows", "canal-rows.json", "-e ES_Log_IgnoreWord=data.pwd,old.pwd -e ES_Id_Field=data.id -e ES_Index_TimeField=data.created,ts"},
		{"tombstone", "tombstone-event.json", ""},
		{"tombstone-filter", "tombstone-event.json", "-e ES_Empty_Record=filter"},
		{"metadata-name", "metadata-name-event.json", "-e ES_Id_Field=_id"},
		{"merge-over", "merge-event.json", "-e ES_Index_TimeFormat=week"},
		{"merge-under", "merge-event.json", "-e ES_Message_Merge=under -e ES_Index_TimeFormat=month"},
		{"merge-none", "merge-event.json", "-e ES_Message_Merge=none -e ES_Index_TimeFormat=none -e ES_Index_KeyWord=log-{topic}"},
		{"same-id", "same-id-event.json", ""},
		{"own-time", "own-time-event.json", "-e ES_Index_TimeField=time"},
		{"own-time-of-the-templates", "own-time-event.json", "-e ES_Time_Field=time -e ES_Time_Overwrite=true"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out, said bytes.Buffer
			sys := &system{stdin: strings.NewReader(""), stdout: &out, stderr: &said, environ: []string{}}
			cmd := newPreview(sys)
			args := append([]string{"--json", "--at", "2026-11-20T04:00:00Z"}, strings.Fields(c.args)...)
			cmd.SetArgs(append(args, filepath.Join("..", "..", "testdata", "cases", c.file)))
			require.NoError(t, cmd.ExecuteContext(t.Context()))
			require.Empty(t, said.String())
			got := bytes.ReplaceAll(out.Bytes(), []byte(filepath.Join("..", "..", "testdata", "cases")+string(filepath.Separator)), nil)
			golden := filepath.Join("..", "..", "testdata", "golden", "cases", c.name+".jsonl")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				require.NoError(t, os.WriteFile(golden, got, 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "go test ./cmd/etlctl -run TestPreviewOfCases -update writes it")
			require.Equal(t, strings.Split(string(want), "\n"), strings.Split(string(got), "\n"))
			require.NotContains(t, string(got), "S3CRET")
		})
	}
}
