package handler_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/internal/lab/modelserver"
)

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

		s.in = s.in.start()
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
