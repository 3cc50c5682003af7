package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/handler"
	"ckafka-etl/internal/sample"
	"ckafka-etl/internal/standin"
)

func startStandin(t *testing.T, options ...standin.Option) (*standin.Server, string) {
	t.Helper()
	s := standin.New(options...)
	l, err := s.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return s, l.URL()
}

type counts struct{ Records, Stored, Duplicate, Filtered, Dead, Unsettled, Recalled int }

func parseAccount(t *testing.T, out string) (c counts) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(out), &c))
	require.Equal(t, c.Records, c.Stored+c.Duplicate+c.Filtered+c.Dead+c.Unsettled, out)
	return c
}

// The same function against each kind of server: the same documents under the
// same ids, and a second delivery writes none twice, to the same instance or
// another.
func TestEveryVersionHoldsTheSameDocuments(t *testing.T) {
	var first map[string]string
	for _, v := range []standin.Version{standin.ES68, standin.ES710, standin.ES717, standin.ES817, standin.OpenSearch2} {
		t.Run(v.String(), func(t *testing.T) {
			s, url := startStandin(t, standin.WithVersion(v), standin.WithCredentials(standin.Credentials{User: "u", Password: "p"}))
			environ := []string{
				"ES_Address=" + url, "ES_User=u", "ES_Password=p", "ES_Index_KeyWord=k", "ES_Log_IgnoreWord=password,**.password",
				"ES_Index_TimeField=@timestamp", "ES_Index_TimeWindow=36500d,36500d", "ES_Time_Field=none", "ES_Bulk_Bytes=64KiB",
				"ES_Id_Field=no_such_field", // a field's id is written again, and its document the same
			}
			f := newFunction(environ...)
			for delivery := range 3 {
				if delivery == 2 {
					f = newFunction(environ...)
				}
				for _, name := range []string{"access-100", "message-200", "double-encoded"} {
					payload, err := os.ReadFile(filepath.Join("testdata", "events", name+".json"))
					require.NoError(t, err)
					out, err := f.invoke(t, string(payload), 20*time.Second)
					require.NoError(t, err)
					c := parseAccount(t, out)
					require.Zero(t, c.Unsettled)
					if delivery > 0 {
						require.Zero(t, c.Stored, "a second delivery writes nothing new")
					}
				}
			}
			require.Empty(t, s.Twice(), "none is written twice")
			docs := make(map[string]string)
			for _, d := range s.All() {
				if d.Index != "dead-letter-k" { // versions refuse with other words
					docs[d.Index+"/"+d.ID] = string(d.Source)
				}
			}
			require.NotEmpty(t, docs)
			if first == nil {
				first = docs
			}
			require.Equal(t, first, docs)
		})
	}
}

// Whatever happens to a connection or an answer, the next try settles it: each
// document is there once.
func TestEveryFaultIsLivedThrough(t *testing.T) {
	payload, err := os.ReadFile(filepath.Join("testdata", "events", "access-100.json"))
	require.NoError(t, err)
	pause := func(at standin.Stage) standin.Fault {
		return standin.Fault{Pause: standin.Pause{At: at, For: time.Hour}}
	}
	for name, fault := range map[string]standin.Fault{
		"reset before read":     {Break: standin.ResetBeforeRead},
		"reset before work":     {Break: standin.ResetBeforeWork},
		"reset before answer":   {Break: standin.ResetBeforeAnswer},
		"reset in answer":       {Break: standin.ResetInAnswer},
		"cut answer":            {Break: standin.CutAnswer},
		"closed after answer":   {Break: standin.CloseAfterAnswer},
		"stalled before work":   pause(standin.BeforeWork),
		"stalled before answer": pause(standin.BeforeAnswer),
		"stalled in answer":     pause(standin.InAnswer),
		"short answer":          {Surplus: -7},
		"too many items":        {Surplus: 3},
		"no json":               {Edit: func([]byte) []byte { return []byte("<html>") }},
		"429":                   standin.Reject(),
		"429 for items":         standin.RejectItems(func(i standin.Item) bool { return len(i.ID)%2 == 0 }),
		"502":                   {Answer: &standin.Answer{Status: 502, Body: "bad gateway"}},
		"503 with retry-after":  {Answer: &standin.Answer{Status: 503, Body: "busy"}, Header: http.Header{"Retry-After": {"1"}}},
	} {
		t.Run(name, func(t *testing.T) {
			s, url := startStandin(t)
			s.Script(standin.Sequence(fault, fault))
			f := newFunction("ES_Address="+url, "ES_Index_KeyWord=k", "ES_Request_Timeout=300ms")
			out, err := f.invoke(t, string(payload), 20*time.Second)
			require.NoError(t, err, f.log.String())
			c := parseAccount(t, out)
			require.Equal(t, 100, c.Stored+c.Duplicate)
			require.Len(t, s.All(), 100)
			require.Empty(t, s.Twice())
		})
	}
}

