package main

import (
	"bytes"
	"strings"
	"testing"
)

// runTool runs one command line in this process.
func runTool(t *testing.T, environ []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errOut bytes.Buffer
	code = realMain(t.Context(), &system{stdin: strings.NewReader(""), stdout: &out, stderr: &errOut, environ: environ}, args)
	return out.String(), errOut.String(), code
}
