package kafkaclient_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// A body that was to go to Kafka as it came is kept so, or no redrive could
// send it; but not where a field might have to go, nor of a malformed record.
func TestLetterKeepsBody(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		ignore   []string
		document bool
		defect   string
		raw      bool
	}{
		"raw":              {raw: true},
		"a field may go":   {ignore: []string{"secret"}},
		"a document":       {document: true},
		"malformed record": {defect: "msgBody is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t)
			require.NoError(t, c.CreateTopic("target", 1, map[string]string{"max.message.bytes": "5000"}))
			require.NoError(t, c.CreateTopic("letters", 1, nil))
			program, err := transform.New(transform.Options{Ignore: x.ignore, TimeField: "time"})
			require.NoError(t, err)
			k := client(t, c, func(cfg *kafkaclient.Config) {
				cfg.Compression, cfg.Program, cfg.ValueDocument = "none", program, x.document
			})
			recs := batch(0, 1)
			recs[0].Body = []byte(`{ "text": "` + strings.Repeat("ü", 10_000) + `", "secret": 1 }`)
			recs[0].Defect = x.defect
			results := write(t, k, recs)
			require.Equal(t, record.Refused, results[0].Outcome)
			assert.Equal(t, x.raw, results[0].Cause.Raw)

			for _, r := range bury(t, k, 10*time.Second, []record.DeadLetter{{Record: &recs[0], Cause: results[0].Cause, Sink: "kafka"}}) {
				require.Equal(t, record.Dead, r.Outcome)
			}
			letter := messages(t, c, "letters")[0][0]
			if x.raw {
				assert.Equal(t, string(recs[0].Body), string(letter.Value))
				assert.Equal(t, "raw", headers(letter)["value"])
				return
			}
			assert.NotEqual(t, string(recs[0].Body), string(letter.Value))
			assert.NotContains(t, headers(letter), "value")
		})
	}
}

// The beginning of a body is kept where all of it does not fit.
func TestRawLetterTooLarge(t *testing.T) {
	t.Parallel()
	c := cluster(t)
	require.NoError(t, c.CreateTopic("letters", 1, map[string]string{"max.message.bytes": "20000"}))
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = "none" })
	recs := batch(0, 1)
	recs[0].Body = []byte(`{ "text": "` + strings.Repeat("ü", 50_000) + `" }`)
	cause := &record.Cause{Type: "MESSAGE_TOO_LARGE", Raw: true}
	bury(t, k, 10*time.Second, []record.DeadLetter{{Record: &recs[0], Cause: cause, Sink: "kafka"}})
	letter := messages(t, c, "letters")[0][0]
	assert.True(t, strings.HasPrefix(string(recs[0].Body), string(letter.Value)))
	assert.Equal(t, "raw", headers(letter)["value"])
	assert.NotEmpty(t, headers(letter)["document.bytes"])
}
