package modelserver_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/lab/modelserver"
)

// doc is a document of record n.
func doc(n string) string { return line("create", "i", n, `{"n":"rec-`+n+`"}`) }

var keyOf = regexp.MustCompile(`rec-\w+`)

func accounted(traits modelserver.Traits) *modelserver.Server {
	traits.Key = func(source []byte) string { return string(keyOf.Find(source)) }
	return modelserver.New(traits)
}

// What a record may be convicted on: words that speak of it; or two refusals,
// the second alone, and another record that its index took between them.
func TestMayBeDead(t *testing.T) {
	refuses := func(kinds map[string]modelserver.Proof) func(string, []byte) *modelserver.Refusal {
		return func(_ string, source []byte) *modelserver.Refusal {
			if proof, ok := kinds[string(keyOf.Find(source))]; ok {
				return &modelserver.Refusal{Status: 400, Type: "x", Proof: proof}
			}
			return nil
		}
	}
	odd := refuses(map[string]modelserver.Proof{"rec-a": modelserver.Unproved, "rec-b": modelserver.Unproved})
	for _, c := range []struct {
		name   string
		refuse func(string, []byte) *modelserver.Refusal
		posts  []string
		want   bool
	}{
		{"never refused", nil, []string{doc("a")}, false},
		{"refused for itself", refuses(map[string]modelserver.Proof{"rec-a": modelserver.OfRecord}), []string{doc("a")}, true},
		{"refused for the index", refuses(map[string]modelserver.Proof{"rec-a": modelserver.ProvesNothing}), []string{doc("a") + doc("c"), doc("a"), doc("a")}, false},
		{"beside one that was taken, and alone", odd, []string{doc("a") + doc("c"), doc("a")}, true},
		{"once", odd, []string{doc("a") + doc("c")}, false},
		{"never alone", odd, []string{doc("a") + doc("c"), doc("a") + doc("d")}, false},
		{"all are refused", odd, []string{doc("a") + doc("b"), doc("a"), doc("b")}, false},
		{"others were taken before", odd, []string{doc("c"), doc("a") + doc("b"), doc("a")}, false},
		{"others were taken since", odd, []string{doc("a"), doc("c"), doc("a")}, true},
		{"others were taken afterwards", odd, []string{doc("a") + doc("b"), doc("a"), doc("c")}, false},
		{"others were there", odd, []string{doc("c"), doc("a") + doc("c"), doc("a")}, true},
		{"another index took others", odd, []string{doc("a") + line("create", "j", "c", "{}"), doc("a")}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := accounted(modelserver.Traits{Refuse: c.refuse})
			client := newClient(t, s)
			for _, body := range c.posts {
				_, _, err := client.post(body)
				require.NoError(t, err)
			}
			require.Equal(t, c.want, s.MayBeDead("rec-a"))
		})
	}
}

// A request that is refused as a whole convicts the record that stands alone in
// it, if another part of it was taken before it is refused once more.
func TestMayBeDeadByRequest(t *testing.T) {
	s := accounted(modelserver.Traits{Bans: []modelserver.Ban{{Mark: "rec-a", Reply: modelserver.Reply{Status: 403}}}})
	client := newClient(t, s)
	for _, body := range []string{doc("a") + doc("c"), doc("a")} {
		_, _, err := client.post(body)
		require.NoError(t, err)
		require.False(t, s.MayBeDead("rec-a"), "nothing was taken")
	}
	for _, body := range []string{doc("c"), doc("a")} {
		_, _, err := client.post(body)
		require.NoError(t, err)
	}
	require.True(t, s.MayBeDead("rec-a"))
	require.False(t, s.MayBeDead("rec-c"))
}

