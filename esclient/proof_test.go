package esclient

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

// notNow is what a server may say to whole requests while it takes nothing.
const notNow = `{"error":{"type":"acme_exception","reason":"not now"},"status":400}`

// The server took the first request of a delivery and refused all after it, for a
// moment. What it had taken before counted as proof that the second was at fault:
// a sound record became a dead letter.
func TestTakenBeforeARefusalIsNoProof(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(n int, _ *asked) answer {
			if n == 1 {
				return answer{}
			}
			return answer{status: http.StatusBadRequest, body: notNow}
		}
		c := testClient(t, f, func(c *Config) { c.BulkBytes, c.BulkConcurrency = 1, 1 })
		require.Equal(t, map[record.Outcome]int{record.Stored: 1, record.Unsettled: 7}, outcomes(write(t, c, record.Delivery{Records: numbered(8)})))
		f.script = nil
		require.Zero(t, outcomes(write(t, c, record.Delivery{Records: numbered(8)}))[record.Refused])
	})
}

// A document met an internal error of the server, which took others in the same
// answer, and from then on refused everything with words that nobody knows. The
// others spoke against the document, though nothing was taken since it was
// refused.
func TestTakenSinceAFailureIsNoProof(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(n int, _ *asked) answer {
			if n == 1 {
				return answer{item: when("odd", `"status":500,"error":{"type":"i_o_exception","reason":"No space left on device"}`)}
			}
			return answer{item: when("", strange)}
		}
		c := testClient(t, f, nil)
		results := write(t, c, record.Delivery{Records: bodies(`{"a":1}`, `{"a":"odd"}`)})
		require.Equal(t, map[record.Outcome]int{record.Stored: 1, record.Unsettled: 1}, outcomes(results))
	})
}

// Something between the function and the server answered the first request with
// an empty list of items. That counted as an answer to a compressed request, and
// the server, which understands none, refused every batch for ever.
func TestAnswerWithoutItemsIsNoProofOfCompression(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(n int, a *asked) answer {
			switch {
			case n == 1:
				return answer{status: http.StatusOK, body: `{"items":[]}`}
			case a.header.Get("Content-Encoding") != "":
				return answer{status: http.StatusBadRequest, body: `{"error":{"type":"json_parse_exception","reason":"Illegal character ((CTRL-CHAR, code 31))"},"status":400}`}
			}
			return answer{}
		}
		c := testClient(t, f, func(c *Config) { c.GzipLevel = 1 })
		require.Equal(t, map[record.Outcome]int{record.Stored: 3}, outcomes(write(t, c, record.Delivery{Records: numbered(3)})))
	})
}
