package handler_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/internal/lab/modelserver"
)

// A proxy answered 413 with a page that had more than 4 KB, or that came behind
// its head. The connection was closed before the page was read, and the error of
// that was taken for one of the network: the request was never split, and the
// batch never settled.
func TestPageOfA413(t *testing.T) {
	for name, reply := range map[string]modelserver.Reply{
		"empty":              {Status: 413},
		"short":              {Status: 413, Body: "<html>too large</html>"},
		"longer than 4 KB":   {Status: 413, Body: "<html>too large</html>", Pad: 9_000},
		"300 KB":             {Status: 413, Body: "<html>too large</html>", Pad: 300_000},
		"in a second packet": {Status: 413, Body: "<html>too large</html>", Pause: 50 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := modelserver.New(modelserver.Traits{
					MaxBody: maxBody, TooLarge: modelserver.Fault{How: modelserver.Replies, Reply: reply}, Key: key,
				})
				in := setup{server: server}.start()
				wire := in.net.Wire()
				defer wire.Close()
				transport := &http.Transport{DialContext: wire.Dial, DisableCompression: true}
				defer transport.CloseIdleConnections()
				in.over = transport
				s := &scene{server: server, in: in}
				recs := plains(200)
				d := s.once(t, recs)
				require.Equal(t, account{Records: 200, Stored: 200}, d.account)
				s.requireThere(t, recs)
				require.Empty(t, server.Violations())
			})
		})
	}
}

// However an answer comes, it is read, and settles its documents at once.
func TestAnswersHoweverTheyCome(t *testing.T) {
	for name, change := range map[string]func(*modelserver.Traits){
		"plain":                      func(*modelserver.Traits) {},
		"behind a byte-order mark":   func(tr *modelserver.Traits) { tr.Form = modelserver.Marked },
		"compressed, though unasked": func(tr *modelserver.Traits) { tr.Form = modelserver.Compressed },
		"chunked":                    func(tr *modelserver.Traits) { tr.Form = modelserver.Chunked },
		"whole, without filter_path": func(tr *modelserver.Traits) { tr.IgnoresFilter = true },
	} {
		t.Run(name, func(t *testing.T) {
			play(t, change, nil, func(t *testing.T, s *scene) {
				recs := append(plains(20), newRecord(conflict, 20, "", "", 0))
				d := s.once(t, recs)
				require.Equal(t, account{Records: 21, Stored: 20, Dead: 1}, d.account)
				require.Equal(t, 2, d.requests)
				s.requireThere(t, recs[:20])
			})
		})
	}
}

// Items are matched by place when there are as many as were sent, and by id when
// there are not or when they stand in another order: whatever is the matter with
// an answer, the refused record is the one that is dead.
func TestItemsInOddPlaces(t *testing.T) {
	for _, how := range []modelserver.How{modelserver.ShortAnswer, modelserver.LongAnswer, modelserver.ShuffledAnswer, modelserver.ForeignAnswer} {
		t.Run(modelserver.Fault{How: how}.String(), func(t *testing.T) {
			play(t, nil, nil, func(t *testing.T, s *scene) {
				s.server.Plan(modelserver.Phase{Fault: modelserver.Fault{How: how}, Requests: 1})
				recs := append(plains(5), newRecord(conflict, 5, "", "", 0))
				recs = append(recs, newRecord(plain, 6, "", "", 0))
				d := s.once(t, recs)
				require.Equal(t, 1, d.account.Dead)
				require.Equal(t, 6, d.account.Stored+d.account.Duplicate)
				s.requireThere(t, append(recs[:5:5], recs[6]))
			})
		})
	}
}

