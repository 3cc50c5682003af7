package modelserver_test

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/lab/modelserver"
)

func TestTraits(t *testing.T) {
	one := line("create", "i", "1", `{"a":"mark"}`)
	typed := `{"create":{"_index":"i","_type":"_doc","_id":"1"}}` + "\n{}\n"
	gzipped := func(c *client) { c.packed = true }
	for _, c := range []struct {
		name   string
		traits modelserver.Traits
		as     func(*client)
		body   string
		status int
		answer string
	}{
		{"type required", modelserver.Traits{Types: modelserver.TypesRequired}, nil, one, 400, "type is missing"},
		{"type forbidden", modelserver.Traits{Types: modelserver.TypesForbidden}, nil, typed, 400, "unknown parameter [_type]"},
		{"type there", modelserver.Traits{Types: modelserver.TypesRequired}, nil, typed, 200, `"_type":"_doc"`},
		{"gzip refused", modelserver.Traits{RefusesGzip: &modelserver.Reply{Status: 415}}, gzipped, one, 415, ""},
		{"gzip read", modelserver.Traits{}, gzipped, one, 200, `"status":201`},
		{"too large", modelserver.Traits{MaxBody: 10, TooLarge: modelserver.Fault{How: modelserver.Replies, Reply: modelserver.Reply{Status: 413}}}, nil, one, 413, ""},
		{"a ban", modelserver.Traits{Bans: []modelserver.Ban{{Mark: "mark", Reply: modelserver.Reply{Status: 403, Body: "<html>{body}"}}}}, nil, one, 403, "<html>" + one},
		{"a pipeline sets ids", modelserver.Traits{RewritesIDs: true}, nil, one, 200, `"_id":"p`},
		{"a byte-order mark", modelserver.Traits{Form: modelserver.Marked}, nil, one, 200, "\xef\xbb\xbf{"},
		{"chunks", modelserver.Traits{Form: modelserver.Chunked}, nil, one, 200, `"status":201`},
		{"filtered", modelserver.Traits{}, func(c *client) { c.query = "?filter_path=items.*.status,items.*.error" }, one, 200, `{"items":[{"create":{"status":201}}]}`},
		{"filter ignored", modelserver.Traits{IgnoresFilter: true}, func(c *client) { c.query = "?filter_path=items.*.status" }, one, 200, `"_index":"i"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := modelserver.New(c.traits)
			client := newClient(t, s)
			if c.as != nil {
				c.as(client)
			}
			status, answer, err := client.post(c.body)
			require.NoError(t, err)
			assert.Equal(t, c.status, status)
			assert.Contains(t, answer, c.answer)
			require.Empty(t, s.Violations())
		})
	}
}

func TestCompressedAnswer(t *testing.T) {
	s := modelserver.New(modelserver.Traits{Form: modelserver.Compressed})
	_, answer, err := newClient(t, s).post(line("create", "i", "1", "{}"))
	require.NoError(t, err)
	zr, err := gzip.NewReader(strings.NewReader(answer))
	require.NoError(t, err)
	plain, err := io.ReadAll(zr)
	require.NoError(t, err)
	require.Contains(t, string(plain), `"status":201`)
}

func TestFailureStore(t *testing.T) {
	for ids, want := range map[modelserver.Burial]string{modelserver.NewIDs: `"_id":"fs000001"`, modelserver.KeptIDs: `"_id":"1"`} {
		s := modelserver.New(modelserver.Traits{FailureStore: ids, Refuse: func(string, []byte) *modelserver.Refusal {
			return &modelserver.Refusal{Status: 400, Type: "x"}
		}})
		_, answer, err := newClient(t, s).post(line("create", "i", "1", "{}"))
		require.NoError(t, err)
		require.Contains(t, answer, `"failure_store":"used"`)
		require.Contains(t, answer, `"status":201`)
		require.Contains(t, answer, want)
		require.Len(t, s.In(modelserver.FailureStore), 1)
		require.Len(t, s.Documents(), 1)
	}
}
