package jsoncases

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The cases say themselves whether they are JSON. encoding/json has the same
// opinion of each.
func TestCasesAgreeWithEncodingJSON(t *testing.T) {
	names, valid := map[string]bool{}, 0
	cases := All()
	for _, c := range cases {
		assert.Equal(t, json.Valid([]byte(c.Text)), c.Valid, "%s: %q", c.Name, c.Text)
		assert.Equal(t, c.Valid, strings.HasPrefix(c.Name, "y_"), c.Name)
		assert.False(t, names[c.Name], "%s is there twice", c.Name)
		assert.True(t, utf8.ValidString(c.Text), c.Name)
		names[c.Name] = true
		if c.Valid {
			valid++
		}
	}
	require.Greater(t, valid, 500)
	require.Greater(t, len(cases)-valid, 1000)
}
