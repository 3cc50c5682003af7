//go:build e2e

package e2e

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// call sends the server a request that it must take.
func (s *suite) call(t *testing.T, method, path, body string) string {
	t.Helper()
	status, answer, err := s.es.Do(within(t), method, path, body)
	require.NoError(t, err)
	require.Equal(t, 2, status/100, "%s %s: HTTP %d: %s", method, path, status, answer)
	return string(answer)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
