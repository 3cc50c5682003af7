package esclient

import (
	"context"
	"fmt"
	stdnet "net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// What is refused with a reason that nobody knows is a dead letter only if its
// index takes others and refuses it again alone. A template that made every
// index of the day impossible had sent the whole day to the dead letters.
func TestUnknownRefusalNeedsEvidence(t *testing.T) {
	for _, c := range []struct {
		name     string
		item     func(op) string
		want     map[record.Outcome]int
		requests int
	}{
		{"one among others", when(`"n":3`, strange), map[record.Outcome]int{record.Stored: 9, record.Refused: 1}, 2},

		{"all", when("", strange), map[record.Outcome]int{record.Unsettled: 10}, 1},
		{"one with a bug of the server", when(`"n":3`, bug), map[record.Outcome]int{record.Stored: 9, record.Refused: 1}, 25},
		{"known to be about the document", when("", conflictOfMapping), map[record.Outcome]int{record.Refused: 10}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				f := newFakeES(t)
				f.script = func(int, *asked) answer { return answer{item: c.item} }
				results := write(t, testClient(t, f, nil), record.Delivery{Records: numbered(10)})
				assert.Equal(t, c.want, outcomes(results))
				assert.LessOrEqual(t, len(f.asked), c.requests)
				for _, r := range results {
					if r.Outcome == record.Unsettled {
						assert.Contains(t, r.Cause.Text(), "brand_new_exception")
						assert.Contains(t, r.Cause.Text(), "ES_Dead_Letter_After")
						assert.NotContains(t, r.Cause.Text(), "S3CRET")
					}
				}
			})
		})
	}
}

// A poison record that comes alone, because its neighbours were stored before, is
// settled by what the index took within the last minutes.
func TestUnknownRefusalOfTheOnlyRecord(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(int, *asked) answer { return answer{item: when("poison", strange)} }
		c := testClient(t, f, nil)
		poison := bodies(`{"a":"poison"}`)
		require.Equal(t, record.Unsettled, write(t, c, record.Delivery{Records: poison})[0].Outcome)
		write(t, c, record.Delivery{Records: numbered(3)})
		<-time.After(recent - time.Second) // virtual time
		require.Equal(t, record.Refused, write(t, c, record.Delivery{Records: poison})[0].Outcome)
		<-time.After(recent + time.Second) // virtual time
		require.Equal(t, record.Unsettled, write(t, c, record.Delivery{Records: poison})[0].Outcome)
		// A server that has begun to refuse everything is no evidence: it is asked
		// whether it still takes what it has taken before.
		write(t, c, record.Delivery{Records: numbered(3)})
		f.script = func(int, *asked) answer { return answer{item: when("", strange)} }
		before := len(f.docs)
		require.Equal(t, record.Unsettled, write(t, c, record.Delivery{Records: poison})[0].Outcome)
		require.Equal(t, map[record.Outcome]int{record.Unsettled: 2}, outcomes(write(t, c, record.Delivery{Records: bodies(`{"a":1}`, `{"b":1}`)})))
		require.Len(t, f.docs, before, "asking writes nothing")
	})
}

// Two records that nobody could judge were all that was left of a batch when the
// server was mended, six minutes after it had taken the others: they came again
// for ever. And so they did if the last document that it had taken had an id from
// a field.
func TestProofIsKeptWhileABatchWaits(t *testing.T) {
	for name, others := range map[string][]record.Record{
		"ids of ours":              numbered(3),
		"the last id from a field": bodies(`{"a":1}`, `{"a":2,"log_id":"x"}`),
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				f := newFakeES(t)
				c := testClient(t, f, nil)
				write(t, c, record.Delivery{Records: others})
				odd := record.Delivery{Records: bodies(`{"a":"odd"}`, `{"b":"odd"}`)}
				f.script = func(int, *asked) answer { return answer{status: 503} }
				for range 4 {
					<-time.After(recent - 2*time.Minute) // virtual time; a delivery takes one
					require.Equal(t, map[record.Outcome]int{record.Unsettled: 2}, outcomes(write(t, c, odd)))
				}
				f.script = func(int, *asked) answer { return answer{item: when("odd", strange)} }
				require.Equal(t, map[record.Outcome]int{record.Refused: 2}, outcomes(write(t, c, odd)))
			})
		})
	}
}

