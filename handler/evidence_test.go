package handler_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/lab/modelserver"
)

// The disk of a data node was full. Each document was answered 500, its create
// was sent again and met a conflict, which counted as a duplicate, and the batch
// as done. When the shard recovered the documents were gone.
func TestFullDisk(t *testing.T) {
	for _, c := range []struct {
		name  string
		lasts time.Duration
	}{{"for one request", 0}, {"for a while", 2500 * time.Millisecond}, {"longer than the delivery", 90 * time.Second}} {
		t.Run(c.name, func(t *testing.T) {
			play(t, nil, nil, func(t *testing.T, s *scene) {
				phase := modelserver.Phase{Fault: items(diskFull, modelserver.KeepsVisible), For: c.lasts}
				if c.lasts == 0 {
					phase.Requests = 1
				}
				s.server.Plan(phase)
				recs := plains(100)
				d := s.settle(t, recs)
				assert.Zero(t, d.account.Dead)
				assert.Equal(t, 100, d.account.Stored, "each write was proved by an answer of its own")
				s.requireThere(t, recs)
				require.Zero(t, s.server.Attempts(deadIndex))
			})
		})
	}
}

// The same for dead letters: one that was answered 500 and then met a conflict,
// in the same delivery or in the next one, counted as kept, and was gone with the
// shard's recovery.
func TestFullDiskUnderDeadLetters(t *testing.T) {
	for name, lasts := range map[string]modelserver.Phase{
		"for one request":          {Requests: 1},
		"for a while":              {For: 2500 * time.Millisecond},
		"longer than the delivery": {For: 61 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, nil, nil, func(t *testing.T, s *scene) {
				recs := append(plains(3), newRecord(conflict, 3, "", "", 0))
				lasts.Fault = items(diskFull, modelserver.KeepsVisible)
				lasts.Fault.Spares = today
				s.server.Plan(lasts)
				d := s.settle(t, recs)
				require.Equal(t, 1, d.account.Dead)
				s.requireThere(t, recs[:3])
				require.Len(t, s.server.In(deadIndex), 1)
			})
		})
	}
}

// A node was restarting, a mapping update took too long, a template had two
// write indices: for two and a half seconds every document was answered 500. All
// of them became dead letters, and the invocation returned success.
func TestServerErrorsForEverything(t *testing.T) {
	for _, r := range modelserver.ServerRefusals()[:4] {
		t.Run(r.Type, func(t *testing.T) {
			play(t, nil, nil, func(t *testing.T, s *scene) {
				s.server.Plan(modelserver.Phase{Fault: items(r, modelserver.KeepsNothing), For: 2500 * time.Millisecond})
				recs := plains(100)
				d := s.settle(t, recs)
				require.Equal(t, account{Records: 100, Stored: 100}, d.account)
				s.requireThere(t, recs)
				require.Zero(t, s.server.Attempts(deadIndex))
			})
		})
	}
}

// A setting of a template made the day's index impossible. The server said so in
// words that no table had, of each document, and the day was dead letters.
func TestRefusalThatNobodyKnowsOfEverything(t *testing.T) {
	for _, reason := range []string{
		"unknown setting [index.lifecycle.nam] please check that any required plugins are installed, or check the breaking changes documentation for removed settings",
		"unknown index sort field:[ts]", "cannot accept {source}", "Failed to parse value [x] for setting [index.refresh_interval]",
	} {
		t.Run(reason, func(t *testing.T) {
			play(t, nil, nil, func(t *testing.T, s *scene) {
				recs := plains(100)
				s.server.Plan(modelserver.Phase{Fault: modelserver.Fault{
					How: modelserver.RefusesItems, Spares: deadIndex, // which is well
					Items: modelserver.Items{Refusal: modelserver.Refusal{Status: 400, Type: "acme_exception", Reason: reason}},
				}})
				for range 3 {
					d := s.in.deliver(t.Context(), payload(recs, 100), time.Minute)
					requireDiscreet(t, d.said)
					require.Error(t, d.err)
					require.Equal(t, 100, d.unsettled(t).Unsettled)
					assert.ErrorContains(t, d.err, "acme_exception", "the operator learns the reason's type")
					assert.LessOrEqual(t, d.requests, mostRequests)
				}
				require.Zero(t, s.server.Attempts(deadIndex))
				s.server.Plan()
				require.Equal(t, 100, s.settle(t, recs).account.Stored)
				s.requireThere(t, recs)
			})
		})
	}
}

