package handler

import (
	"syscall"
	"testing"
	"time"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// BenchmarkPath is the path of a record: the event's bytes to bulk bodies, with
// everything but the network.
func BenchmarkPath(b *testing.B) {
	for _, c := range []struct {
		name    string
		payload []byte
	}{
		{"access", sample.AccessEvent(10_000)},
		{"nested", sample.NestedEvent(1_000)},
		{"message", sample.MessageEvent(10_000)},
		{"tiny", sample.TinyEvent(10_000)},
		{"text", sample.TextEvent(10_000)},
	} {
		b.Run(c.name, func(b *testing.B) { benchmarkPath(b, c.payload) })
	}
}

func benchmarkPath(b *testing.B, payload []byte) {
	b.Helper()
	program, err := transform.New(transform.Options{
		Ignore: []string{"token", "password", "**.secret"}, TimeField: "time", IndexPrefix: "app",
		TimeFields: []string{"@timestamp", "time_iso8601"}, WindowBack: 720 * time.Hour, WindowAhead: 24 * time.Hour,
		IDField: "log_id",
	})
	if err != nil {
		b.Fatal(err)
	}
	var (
		worker  = program.NewWorker()
		decoder event.Decoder
		recs    []record.Record
		body    []byte
		arrival = time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		recs, err = decoder.Decode(payload, arrival, recs[:0])
		if err != nil {
			b.Fatal(err)
		}
		body = body[:0]
		for i := range recs {
			doc := worker.Do(&recs[i])
			body = append(body, `{"create":{"_index":"`...)
			body = append(body, doc.Index...)
			body = append(body, `","_id":"`...)
			body = append(body, doc.ID...)
			body = append(body, "\"}}\n"...)
			body = doc.AppendSource(body)
			body = append(body, '\n')
		}
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/float64(len(recs)), "cpu-ns/record")
}

// cpuTime is what the process has used: unlike the clock it does not count what
// others use of the machine.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
