package handler_test

import (
	"encoding/json"
	"slices"

	"ckafka-etl/internal/lab/modelserver"
	"github.com/stretchr/testify/require"
)

// checker is what judges a mixture.
type checker interface {
	require.TestingT
	Log(args ...any)
}

// fate is where a record is in the end.
type fate struct {
	*sent
	docs    int // documents that hold it
	letters int
	buried  int // copies in the failure store
	may     bool
}

func (f *fate) dead() bool { return f.letters > 0 || f.buried > 0 }

// doubtful reports whether the server has both taken the record and given
// reason to convict it, as one that changes its mind does: it may be stored and
// a dead letter. Only a sound record can be doubtful.
func (f *fate) doubtful() bool { return !f.kind.refused() && f.may }

// check compares the account with what the server holds.
func (m *mixture) check(t checker, seen mixtureSeen) {
	t.Log(m.describe())
	for n, d := range seen.deliveries {
		requireDiscreet(t, d.said)
		if d.err != nil {
			err := d.unsettled(t)
			require.Equal(t, len(m.Records), err.Records)
			require.Positive(t, err.Unsettled, "delivery %d", n)
		}
		requireSum(t, d.account)
	}
	require.Empty(t, seen.server.Violations())
	last := seen.deliveries[len(seen.deliveries)-1]
	require.NoError(t, last.err, "the batch never settles")
	require.Equal(t, len(m.Records), last.account.Records)
	require.Zero(t, last.account.Unsettled)

	fates := m.fates(t, seen)
	dead, unsure := 0, 0
	for i := range fates {
		m.checkFate(t, &fates[i], seen.lost)
		if fates[i].dead() {
			dead++
		}
		if fates[i].doubtful() {
			unsure++
		}
	}
	m.checkOrder(t, fates)
	require.InDelta(t, dead, last.account.Dead, float64(unsure), "dead letters counted")
	require.InDelta(t, len(m.Records)-dead, last.account.Stored+last.account.Duplicate, float64(unsure), "documents counted")
	if unsure == 0 {
		m.checkCount(t, fates, seen.server)
	}
}

// fates looks for each record in all that the server and the topic hold.
func (m *mixture) fates(t require.TestingT, seen mixtureSeen) []fate {
	fates := make([]fate, len(m.Records))
	byMark := make(map[string]*fate)
	for i := range m.Records {
		fates[i] = fate{sent: &m.Records[i], may: seen.server.MayBeDead(m.Records[i].mark)}
		byMark[m.Records[i].mark] = &fates[i]
	}
	for _, d := range seen.server.Documents() {
		switch d.Index {
		case deadIndex:
			var letter struct{ Source struct{ Offset int64 } }
			require.NoError(t, json.Unmarshal(d.Source, &letter))
			fates[letter.Source.Offset-m.Offset].letters++
		case modelserver.FailureStore:
			byMark[key(d.Source)].buried++
		default:
			require.Equal(t, today, d.Index, "the first arrival names the index")
			byMark[key(d.Source)].docs++
		}
	}
	if seen.letters != nil {
		for offset, n := range seen.letters.got {
			// Another instance writes a message anew.
			require.LessOrEqual(t, n, 1+seen.lost, "messages of one letter")
			fates[offset-m.Offset].letters++
		}
	}
	return fates
}

// checkFate checks what became of one record.
func (m *mixture) checkFate(t require.TestingT, f *fate, lost int) {
	require.LessOrEqual(t, f.letters, 1, "letters of %s", f.mark)
	require.LessOrEqual(t, f.docs, 1, "documents of %s", f.mark)
	if f.kind.refused() {
		require.True(t, f.dead(), "%s %s can never be stored", f.kind, f.mark)
		require.Zero(t, f.docs, "%s %s can never be stored", f.kind, f.mark)
		return
	}
	if f.dead() {
		require.True(t, f.may, "%s %s is sound, and nobody has said otherwise", f.kind, f.mark)
	}
	if f.dead() && f.docs > 0 {
		require.True(t, f.doubtful(), "%s %s is stored and a dead letter", f.kind, f.mark)
	}
}

// checkOrder checks that of the records of one id the last one is there that
// was not refused.
func (m *mixture) checkOrder(t require.TestingT, fates []fate) {
	groups := make(map[string][]*fate)
	for i := range fates {
		name := fates[i].id
		if name == "" || m.Traits.RewritesIDs {
			name = fates[i].mark
		}
		groups[name] = append(groups[name], &fates[i])
	}
	for id, group := range groups {
		winner := -1
		holders := 0
		for i, f := range group {
			holders += f.docs
			if !f.kind.refused() && !f.dead() {
				winner = i
			}
		}
		require.LessOrEqual(t, holders, 1, "documents of id %s", id)
		later := slices.ContainsFunc(group[max(winner, 0):], func(f *fate) bool { return f.docs > 0 && f.doubtful() })
		if winner >= 0 && !later {
			require.Equal(t, 1, group[winner].docs, "%s of id %s is the last that was not refused", group[winner].mark, id)
		}
	}
}

// checkCount checks that there is nothing that belongs to no record.
func (m *mixture) checkCount(t require.TestingT, fates []fate, server *modelserver.Server) {
	documents := 0
	for i := range fates {
		documents += fates[i].docs
	}
	require.Len(t, server.In(today), documents)
}