// Every request was answered 400, by a proxy's page or by Elasticsearch: each
// delivery cost ten thousand requests, and with a topic for dead letters the
// whole partition went there.
func TestRefusalOfEveryRequest(t *testing.T) {
	for name, body := range map[string]string{
		"a page":                "<html><body>bad request</body></html>",
		"Elasticsearch's error": `{"error":{"root_cause":[],"type":"acme_exception","reason":"no"},"status":400}`,
	} {
		for _, topic := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/topic=%t", name, topic), func(t *testing.T) {
				play(t, nil, nil, func(t *testing.T, s *scene) {
					if topic {
						s.withTopic(nil)
					}
					f := modelserver.Fault{How: modelserver.Replies, Reply: modelserver.Reply{Status: 400, Body: body}}
					s.server.Plan(modelserver.Phase{Fault: f})
					recs := plains(10_000)
					d := s.in.deliver(t.Context(), payload(recs, 100), time.Minute)
					requireDiscreet(t, d.said)
					require.Error(t, d.err)
					require.Equal(t, 10_000, d.unsettled(t).Unsettled)
					assert.LessOrEqual(t, d.requests, mostRequests)
					assert.Zero(t, s.server.Attempts(deadIndex))
					if topic {
						assert.Empty(t, s.letters.got)
					}
				})
			})
		}
	}
}

// A record held what the server says when a pipeline is missing, as the name of
// a field or as its value, and was refused for its mapping. What it said was
// taken for what the server said: the record held its partition for ever, and
// the reason, which quoted it, was logged and returned.
func TestRecordThatSpeaksLikeTheServer(t *testing.T) {
	for _, phrase := range modelserver.Phrases() {
		for name, r := range map[string]modelserver.Refusal{
			"a name in a conflict":     {Status: 400, Type: "illegal_argument_exception", Reason: "mapper [" + phrase + "] cannot be changed from type [long] to [text]"},
			"a name of a long term":    {Status: 400, Type: "illegal_argument_exception", Reason: `Document contains at least one immense term in field="` + phrase + `" (whose UTF8 encoding is longer than the max length 32766), all of which were skipped. Please correct the analyzer to not produce such terms. The prefix of the first immense term is: '[109, 97]...', original message: bytes can be at most 32766 in length; got 49149`},
			"a value in a conflict":    {Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse field [n] of type [long] in document with id '{id}'. Preview of field's value: '" + phrase + " mark-3-'"},
			"a quotation":              {Status: 400, Type: "illegal_argument_exception", Reason: "cannot accept {source}"},
			"a quotation at the start": {Status: 400, Type: "illegal_argument_exception", Reason: phrase + " mark-3-"},
			"of an unknown type":       {Status: 400, Type: "acme_exception", Reason: phrase + " mark-3-"},
		} {
			t.Run(name+"/"+phrase, func(t *testing.T) {
				refuses := func(tr *modelserver.Traits) { tr.Refuse = refuse(r) }
				play(t, refuses, nil, func(t *testing.T, s *scene) { s.requireOneDead(t, plains(3), newRecord(conflict, 3, "", phrase, 0)) })
			})
		}
		t.Run("the whole request/"+phrase, func(t *testing.T) {
			bans := func(tr *modelserver.Traits) {
				tr.Bans = []modelserver.Ban{{Mark: poisonIs, Reply: modelserver.Reply{
					Status: 400, Body: `{"error":{"type":"illegal_argument_exception","reason":"{escaped}"},"status":400}`,
				}}}
			}
			play(t, bans, nil, func(t *testing.T, s *scene) { s.requireOneDead(t, plains(3), newRecord(poison, 3, "", phrase, 0)) })
		})
		t.Run("a long request/"+phrase, func(t *testing.T) {
			quotes := func(tr *modelserver.Traits) {
				tr.Bans = []modelserver.Ban{{Mark: poisonIs, Reply: modelserver.Reply{
					Status: 400, Body: `{"error":{"root_cause":[{"type":"parse_exception","reason":"{escaped}"}],"type":"parse_exception","reason":"{escaped}"},"status":400}`,
				}}}
			}
			others := make([]sent, 40)
			for i := range others {
				others[i] = newRecord(bulky, i, "", "", 0)
			}
			play(t, quotes, nil, func(t *testing.T, s *scene) { s.requireOneDead(t, others, newRecord(poison, 40, "", phrase, 0)) })
		})
	}
}

// requireOneDead delivers a record that has to become a dead letter before others
// that have to be stored.
func (s *scene) requireOneDead(t *testing.T, others []sent, r sent) {
	t.Helper()
	d := s.once(t, append([]sent{r}, others...))
	require.Equal(t, account{Records: len(others) + 1, Stored: len(others), Dead: 1}, d.account)
	s.requireThere(t, others)
	require.Len(t, s.server.In(deadIndex), 1)
}