// For whoever wants the partition to go on all the same.
func TestWithoutProof(t *testing.T) {
	for name, said := range map[string]answer{
		"items":          {item: when("", strange)},
		"about an index": {item: when("", `"status":404,"error":{"type":"index_not_found_exception","reason":"no such index [k]"}`)},
		"whole requests": {status: 400, body: "<html>"},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				f := newFakeES(t)
				f.script = func(int, *asked) answer { return said }
				c := testClient(t, f, func(c *Config) { c.DeadLetterAfter = 3 })
				require.Equal(t, map[record.Outcome]int{record.Unsettled: 100}, outcomes(write(t, c, record.Delivery{Records: numbered(100), Failures: 2})))
				require.Equal(t, map[record.Outcome]int{record.Refused: 100}, outcomes(write(t, c, record.Delivery{Records: numbered(100), Failures: 3})))
			})
		})
	}
	t.Run("never for want of rights or room", func(t *testing.T) {
		virtual(t, func(t *testing.T) {
			f := newFakeES(t)
			c := testClient(t, f, func(c *Config) { c.DeadLetterAfter = 1 })
			for _, said := range []answer{{status: 401}, {status: 404}, {status: 429}, {item: when("", overload)}, {item: when("", diskFull)}} {
				f.script = func(int, *asked) answer { return said }
				require.Equal(t, map[record.Outcome]int{record.Unsettled: 10}, outcomes(write(t, c, record.Delivery{Records: numbered(10), Failures: 9})))
			}
		})
	})
}

// A server that refuses whole requests is asked some twenty times, not ten
// thousand times, and convicts nobody.
func TestEveryRequestIsRefused(t *testing.T) {
	for _, said := range []answer{
		{status: 400, body: "<html>Bad Request</html>"},
		{status: 400, body: `{"error":{"type":"parse_exception","reason":"no"},"status":400}`},
		{status: 403, body: "<html>blocked</html>"},
		{status: 413, body: strings.Repeat("too large ", 1000)},
	} {
		t.Run(fmt.Sprintf("%d %.10s", said.status, said.body), func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				f := newFakeES(t)
				f.script = func(int, *asked) answer { return said }
				c := testClient(t, f, func(c *Config) { c.BulkBytes = 20 << 10 })
				require.Equal(t, map[record.Outcome]int{record.Unsettled: 5000}, outcomes(write(t, c, record.Delivery{Records: numbered(5000)})))
				require.LessOrEqual(t, len(f.asked), maxRefusals+4)
				f.script = nil
				require.Equal(t, map[record.Outcome]int{record.Stored: 5000}, outcomes(write(t, c, record.Delivery{Records: numbered(5000)})))
			})
		})
	}
}

// What one record does to a whole request costs that record.
func TestOneRecordSpoilsItsRequest(t *testing.T) {
	for name, said := range map[string]answer{
		"firewall":      {status: 403, body: "<html>blocked</html>"},
		"unreadable":    {status: 400, body: `{"error":{"type":"json_parse_exception","reason":"S3CRET"},"status":400}`},
		"too large":     {status: 413},
		"broken for it": {err: fmt.Errorf("write: %w", http.ErrBodyReadAfterClose)},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				f := newFakeES(t)
				f.script = func(_ int, a *asked) answer {
					for _, o := range a.ops {
						if strings.Contains(o.source, "<script>") {
							return said
						}
					}
					return answer{}
				}
				recs := numbered(1000)
				recs[0].Body = []byte(`{"a":"<script>"}`)
				recs[777].Body = []byte(`{"b":"<script>"}`)
				recs[778].Body = []byte(`{"c":"<script>"}`)
				results := write(t, testClient(t, f, nil), record.Delivery{Records: recs})
				if said.err != nil { // a small body does not break a connection
					require.Equal(t, 1000, outcomes(results)[record.Unsettled])
					return
				}
				require.Equal(t, map[record.Outcome]int{record.Stored: 997, record.Refused: 3}, outcomes(results))
				require.Less(t, len(f.asked), 70)
			})
		})
	}
}

// A record that makes a request of its own, since it is so large, is refused
// although no part of its request can be taken.
func TestLargeRecordInARequestOfItsOwn(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(_ int, a *asked) answer {
			if a.size > 100<<10 {
				return answer{status: 413}
			}
			return answer{}
		}
		recs := numbered(3000)
		recs[1000].Body = []byte(`{"a":"` + strings.Repeat("x", 200<<10) + `"}`)
		c := testClient(t, f, func(c *Config) { c.BulkBytes = 64 << 10 })
		require.Equal(t, map[record.Outcome]int{record.Stored: 2999, record.Refused: 1}, outcomes(write(t, c, record.Delivery{Records: recs})))
	})
}

