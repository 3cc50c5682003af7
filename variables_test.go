package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/platform"
)

// The platform's library for Go puts the variables of each request into the
// process's environment and takes none out. A request that named another server
// and no user was sent there with the user and password of the request before
// it. What a request carries no more is gone: seen from outside, by a real
// process of the function, on the platform's port and on etlctl's pipes.
func TestVariablesThatARequestCarriesNoMore(t *testing.T) {
	path := buildFunction(t)
	for name, listens := range map[string]bool{"port": true, "pipes": false} {
		t.Run(name, func(t *testing.T) { testChangeOfVariables(t, platform.Function{Path: path, Listens: listens}) })
	}
}

func testChangeOfVariables(t *testing.T, fn platform.Function) {
	t.Helper()
	var mu sync.Mutex
	var logins, indices []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		logins = append(logins, r.Header.Get("Authorization"))
		for _, m := range actionID.FindAllStringSubmatch(string(body), -1) {
			indices = append(indices, m[2])
		}
		_, _ = io.WriteString(w, taken(string(body), ""))
	}))
	t.Cleanup(s.Close)
	base := map[string]string{"ES_Address": s.URL, "ES_Index_KeyWord": "k", "ES_Index_TimeFormat": "hour"}
	login := map[string]string{"ES_Address": s.URL, "ES_Index_KeyWord": "k", "ES_User": "u", "ES_Password": password, "ES_Id_Prefix": "p"}
	fn.Env = login
	in, err := platform.Start(t.Context(), fn)
	require.NoError(t, err)
	t.Cleanup(in.Stop)
	invoke := func() platform.Reply {
		reply, err := in.Invoke(t.Context(), []byte(oneGood))
		require.NoError(t, err)
		return reply
	}
	require.Nil(t, invoke().Error)
	require.NoError(t, in.SetEnv(base))
	require.Nil(t, invoke().Error)
	require.NoError(t, in.SetEnv(map[string]string{"ES_Address": s.URL}))
	reply := invoke()
	require.NotNil(t, reply.Error)
	require.Contains(t, reply.Error.Message, "ES_Index_KeyWord: not set")
	require.NoError(t, in.SetEnv(login))
	require.Nil(t, invoke().Error)

	mu.Lock()
	defer mu.Unlock()
	require.Len(t, logins, 3)
	require.NotEmpty(t, logins[0])
	require.Empty(t, logins[1], "a request without a user is sent without one")
	require.Equal(t, logins[0], logins[2])
	require.Regexp(t, `^k-\d{4}-\d\d-\d\d$`, indices[0])
	require.Regexp(t, `^k-\d{4}-\d\d-\d\d-\d\d$`, indices[1])
	require.Regexp(t, `^k-\d{4}-\d\d-\d\d$`, indices[2])
}
