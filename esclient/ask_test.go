package esclient_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/transform"
)

func TestAsk(t *testing.T) {
	large := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "u" || password != "p" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if large {
			_, _ = w.Write(make([]byte, 5<<20))
			return
		}
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte(r.Method + " " + r.RequestURI))
	}))
	defer server.Close()
	ask := func(path string) (int, string) {
		cfg, err := config.Load([]string{"ES_Address=" + server.URL + "/es", "ES_User=u", "ES_Password=p", "ES_Index_KeyWord=k"})
		require.NoError(t, err)
		program, err := transform.New(transform.Options{})
		require.NoError(t, err)
		c, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program})
		require.NoError(t, err)
		defer c.Close()
		status, answer, cause := c.Ask(t.Context(), http.MethodDelete, path)
		if cause != nil {
			return status, cause.Text()
		}
		return status, string(answer)
	}

	// Any status is an answer.
	status, answer := ask("/%E6%97%A5%E5%BF%97/_doc/a%20b?x=y")
	assert.Equal(t, http.StatusTeapot, status)
	assert.Equal(t, "DELETE /es/%E6%97%A5%E5%BF%97/_doc/a%20b?x=y", answer)

	// The answer is bounded.
	large = true
	_, answer = ask("/")
	assert.LessOrEqual(t, len(answer), 4<<20+1)
	assert.GreaterOrEqual(t, len(answer), 4<<20)

	// No answer is explained.
	server.Close()
	status, answer = ask("/")
	assert.Zero(t, status)
	assert.Contains(t, answer, "nothing listens there: look at ES_Address")
}