// A disk was full: each item was answered with 500, and the retry with 409. The
// function counted duplicates; after the shard had recovered the documents were
// not there.
func TestConflictBehindAFailedWriteProvesNothing(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		full := true
		f.script = func(n int, a *asked) answer {
			if !full {
				return answer{}
			}
			full = n < 3
			return answer{item: func(o op) string {
				f.docs[o.index+"/"+o.id] = "not durable"
				return diskFull
			}}
		}
		results := write(t, testClient(t, f, nil), record.Delivery{Records: numbered(10)})
		require.Equal(t, map[record.Outcome]int{record.Stored: 10}, outcomes(results))
		for _, source := range f.docs {
			require.NotEqual(t, "not durable", source)
		}
	})
	t.Run("where index is not allowed", func(t *testing.T) {
		virtual(t, func(t *testing.T) {
			f := newFakeES(t)
			f.script = func(n int, _ *asked) answer {
				if n > 1 {
					return answer{}
				}
				return answer{item: func(o op) string { f.docs[o.index+"/"+o.id] = "not durable"; return diskFull }}
			}
			c := testClient(t, f, func(c *Config) { c.OpType = config.OpCreate })
			results := write(t, c, record.Delivery{Records: numbered(2)})
			require.Equal(t, map[record.Outcome]int{record.Unsettled: 2}, outcomes(results))
			require.Contains(t, results[0].Cause.Text(), "ES_Op_Type")
			// The next delivery knows of it.
			results = write(t, c, record.Delivery{Records: numbered(2), Traces: []record.Trace{results[0].Trace, results[1].Trace}})
			require.Equal(t, map[record.Outcome]int{record.Unsettled: 2}, outcomes(results))
		})
	})
}

// A full disk is the server's fault however often it refuses one record while it
// takes others, which lie on another node.
func TestSickShardConvictsNobody(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(int, *asked) answer { return answer{item: when(`"n":3`, diskFull)} }
		results := write(t, testClient(t, f, nil), record.Delivery{Records: numbered(10)})
		require.Equal(t, map[record.Outcome]int{record.Stored: 9, record.Unsettled: 1}, outcomes(results))
	})
}

// The connection broke instead of the first answer; the records had ids of their
// own and ES_Op_Type was create: each was stored and became a dead letter.
func TestLostAnswerIsNoConflict(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(n int, _ *asked) answer { return answer{lost: n == 1} }
		c := testClient(t, f, func(c *Config) { c.OpType = config.OpCreate })
		recs := bodies(`{"log_id":"a"}`, `{"log_id":"b"}`, `{"n":1}`)
		require.Equal(t, map[record.Outcome]int{record.Duplicate: 3}, outcomes(write(t, c, record.Delivery{Records: recs})))
		// Without a lost answer a conflict of an id from a field is one.
		results := write(t, c, record.Delivery{Records: recs[:2]})
		require.Equal(t, map[record.Outcome]int{record.Refused: 2}, outcomes(results))
		require.Contains(t, results[0].Cause.Text(), "ES_Id_Field")
	})
	t.Run("in an earlier delivery", func(t *testing.T) {
		virtual(t, func(t *testing.T) {
			f := newFakeES(t)
			f.script = func(n int, _ *asked) answer {
				if n == 1 {
					return answer{lost: true}
				}
				return answer{status: 401}
			}
			c := testClient(t, f, func(c *Config) { c.OpType = config.OpCreate })
			recs := bodies(`{"log_id":"a"}`)
			first := write(t, c, record.Delivery{Records: recs})
			require.Equal(t, record.Unsettled, first[0].Outcome)
			f.script = nil
			again := write(t, c, record.Delivery{Records: recs, Traces: []record.Trace{first[0].Trace}, Failures: 1})
			require.Equal(t, record.Duplicate, again[0].Outcome)
		})
	})
}

