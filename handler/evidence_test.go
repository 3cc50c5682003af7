package handler_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/internal/lab/modelserver"
)

// scene is one instance and one server.
type scene struct {
	server  *modelserver.Server
	in      *instance
	letters *topicLetters
}

// play runs f in virtual time on a scene. Traits and settings may be nil.
func play(t *testing.T, traits func(*modelserver.Traits), change func(*config.Elasticsearch), f func(*testing.T, *scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tr := modelserver.Traits{
			Latency: 2 * time.Millisecond, Credentials: [2]string{user, password}, Secret: "S3CRET",
			Key: key, Refuse: refuse(modelserver.RecordRefusals()[0]),
		}
		if traits != nil {
			traits(&tr)
		}
		s := &scene{server: modelserver.New(tr)}
		s.in = setup{server: s.server, change: change}.start()
		f(t, s)
		require.Empty(t, s.server.Violations())
	})
}

// withTopic has the scene's dead letters go to a topic.
func (s *scene) withTopic(change func(*config.Elasticsearch)) {
	s.letters = newTopicLetters()
	s.in = setup{server: s.server, change: change, letters: s.letters}.start()
}

// settle delivers a batch until it is settled.
func (s *scene) settle(t *testing.T, recs []sent) delivery {
	t.Helper()
	for range 20 {
		d := s.in.deliver(t.Context(), payload(recs, 100), time.Minute)
		requireDiscreet(t, d.said)
		if d.err == nil {
			return d
		}
		pause(2 * time.Second)
	}
	require.Fail(t, "the batch never settles")
	return delivery{}
}

// once delivers a batch that has to be settled at once.
func (s *scene) once(t *testing.T, recs []sent) delivery {
	t.Helper()
	d := s.in.deliver(t.Context(), payload(recs, 100), time.Minute)
	requireDiscreet(t, d.said)
	require.NoError(t, d.err)
	return d
}

// requireThere wants each record in today's index, and no other document there.
func (s *scene) requireThere(t *testing.T, recs []sent) {
	t.Helper()
	s.server.Recover()
	there := make(map[string]int)
	for _, d := range s.server.In(today) {
		there[key(d.Source)]++
	}
	for i := range recs {
		require.Equal(t, 1, there[recs[i].mark], recs[i].mark)
	}
	require.Len(t, there, len(recs))
}

func plains(n int) []sent {
	recs := make([]sent, n)
	for i := range recs {
		recs[i] = newRecord(plain, i, "", "", 0)
	}
	return recs
}

// ids gives each record an id of its field.
func withIDs(recs []sent) []sent {
	for i := range recs {
		recs[i].id = fmt.Sprint("a", i)
		recs[i].body = strings.TrimSuffix(recs[i].body, "}") + fmt.Sprintf(`,"log_id":%q}`, recs[i].id)
	}
	return recs
}

func items(r modelserver.Refusal, keeps modelserver.Keeps) modelserver.Fault {
	return modelserver.Fault{How: modelserver.RefusesItems, Items: modelserver.Items{Refusal: r, Keeps: keeps}}
}

var diskFull = modelserver.Refusal{Status: 500, Type: "i_o_exception", Reason: "No space left on device"}

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

// An ingest pipeline sets _id. The answer's ids were not those that were sent,
// so that the answer counted as unreadable: the batch never settled.
func TestPipelineSetsIDs(t *testing.T) {
	rewrites := func(tr *modelserver.Traits) { tr.RewritesIDs, tr.Ordinary = true, deadIndex }
	play(t, rewrites, nil, func(t *testing.T, s *scene) {
		recs := append(plains(5), newRecord(conflict, 5, "", "", 0))
		d := s.once(t, recs)
		require.Equal(t, account{Records: 6, Stored: 5, Dead: 1}, d.account)
		require.Equal(t, 2, d.requests, "one for the documents, one for the dead letter")
		s.requireThere(t, recs[:5])

		s.in = s.in.setup.start()
		d = s.once(t, recs)
		require.Equal(t, account{Records: 6, Duplicate: 5, Dead: 1}, d.account)
		s.requireThere(t, recs[:5])
	})
}

// A data stream has a failure store: what does not fit is answered 201, under
// another index and perhaps another id, with "failure_store":"used". Each
// delivery stored one more copy there, and none settled.
func TestFailureStore(t *testing.T) {
	for name, ids := range map[string]modelserver.Burial{"new ids": modelserver.NewIDs, "kept ids": modelserver.KeptIDs} {
		t.Run(name, func(t *testing.T) {
			play(t, func(tr *modelserver.Traits) { tr.FailureStore, tr.Ordinary = ids, deadIndex }, nil, func(t *testing.T, s *scene) {
				recs := append(plains(5), newRecord(conflict, 5, "", "", 0))
				d := s.once(t, recs)
				require.Equal(t, account{Records: 6, Stored: 5, Dead: 1}, d.account)
				require.Equal(t, 1, d.requests, "the server has buried it: there is no dead letter to write")
				s.requireThere(t, recs[:5])
				require.Len(t, s.server.In(modelserver.FailureStore), 1)
			})
		})
	}
}

// One value of 200 kB among 20 good records was refused, and the reason quoted
// it. The answer was longer than what was read of it and counted as 413: 20
// stored records were counted as duplicates, and with ids of their own and
// create they were dead letters as well.
func TestLongAnswer(t *testing.T) {
	for name, own := range map[string]bool{"our ids": false, "ids of a field, create": true} {
		t.Run(name, func(t *testing.T) {
			change := func(c *config.Elasticsearch) {
				if own {
					c.OpType = config.OpCreate
				}
			}
			noTerms := func(tr *modelserver.Traits) { tr.Refuse = refuseConflicts }
			play(t, noTerms, change, func(t *testing.T, s *scene) {
				recs := plains(20)
				recs = append(recs, newRecord(conflict, 20, "", "", 200_000))
				if own {
					recs = withIDs(recs)
				}
				d := s.once(t, recs)
				require.Equal(t, account{Records: 21, Stored: 20, Dead: 1}, d.account)
				require.Equal(t, 2, d.requests)
				s.requireThere(t, recs[:20])
				letters := s.server.In(deadIndex)
				require.Len(t, letters, 1)
				var letter struct {
					Error struct {
						Type, Reason string
						Status       int
					}
				}
				require.NoError(t, json.Unmarshal(letters[0].Source, &letter))
				assert.Equal(t, "mapper_parsing_exception", letter.Error.Type)
				assert.Equal(t, 400, letter.Error.Status)
				assert.Contains(t, letter.Error.Reason, "failed to parse field [n] of type [long]")
			})
		})
	}
}

// refuseConflicts refuses conflicts with the mapping and nothing else.
func refuseConflicts(index string, source []byte) *modelserver.Refusal {
	if index != deadIndex && strings.Contains(string(source), `"n":"text`) {
		return &modelserver.RecordRefusals()[0]
	}
	return nil
}