// A batch that failed in part is written in part: the next delivery to the same
// instance sends only what is missing.
func TestOnlyTheRestIsSentAgain(t *testing.T) {
	payload, err := os.ReadFile(filepath.Join("testdata", "events", "access-100.json"))
	require.NoError(t, err)
	s, url := startStandin(t)
	s.Script(func(*standin.Attempt) standin.Fault {
		return standin.Fault{Item: func(i standin.Item) *standin.ItemError {
			if i.ID[len(i.ID)-1] == '7' {
				return &standin.ItemError{Status: 404, Type: "index_not_found_exception", Reason: "no such index [k]"}
			}
			return nil
		}}
	})
	f := newFunction("ES_Address="+url, "ES_Index_KeyWord=k")
	_, err = f.invoke(t, string(payload), 5*time.Second)
	var unsettled *handler.UnsettledError
	require.ErrorAs(t, err, &unsettled)
	require.ErrorContains(t, err, "action.auto_create_index")
	require.Positive(t, unsettled.Unsettled)
	require.Less(t, unsettled.Unsettled, 100)

	s.Script(nil)
	before := len(s.BulkRequests())
	out, err := f.invoke(t, string(payload), 5*time.Second)
	require.NoError(t, err)
	c := parseAccount(t, out)
	require.Equal(t, 100, c.Stored)
	require.Equal(t, 100-unsettled.Unsettled, c.Recalled)
	sent := 0
	for _, r := range s.BulkRequests()[before:] {
		sent += r.Items
	}
	require.Equal(t, unsettled.Unsettled, sent)
	require.Len(t, s.All(), 100)
	require.Empty(t, s.Twice())
}

// Requests are cut and posted side by side, never more than allowed.
func TestBulkLimits(t *testing.T) {
	payload, err := os.ReadFile(filepath.Join("testdata", "events", "access-1000.json"))
	require.NoError(t, err)
	for _, concurrency := range []int{1, 3} {
		t.Run(fmt.Sprint(concurrency), func(t *testing.T) {
			s, url := startStandin(t)
			f := newFunction("ES_Address="+url, "ES_Index_KeyWord=k", "ES_Bulk_Bytes=64KiB", fmt.Sprint("ES_Bulk_Concurrency=", concurrency), "ES_Gzip=1")
			_, err := f.invoke(t, string(payload), 20*time.Second)
			require.NoError(t, err)
			require.LessOrEqual(t, s.MaxInFlight(), concurrency)
			require.Greater(t, len(s.BulkRequests()), 6)
			for _, r := range s.BulkRequests() {
				require.LessOrEqual(t, r.Bytes, int64(64<<10))
			}
			require.Len(t, s.All(), 1000)
		})
	}
}

// The largest events that the trigger sends.
func TestLargestEvents(t *testing.T) {
	for name, payload := range map[string][]byte{
		"10,000 records":      sample.AccessEvent(10_000),
		"one body of 6 MB":    sample.SingleEvent(6 << 20),
		"100,000 members":     sample.WideEvent(100_000),
		"no records":          []byte(`{"Records":[]}`),
		"10,000 tiny records": sample.TinyEvent(10_000),
	} {
		t.Run(name, func(t *testing.T) {
			s, url := startStandin(t)
			f := newFunction("ES_Address="+url, "ES_Index_KeyWord=k")
			out, err := f.invoke(t, string(payload), time.Minute)
			require.NoError(t, err)
			c := parseAccount(t, out)
			require.Zero(t, c.Unsettled)
			require.Len(t, s.All(), c.Records)
		})
	}
}

// Elasticsearch 8.17 answers some documents with an internal error, always. A
// record of that kind would have held its partition through 10,000 deliveries:
// it is tried a few times and becomes a dead letter.
func TestDocumentThatTheServerFailsOn(t *testing.T) {
	payload, err := os.ReadFile(filepath.Join("testdata", "events", "access-100.json"))
	require.NoError(t, err)
	s, url := startStandin(t)
	s.Script(func(*standin.Attempt) standin.Fault {
		return standin.Fault{Item: func(i standin.Item) *standin.ItemError {
			if i.N == 0 && strings.HasPrefix(i.Index, "k-") && strings.Contains(i.ID, "-3-0-") {
				return &standin.ItemError{Status: 500, Type: "null_pointer_exception", Reason: "S3CRET"}
			}
			return nil
		}}
	})
	f := newFunction("ES_Address="+url, "ES_Index_KeyWord=k")
	out, err := f.invoke(t, string(payload), 20*time.Second)
	require.NoError(t, err)
	c := parseAccount(t, out)
	require.Equal(t, 99, c.Stored)
	require.Equal(t, 1, c.Dead)
	require.Equal(t, 1, s.Count("dead-letter-k"))
	require.NotContains(t, f.log.String(), "S3CRET")
}