// 429, 503 and a refused connection end what the round still had to send, and the
// next round begins with one request. A server that asks for a pause gets it.
func TestBusyServerIsLeftAlone(t *testing.T) {
	for name, said := range map[string]answer{
		"429":            {status: 429},
		"503":            {status: 503},
		"all items":      {item: when("", overload)},
		"in seconds":     {status: 429, header: http.Header{"Retry-After": {"7"}}},
		"as a date":      {status: 503, header: http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:00:17 GMT"}}},
		"dead":           {err: &url.Error{Op: "Post", Err: errRefused}},
		"unreadable":     {body: "x", rewrite: func([]string) []string { return []string{"x"} }},
		"internal error": {status: 500},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				begin := time.Now() // midnight of 2000-01-01
				f := newFakeES(t)
				f.script = func(n int, _ *asked) answer {
					if n <= 4 {
						return said
					}
					return answer{}
				}
				c := testClient(t, f, func(c *Config) { c.BulkBytes = 10 << 10 })
				results := write(t, c, record.Delivery{Records: numbered(2000)})
				require.Equal(t, 2000, outcomes(results)[record.Stored]+outcomes(results)[record.Duplicate])
				// Two of the first round, then one by one.
				for n := 3; n < 5; n++ {
					require.True(t, f.asked[n-1].at.Before(f.asked[n].at), "request %d", n)
				}
				if said.header != nil {
					require.GreaterOrEqual(t, f.asked[2].at.Sub(begin), 7*time.Second)
				}
			})
		})
	}
}

var errRefused = &stdnet.OpError{Op: "dial", Err: syscall.ECONNREFUSED}

// Retry-After holds across deliveries.
func TestRetryAfterOutlastsTheDelivery(t *testing.T) {
	virtual(t, func(t *testing.T) {
		begin := time.Now()
		f := newFakeES(t)
		f.script = func(n int, _ *asked) answer {
			if n == 1 {
				return answer{status: 429, header: http.Header{"Retry-After": {"100"}}}
			}
			return answer{}
		}
		c := testClient(t, f, nil)
		results := write(t, c, record.Delivery{Records: numbered(5)})
		require.Equal(t, 5, outcomes(results)[record.Unsettled])
		require.Contains(t, results[0].Cause.Text(), "429")
		require.Less(t, time.Since(begin), time.Second, "waiting for what cannot come is billed")
		results = write(t, c, record.Delivery{Records: numbered(5)})
		require.Equal(t, 5, outcomes(results)[record.Unsettled])
		require.Contains(t, results[0].Cause.Text(), "Retry-After")
		require.Len(t, f.asked, 1)
		<-time.After(50 * time.Second) // virtual time
		require.Equal(t, 5, outcomes(write(t, c, record.Delivery{Records: numbered(5)}))[record.Stored])
		require.GreaterOrEqual(t, f.asked[1].at.Sub(begin), 100*time.Second)
	})
}

// Of two addresses that do not answer each gets its share of the time.
func TestAddressGetsItsShareOfTheTime(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(_ int, a *asked) answer {
			if a.host == "c:9200" {
				return answer{}
			}
			return answer{wait: time.Hour}
		}
		c := testClient(t, f, func(c *Config) {
			c.RequestTimeout = time.Hour
			for _, host := range []string{"b:9200", "c:9200"} {
				c.Addresses = append(c.Addresses, config.Address{URL: &url.URL{Scheme: "http", Host: host}})
			}
		})
		for n := range 3 {
			got := outcomes(write(t, c, record.Delivery{Records: numbered(5)}))
			require.Equal(t, 5, got[record.Stored]+got[record.Duplicate], "delivery %d", n)
		}
	})
}

// A server that does not understand compressed bodies gets others, with one
// warning.
func TestGzipIsNotUnderstood(t *testing.T) {
	virtual(t, func(t *testing.T) {
		var log strings.Builder
		f := newFakeES(t)
		f.script = func(_ int, a *asked) answer {
			if a.header.Get("Content-Encoding") != "" {
				return answer{status: 400, body: `{"error":{"type":"json_parse_exception","reason":"Illegal character ((CTRL-CHAR, code 31))"},"status":400}`}
			}
			return answer{}
		}
		c := testClient(t, f, func(c *Config) { c.GzipLevel = 1; c.Logger = newTextLogger(&log) })
		for range 2 {
			results := write(t, c, record.Delivery{Records: numbered(10)})
			require.Equal(t, 10, outcomes(results)[record.Stored]+outcomes(results)[record.Duplicate])
		}
		require.Len(t, f.asked, 3)
		require.Equal(t, 1, strings.Count(log.String(), "ES_Gzip"))
	})
}

