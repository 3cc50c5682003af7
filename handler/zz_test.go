package handler

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"ckafka-etl/record"
	"ckafka-etl/transform"
)

func accessEvent(n int) []byte {
	type ck struct {
		Topic     string `json:"topic"`
		Partition int    `json:"partition"`
		Offset    int    `json:"offset"`
		Key       string `json:"msgKey"`
		Body      string `json:"msgBody"`
	}
	type el struct{ Ckafka ck }
	var ev struct{ Records []el }
	for i := range n {
		body := fmt.Sprintf(`{"@timestamp":"2026-11-20T10:%02d:%02d+08:00","request_id":"%032x","remote_addr":"10.1.%d.%d","method":"GET","host":"shop.example.com","uri":"/api/v1/items/%d?page=%d&q=%%E4%%BD%%A0","status":%d,"bytes":%d,"request_time":0.%03d,"upstream_time":"0.%03d","referer":"https://www.example.com/list?x=1","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","xff":"1.2.3.4","token":"abc"}`, i/60%60, i%60, i*7919, i%256, i%200, i, i%7, 200+i%5, i*13%9000, i%1000, i%999)
		ev.Records = append(ev.Records, el{ck{"nginx-access", i % 3, i, "None", body}})
	}
	b, _ := json.Marshal(ev)
	return b
}

func BenchmarkPath(b *testing.B) {
	ev := accessEvent(10000)
	p, _ := transform.New(transform.Options{Ignore: []string{"token", "password"}, TimeField: "time", IndexPrefix: "nginx", TimeFields: []string{"@timestamp"}, WindowBack: 720 * time.Hour, WindowAhead: 24 * time.Hour, IDField: "log_id"})
	w := p.NewWorker()
	var d eventDecoder
	var recs []record.Record
	buf := make([]byte, 0, 16<<20)
	now := time.Date(2026, 11, 20, 3, 0, 0, 0, time.UTC)
	b.SetBytes(int64(len(ev)))
	b.ReportAllocs()
	for b.Loop() {
		recs, _ = d.decode(ev, now, recs[:0])
		buf = buf[:0]
		for i := range recs {
			doc := w.Do(&recs[i])
			buf = append(buf, `{"create":{"_index":"`...)
			buf = append(buf, doc.Index...)
			buf = append(buf, `","_id":"`...)
			buf = append(buf, doc.ID...)
			buf = append(buf, "\"}}\n"...)
			buf = doc.AppendSource(buf)
			buf = append(buf, '\n')
		}
	}
	b.ReportMetric(float64(len(ev)), "bytes")
	if testing.Verbose() {
		fmt.Println(string(buf[:600]))
	}
}
