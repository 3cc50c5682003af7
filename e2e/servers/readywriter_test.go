package servers

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReadyWriter(t *testing.T) {
	tests := map[string]struct {
		writes []string
		ready  bool
	}{
		"in one write":   {[]string{"a\nstarted http 9200\nb\n"}, true},
		"byte by byte":   {[]string{"s", "t", "a", "r", "t", "e", "d", " ", "h", "ttp 9200"}, true},
		"false start":    {[]string{"startestarted http", " 9200\n"}, true},
		"twice":          {[]string{"started http 9200\n", "started http 9200\n"}, true},
		"another server": {[]string{"started http 9201\n"}, false},
		"nothing":        {nil, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			w := newReadyWriter(&out, "started http 9200")
			for _, s := range tt.writes {
				n, err := w.Write([]byte(s))
				require.NoError(t, err)
				assert.Equal(t, len(s), n)
			}
			assert.Equal(t, strings.Join(tt.writes, ""), out.String())
			select {
			case <-w.ready:
				assert.True(t, tt.ready)
			default:
				assert.False(t, tt.ready)
			}
		})
	}
}
