package main

import (
	"debug/buildinfo"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// The function is loaded with each cold start and has to stay small: what the
// operator's tool needs, such as the metrics of a service, is not linked into it.
func TestFunctionLinksNothingOfTheTool(t *testing.T) {
	info, err := buildinfo.ReadFile(buildFunction(t))
	require.NoError(t, err)
	require.NotEmpty(t, info.Deps)
	tool := regexp.MustCompile(`prometheus|protobuf|cobra|pflag|progressbar|yaml|testify|rapid|kfake|golang\.org/x/term`)
	linked := false
	for _, m := range info.Deps {
		require.NotRegexp(t, tool, m.Path)
		linked = linked || m.Path == "github.com/twmb/franz-go"
	}
	require.True(t, linked, "what it does need is seen")
}