// A server or a proxy that reads no compressed bodies gets plain ones, from the
// second request on and for good, and one warning says which variable to look at.
func TestServerRefusesGzip(t *testing.T) {
	for name, reply := range map[string]modelserver.Reply{
		"Elasticsearch": {Status: 400, Body: `{"error":{"root_cause":[],"type":"json_parse_exception","reason":"Illegal character ((CTRL-CHAR, code 31)): only regular white space (\\r, \\n, \\t) is allowed between tokens"},"status":400}`},
		"a proxy":       {Status: 415, Body: "<html>415 Unsupported Media Type</html>"},
	} {
		t.Run(name, func(t *testing.T) {
			change := func(c *config.Elasticsearch) { c.GzipLevel = 1 }
			play(t, func(tr *modelserver.Traits) { tr.RefusesGzip = &reply }, change, func(t *testing.T, s *scene) {
				recs := plains(20)
				d := s.once(t, recs)
				require.Equal(t, account{Records: 20, Stored: 20}, d.account)
				assert.Equal(t, 2, d.requests)
				warnings := strings.Count(d.said, "ES_Gzip")
				for range 3 {
					d = s.once(t, recs)
					assert.Equal(t, 1, d.requests, "it is remembered")
					warnings += strings.Count(d.said, "ES_Gzip")
				}
				assert.Equal(t, 1, warnings)
				s.requireThere(t, recs)
			})
		})
	}
}

// 6.x refuses a request without _type, 8.x one with it: one request tells which,
// and it is remembered.
func TestServerInsistsOnTypes(t *testing.T) {
	for name, types := range map[string]modelserver.Types{"required": modelserver.TypesRequired, "forbidden": modelserver.TypesForbidden} {
		t.Run(name, func(t *testing.T) {
			play(t, func(tr *modelserver.Traits) { tr.Types = types }, nil, func(t *testing.T, s *scene) {
				recs := plains(20)
				first := s.once(t, recs)
				require.Equal(t, account{Records: 20, Stored: 20}, first.account)
				require.LessOrEqual(t, first.requests, 2)
				require.Equal(t, 1, s.once(t, recs).requests)
				s.requireThere(t, recs)
			})
		})
	}
}

// A firewall answers 403 with a page of its own to whatever holds a certain
// text: one record is dead, although its dead letter holds the text as well.
func TestFirewallRefusesOneRecord(t *testing.T) {
	bans := func(tr *modelserver.Traits) {
		tr.Bans = []modelserver.Ban{{Mark: banMark, Reply: modelserver.Reply{Status: 403, Body: "<html><body>request blocked, event 4711</body></html>"}}}
	}
	play(t, bans, nil, func(t *testing.T, s *scene) {
		recs := append(plains(30), newRecord(banned, 30, "", "", 0))
		d := s.once(t, recs)
		require.Equal(t, account{Records: 31, Stored: 30, Dead: 1}, d.account)
		s.requireThere(t, recs[:30])
		require.Len(t, s.server.In(deadIndex), 1)
	})
}

// A template made every text a keyword, so that long ones are refused; a dead
// letter holds the document as a text, and was refused like it, for ever.
func TestDeadLetterThatIsRefusedForItself(t *testing.T) {
	play(t, nil, nil, func(t *testing.T, s *scene) {
		recs := append(plains(3), newRecord(immense, 3, "", "", 0), newRecord(conflict, 4, "", "", 100_000))
		d := s.once(t, recs)
		require.Equal(t, account{Records: 5, Stored: 3, Dead: 2}, d.account)
		s.requireThere(t, recs[:3])
		for _, letter := range s.server.In(deadIndex) {
			assert.Contains(t, string(letter.Source), `"truncated":true`)
			assert.Greater(t, len(letter.Source), 10_000, "it keeps what it can")
		}
		require.Len(t, s.server.In(deadIndex), 2)
	})
}

// Wrong credentials and wrong addresses do not mend themselves in a minute: one
// request tells, and the error names the variable to look at.
func TestRefusalThatNoRetryHelpsAgainst(t *testing.T) {
	for status, hint := range map[int]string{401: "ES_User", 403: "ES_User", 404: "ES_Address"} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			play(t, nil, nil, func(t *testing.T, s *scene) {
				body := `{"error":{"root_cause":[],"type":"security_exception","reason":"no"},"status":403}`
				f := modelserver.Fault{How: modelserver.Replies, Reply: modelserver.Reply{Status: status, Body: body}}
				s.server.Plan(modelserver.Phase{Fault: f})
				d := s.in.deliver(t.Context(), payload(plains(50), 100), time.Minute)
				requireDiscreet(t, d.said)
				require.Equal(t, 50, d.unsettled(t).Unsettled)
				require.ErrorContains(t, d.err, hint)
				require.Equal(t, 1, d.requests)
			})
		})
	}
}
