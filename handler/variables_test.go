package handler

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tencentyun/scf-go-lib/functioncontext"
)

// builds is a rig that notes which variables its pipelines are made of. Those
// that start with X are ours; X_Bad is not valid.
type builds struct {
	*rig
	made   [][]string
	closed int
}

func newBuilds(own ...string) *builds {
	b := &builds{rig: &rig{}}
	b.Log = &b.log
	b.Environ = func() []string { return own }
	b.Relevant = func(name string) bool { return strings.HasPrefix(name, "X") || name == "TZ" }
	b.Build = func(pairs []string, _ *slog.Logger) (*Pipeline, error) {
		b.made = append(b.made, pairs)
		if slices.Contains(pairs, "X_Bad=1") {
			return &Pipeline{Pace: time.Second}, errors.New("X_Bad: got 1")
		}
		p := &Pipeline{}
		p.Sinks = []Sink{&fakeSink{name: "a", write: always(unsettled("down"))}}
		p.Close = func() { b.closed++ }
		return p, nil
	}
	return b
}

func (b *builds) request(t *testing.T, variables map[string]string) error {
	t.Helper()
	ctx := functioncontext.NewContext(t.Context(), &functioncontext.FunctionContext{Environment: variables})
	_, err := b.Invoke(ctx, eventOf(1, 1))
	return err
}

// A request without ES_User was sent with the credentials of the request before
// it, to whatever server it named: the platform's library puts a request's
// variables into the process's environment and takes none out. What a request
// carries no more is gone.
func TestVariablesOfTheRequest(t *testing.T) {
	b := newBuilds("PATH=/bin", "TZ=Asia/Shanghai", "X_Own=1")
	type vars = map[string]string
	for n, c := range []struct {
		name string
		vars vars
		want []string // of a pipeline that is made anew
	}{
		{"a request without variables: those of the process", nil, []string{"PATH=/bin", "TZ=Asia/Shanghai", "X_Own=1"}},
		{"again", nil, nil},
		{"a request's own; the zone is the process's", vars{"X_A": "1", "X_User": "u"}, []string{"TZ=Asia/Shanghai", "X_A=1", "X_User=u"}},
		{"again, and what is not ours", vars{"X_A": "1", "X_User": "u", "Home": "/", "Y": "2"}, nil},
		{"one less", vars{"X_A": "1"}, []string{"TZ=Asia/Shanghai", "X_A=1"}},
		{"another instead", vars{"X_B": "1"}, []string{"TZ=Asia/Shanghai", "X_B=1"}},
		{"another value", vars{"X_B": "2"}, []string{"TZ=Asia/Shanghai", "X_B=2"}},
		{"an empty value", vars{"X_B": ""}, []string{"TZ=Asia/Shanghai", "X_B="}},
		{"a zone of its own", vars{"X_B": "", "TZ": "UTC"}, []string{"TZ=UTC", "X_B="}},
		{"the same zone as the process's", vars{"X_B": "", "TZ": "Asia/Shanghai"}, []string{"TZ=Asia/Shanghai", "X_B="}},
		{"which is no change", vars{"X_B": ""}, nil},
		{"no variable at all", vars{}, []string{"TZ=Asia/Shanghai"}},
		{"again none", vars{"Y": "1"}, nil},
		{"none carried", nil, []string{"PATH=/bin", "TZ=Asia/Shanghai", "X_Own=1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b.made = nil
			b.request(t, c.vars)
			if c.want == nil {
				require.Empty(t, b.made, "%d", n)
			} else {
				require.Equal(t, [][]string{c.want}, b.made, "%d", n)
			}
		})
	}
	assert.Equal(t, 9, b.closed, "every pipeline but the last is closed")
}

// A request with an invalid variable changes nothing for the next, but its pace
// is its own.
func TestInvalidVariablesBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBuilds()
		took := func(vars map[string]string) time.Duration {
			started := time.Now()
			require.Error(t, b.request(t, vars))
			return time.Since(started)
		}
		sound, bad := map[string]string{"X_A": "1"}, map[string]string{"X_Bad": "1"}
		assert.Zero(t, took(sound))
		assert.Zero(t, took(sound))
		assert.Equal(t, time.Second, took(bad))
		assert.Equal(t, time.Second, took(bad))
		assert.Zero(t, took(sound))
		assert.Len(t, b.made, 3, "what is not valid is tried again, what is valid is kept")
		assert.Zero(t, b.closed)
	})
}

// Without settings of its own a handler takes all that a request carries.
func TestVariablesByDefault(t *testing.T) {
	r := newRig(Pipeline{Sinks: []Sink{&fakeSink{name: "a"}}})
	var got []string
	build := r.Build
	r.Build = func(pairs []string, log *slog.Logger) (*Pipeline, error) {
		got = pairs
		return build(pairs, log)
	}
	_, err := r.Invoke(t.Context(), eventOf(1, 1))
	require.NoError(t, err)
	require.Empty(t, got)
	ctx := functioncontext.NewContext(t.Context(), &functioncontext.FunctionContext{Environment: map[string]string{"B": "2", "A": "1"}})
	_, err = r.Invoke(ctx, eventOf(1, 1))
	require.NoError(t, err)
	require.Equal(t, []string{"A=1", "B=2"}, got)
}

// That nothing has changed is found out with each invocation: it costs next to
// nothing.
func TestUnchangedVariablesCostNothing(t *testing.T) {
	b := newBuilds("TZ=UTC", "PATH=/bin")
	vars := map[string]string{"X_A": "1", "X_B": "2", "X_C": "3", "X_D": "4", "Y": "5"}
	require.Error(t, b.request(t, vars))
	require.Zero(t, testing.AllocsPerRun(10, func() {
		if _, same := b.environ(vars); !same {
			panic("it has changed")
		}
	}))
	require.Error(t, b.request(t, nil))
	require.Zero(t, testing.AllocsPerRun(10, func() {
		if _, same := b.environ(nil); !same {
			panic("it has changed")
		}
	}))
}