// What no instance may do.
func TestTransportWatches(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(c *client)
		want string
	}{
		{"before an invocation", func(c *client) { c.End(); _, _, _ = c.post(doc("a")) }, "outside of an invocation"},
		{"after the deadline", func(c *client) { <-time.After(time.Hour); _, _, _ = c.post(doc("a")) }, "after the deadline"},
		{"another path", func(c *client) { _, _ = c.get("http://a:9200/") }, "no bulk request"},
		{"another parameter", func(c *client) { c.query = "?refresh=true"; _, _, _ = c.post(doc("a")) }, `"refresh"`},
		{"a secret", func(c *client) { _, _, _ = c.post(line("create", "i", "1", `{"a":"S3CRET"}`)) }, "should have been removed"},
		{"no credentials", func(c *client) { _, _, _ = c.post(doc("a")) }, "credentials"},
		{"an answer left open", func(c *client) { _, _ = c.get("http://a:9200/_bulk"); c.End() }, "not closed"},
		{"two at once", func(c *client) {
			c.MostInFlight = 1
			go func() { _, _, _ = c.post(doc("a")) }()
			_, _, _ = c.post(doc("b"))
			synctest.Wait()
		}, "2 requests were on their way"},
		{"on its way at the end", func(c *client) {
			go func() { _, _, _ = c.post(doc("a")) }()
			synctest.Wait()
			c.End()
			<-time.After(time.Second)
		}, "still on their way"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				traits := modelserver.Traits{Secret: "S3CRET", Latency: time.Millisecond}
				if c.name == "no credentials" {
					traits.Credentials = [2]string{"u", "p"}
				}
				s := modelserver.New(traits)
				c.do(newClient(t, s))
				require.Contains(t, strings.Join(s.Violations(), "; "), c.want)
			})
		})
	}
}

// get sends a request without a body and leaves the answer open.
func (c *client) get(url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, url, http.NoBody)
	require.NoError(c.t, err)
	return c.RoundTrip(req)
}

func TestTransportWatchesRetryAfter(t *testing.T) {
	for name, asDate := range map[string]bool{"seconds": false, "a date": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := modelserver.New(modelserver.Traits{})
				s.Plan(modelserver.Phase{Requests: 1, Fault: modelserver.Fault{
					How: modelserver.Replies, Reply: modelserver.Reply{Status: 429, RetryAfter: 10 * time.Second, AsDate: asDate},
				}})
				c := newClient(t, s)
				status, _, err := c.post(doc("a"))
				require.NoError(t, err)
				require.Equal(t, 429, status)
				<-time.After(9 * time.Second)
				_, _, err = c.post(doc("a"))
				require.NoError(t, err)
				require.Len(t, s.Violations(), 1)
				require.Contains(t, s.Violations()[0], "1s before the end of Retry-After")
				<-time.After(time.Second)
				_, _, err = c.post(doc("a"))
				require.NoError(t, err)
				require.Len(t, s.Violations(), 1)
			})
		})
	}
}

// Of two requests that are sent at once, their contents decide which one comes
// first: the same run every time.
func TestOrderIsDecidedByContents(t *testing.T) {
	var first []byte
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			s := modelserver.New(modelserver.Traits{Latency: time.Millisecond, KeepBodies: true})
			c := newClient(t, s)
			for _, n := range []string{"a", "b", "c", "d"} {
				go func() { _, _, _ = c.post(doc(n)) }()
			}
			<-time.After(time.Second)
			if first == nil {
				first = s.Bodies()
			}
			require.Equal(t, string(first), string(s.Bodies()))
		})
	}
}

// Over a wire there is a real client's connection: kept, and reset.
func TestWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := modelserver.New(modelserver.Traits{})
		transport := s.Transport()
		transport.Begin(time.Now().Add(time.Hour))
		wire := transport.Wire()
		defer wire.Close()
		base := &http.Transport{DialContext: wire.Dial}
		defer base.CloseIdleConnections()
		post := func() (*http.Response, error) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://a:9200/_bulk", strings.NewReader(line("index", "i", "1", "{}")))
			require.NoError(t, err)
			req.Header.Set("Content-Type", "application/x-ndjson")
			return base.RoundTrip(req)
		}
		s.Plan(
			modelserver.Phase{Requests: 1, Fault: modelserver.Fault{How: modelserver.Replies, Reply: modelserver.Reply{Status: 413, Body: "page", Pause: time.Second}}},
			modelserver.Phase{Requests: 1, Fault: modelserver.Fault{How: modelserver.Reset}},
		)
		began := time.Now()
		res, err := post()
		require.NoError(t, err)
		require.Equal(t, 413, res.StatusCode)
		require.Less(t, time.Since(began), time.Second, "the head comes first")
		body, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		require.Equal(t, "page", string(body))
		require.Equal(t, time.Second, time.Since(began))
		require.NoError(t, res.Body.Close())

		_, err = post()
		require.Error(t, err)
		res, err = post()
		require.NoError(t, err)
		require.Equal(t, 200, res.StatusCode)
		require.NoError(t, res.Body.Close())
		require.Len(t, s.Documents(), 1)
		require.Empty(t, s.Violations())
	})
}