// 6.x demands _type, 8.x refuses it: it is learnt once.
func TestTypeIsLearnt(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(_ int, a *asked) answer {
			if !a.ops[0].typed {
				return answer{status: 400, body: `{"error":{"type":"action_request_validation_exception","reason":"Validation Failed: 1: type is missing;"},"status":400}`}
			}
			return answer{}
		}
		c := testClient(t, f, nil)
		require.Equal(t, 10, outcomes(write(t, c, record.Delivery{Records: numbered(10)}))[record.Stored])
		require.Equal(t, []int{10, 10}, f.sent())
		f.script = func(_ int, a *asked) answer {
			if a.ops[0].typed {
				return answer{status: 400, body: `{"error":{"type":"illegal_argument_exception","reason":"Action/metadata line [1] contains an unknown parameter [_type]"},"status":400}`}
			}
			return answer{status: 400, body: `{"error":{"type":"action_request_validation_exception","reason":"Validation Failed: 1: type is missing;"},"status":400}`}
		}
		require.Equal(t, 10, outcomes(write(t, c, record.Delivery{Records: numbered(10)}))[record.Unsettled], "a server that cannot make up its mind")
	})
}

// What the server's failure store has taken is a dead letter that is there
// already; a pipeline may have given all documents other ids.
func TestItemsWithOtherIDs(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(int, *asked) answer {
			return answer{rewrite: func(items []string) []string {
				for i := range items {
					items[i] = fmt.Sprintf(`{"create":{"_id":"other-%d","status":201}}`, i)
				}
				items[2] = `{"create":{"_id":"fs","status":201,"failure_store":"used"}}`
				items[3] = `{"create":{"_id":"fs2","status":400,"error":{"type":"document_parsing_exception","reason":"S3CRET"}}}`
				return items
			}}
		}
		results := write(t, testClient(t, f, nil), record.Delivery{Records: numbered(5)})
		require.Equal(t, map[record.Outcome]int{record.Stored: 3, record.Dead: 1, record.Refused: 1}, outcomes(results))
		require.Equal(t, record.Dead, results[2].Outcome)
		require.Contains(t, results[2].Cause.Text(), "failure store")
		require.Equal(t, record.Refused, results[3].Outcome)
		require.Len(t, f.asked, 1)
	})
}

// One record at which the function itself fails does not end the process.
func TestPanicOnOneRecord(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		c := testClient(t, f, func(c *Config) {
			var err error
			c.Program, err = transform.New(transform.Options{IndexPrefix: "k", Steps: []transform.Step{func(o *transform.Object) bool {
				if o.Get("bad") != nil {
					panic("S3CRET")
				}
				return true
			}}})
			require.NoError(t, err)
		})
		recs := bodies(`{"a":1}`, `{"bad":"S3CRET"}`, `{"a":3}`)
		results := write(t, c, record.Delivery{Records: recs})
		require.Equal(t, map[record.Outcome]int{record.Stored: 2, record.Refused: 1}, outcomes(results))
		require.NotContains(t, results[1].Cause.Text(), "S3CRET")
		letters, _ := c.DeadLetters().Write(t.Context(), []record.DeadLetter{{Record: &recs[1], Cause: results[1].Cause, Sink: c.Name()}})
		require.Equal(t, record.Dead, letters[0].Outcome)
		for key, source := range f.docs {
			require.NotContains(t, source, "S3CRET", key)
		}
	})
}

// The time is over: what is open is unsettled, and says so.
func TestTimeIsOver(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(int, *asked) answer { return answer{wait: time.Hour} }
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		begin := time.Now()
		results, _ := testClient(t, f, nil).Write(ctx, record.Delivery{Records: numbered(5)})
		require.LessOrEqual(t, time.Since(begin), 10*time.Second)
		require.Equal(t, 5, outcomes(results)[record.Unsettled])
		require.Equal(t, record.AnswerLost, results[0].Trace)
		results, _ = testClient(t, f, nil).Write(ctx, record.Delivery{Records: numbered(5)})
		require.Equal(t, "no_time_left", results[0].Cause.Type)
	})
}

// A batch that failed in part came to another instance behind midnight: 19
// documents of 10 records. Without an event time it cannot be helped, but said.
func TestPartOfABatchIsWarnedOf(t *testing.T) {
	for _, byEvent := range []bool{false, true} {
		virtual(t, func(t *testing.T) {
			var log strings.Builder
			f := newFakeES(t)
			f.script = func(int, *asked) answer { return answer{item: when(`"n":3`, diskFull)} }
			c := testClient(t, f, func(c *Config) {
				c.Logger = newTextLogger(&log)
				if byEvent {
					var err error
					c.Program, err = transform.New(transform.Options{IndexPrefix: "k", TimeFields: []string{"t"}})
					require.NoError(t, err)
				}
			})
			for range 2 {
				write(t, c, record.Delivery{Records: numbered(5)})
			}
			want := 1
			if byEvent {
				want = 0
			}
			require.Equal(t, want, strings.Count(log.String(), "ES_Index_TimeField"))
		})
	}
}
