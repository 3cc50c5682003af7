package handler_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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
