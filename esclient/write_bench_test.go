package esclient_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"testing"
	"time"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// allTaken answers every bulk request as Elasticsearch does that takes it all.
type allTaken struct{}

func (a *allTaken) RoundTrip(req *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(req.Body)
	_ = req.Body.Close()
	answer := []byte(`{"items":[`)
	for {
		at := bytes.Index(body, []byte(`"_id":"`))
		if at < 0 {
			break
		}
		body = body[at+len(`"_id":"`):]
		id, rest, _ := bytes.Cut(body, []byte(`"}}`+"\n"))
		_, body, _ = bytes.Cut(rest, []byte("\n"))
		answer = append(answer, `{"create":{"_id":"`...)
		answer = append(answer, id...)
		answer = append(answer, `","status":201}},`...)
	}
	answer = append(answer[:len(answer)-1], `]}`...)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(answer)), Request: req}, nil
}

// BenchmarkWrite is what the sink itself costs: documents, bodies, answers.
func BenchmarkWrite(b *testing.B) {
	program, err := transform.New(transform.Options{IndexPrefix: "app", IDField: "log_id", TimeField: "time"})
	if err != nil {
		b.Fatal(err)
	}
	client, err := esclient.New(esclient.Config{
		Elasticsearch: config.Elasticsearch{
			Addresses: []config.Address{{URL: &url.URL{Scheme: "http", Host: "127.0.0.1:9200"}}},
			Keyword:   "app", BulkBytes: 5 << 20, BulkConcurrency: 2, RequestTimeout: time.Minute,
		},
		Program: program, Transport: &allTaken{},
	})
	if err != nil {
		b.Fatal(err)
	}
	var decoder event.Decoder
	recs, err := decoder.Decode(sample.AccessEvent(10_000), time.Now(), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		results, _ := client.Write(context.Background(), record.Delivery{Records: recs})
		if results[len(results)-1].Outcome != record.Stored {
			b.Fatal(results[len(results)-1])
		}
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/float64(len(recs)), "cpu-ns/record")
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
