package benchmark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
	"ckafka-etl/pipeline"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// recordsDay is the day of the records' @timestamp, in UTC.
const recordsDay = "2026-11-20"

// dataset is a set of records in every form that a contender takes them in.
type dataset struct {
	records int
	poison  bool   // one of them is refused by the mapping
	topic   string // "" without a Kafka
	events  string // a folder of events
	bodies  string // a folder of bulk bodies
	// withoutIDs is a folder of the same bodies, but the server makes the ids.
	withoutIDs string
	ids        map[string]int
}

// want is how many documents there are to be.
func (d *dataset) want() int { return len(d.ids) }

// prepare makes the records of all parts of the run.
func (b *bench) prepare(ctx context.Context) (err error) {
	b.cfg.Say("making %d records", b.cfg.Records)
	if b.data, err = b.dataset(ctx, "records", b.cfg.Records, false); err != nil {
		return err
	}
	for _, fault := range b.cfg.faults() {
		switch {
		case fault == faultConflict:
			b.poisoned, err = b.dataset(ctx, "poisoned", b.cfg.FaultRecords, true)
		case b.faulty != nil:
		case b.cfg.FaultRecords == b.cfg.Records:
			b.faulty = b.data
		default:
			b.faulty, err = b.dataset(ctx, "faulty", b.cfg.FaultRecords, false)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// dataset makes n records and writes them into a topic, into events and, if they
// are all sound, into bodies.
func (b *bench) dataset(ctx context.Context, name string, n int, poison bool) (*dataset, error) {
	d := &dataset{
		records: n, poison: poison, ids: make(map[string]int, n),
		events: filepath.Join(b.dir, name, "events"), bodies: filepath.Join(b.dir, name, "bodies"), withoutIDs: filepath.Join(b.dir, name, "without-ids"),
	}
	bodies := sample.AccessBodies(n)
	if poison {
		bad := &bodies[n/2]
		*bad = bytes.Replace(*bad, []byte(`"status":`), []byte(`"status":{"is":"no number"},"was":`), 1)
	}
	for i, body := range bodies {
		if !poison || i != n/2 {
			d.ids[requestID(body)] = i
		}
	}
	if len(d.ids) != n && !poison {
		return nil, errors.New("the records' ids are not different")
	}
	// The record i is in partition i modulo their number.
	topic := b.name + "-" + name
	if len(b.cfg.Brokers) > 0 {
		if err := createTopic(ctx, b.cfg.Brokers, topic, b.cfg.Partitions); err != nil {
			return nil, err
		}
		d.topic, b.topics = topic, append(b.topics, topic)
		if err := produce(ctx, b.cfg.Brokers, topic, b.cfg.Partitions, bodies); err != nil {
			return nil, err
		}
	}
	return d, b.writeFiles(ctx, d, topic, bodies)
}

// requestID is what tells a record from all others.
func requestID(body []byte) string {
	_, rest, _ := bytes.Cut(body, []byte(`"request_id":"`))
	id, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(id)
}

// writeFiles writes events as the trigger would make them of the topic, and what
// the function would post for each.
func (b *bench) writeFiles(ctx context.Context, d *dataset, topic string, bodies [][]byte) error {
	if err := errors.Join(os.MkdirAll(d.events, 0o700), os.MkdirAll(d.bodies, 0o700), os.MkdirAll(d.withoutIDs, 0o700)); err != nil {
		return err
	}
	encoder, err := b.newEncoder()
	if err != nil {
		return err
	}
	defer encoder.client.Close()
	builder, err := event.NewBuilder(b.cfg.MaxMsgNum)
	if err != nil {
		return err
	}
	next := make([]int, b.cfg.Partitions) // the offset of each partition's next record
	for no := 0; ; no++ {
		partition := no % b.cfg.Partitions
		builder.Reset()
		for {
			i := next[partition]*b.cfg.Partitions + partition
			if i >= len(bodies) {
				break
			}
			ok, err := builder.Add(&event.Record{Topic: topic, Partition: int32(partition), Offset: int64(next[partition]), Body: bodies[i]})
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			next[partition]++
		}
		if builder.Len() == 0 {
			if partition == 0 { // the first partition is never shorter than another
				return nil
			}
			continue
		}
		if err := os.WriteFile(filepath.Join(d.events, fmt.Sprintf("%05d.json", no)), builder.Event(), 0o600); err != nil {
			return err
		}
		if d.poison {
			continue
		}
		posted, err := encoder.encode(ctx, builder.Event())
		if err != nil {
			return err
		}
		for i, body := range posted {
			name := fmt.Sprintf("%05d-%d.ndjson", no, i)
			if err := os.WriteFile(filepath.Join(d.bodies, name), body, 0o600); err != nil {
				return err
			}
			if b.cfg.Rsyslogd == "" {
				continue
			}
			if err := os.WriteFile(filepath.Join(d.withoutIDs, name), removeIDs(body), 0o600); err != nil {
				return err
			}
		}
	}
}

// variables are the function's.
func (b *bench) variables(url string) []string {
	vars := []string{
		"ES_Address=" + url, "ES_Index_KeyWord=" + b.name, "ES_Dead_Letter_Index=dead-letter-" + b.name,
		// All of it in the index that was made for it, whatever day it is.
		"ES_Index_TimeZone=UTC", "ES_Index_TimeField=@timestamp", "ES_Index_TimeWindow=876000h,876000h",
	}
	if b.cfg.Elasticsearch.User != "" {
		vars = append(vars, "ES_User="+b.cfg.Elasticsearch.User, "ES_Password="+b.cfg.Elasticsearch.Password)
	}
	return vars
}

// encoder is the function's own client, which posts to nobody.
type encoder struct {
	client  *esclient.Client
	decoder event.Decoder
	sink    *bodySink
}

func (b *bench) newEncoder() (*encoder, error) {
	cfg, err := config.Load(b.variables(b.cfg.Elasticsearch.URL))
	if err != nil {
		return nil, err
	}
	program, err := transform.New(pipeline.Options(cfg))
	if err != nil {
		return nil, err
	}
	sink := &bodySink{}
	client, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program, Transport: sink})
	return &encoder{client: client, sink: sink}, err
}

// encode returns the bodies that the function posts for an event.
func (e *encoder) encode(ctx context.Context, payload []byte) ([][]byte, error) {
	recs, err := e.decoder.Decode(payload, time.Now(), nil)
	if err != nil {
		return nil, err
	}
	e.sink.bodies = nil
	results, _ := e.client.Write(ctx, record.Delivery{Records: recs})
	for _, r := range results {
		if r.Cause != nil {
			return nil, fmt.Errorf("a record has no ready-made form: %s", r.Cause.Type)
		}
	}
	return e.sink.bodies, nil
}

// removeIDs returns a body without its documents' ids.
func removeIDs(body []byte) []byte {
	out := make([]byte, 0, len(body))
	isAction := true
	for line := range bytes.Lines(body) {
		if before, _, found := bytes.Cut(line, []byte(`,"_id":"`)); isAction && found {
			out = append(append(out, before...), "}}\n"...)
		} else {
			out = append(out, line...)
		}
		isAction = !isAction
	}
	return out
}

// bodySink is a server that keeps bodies and says that all is stored.
type bodySink struct {
	mu     sync.Mutex
	bodies [][]byte
}

// RoundTrip implements http.RoundTripper.
func (s *bodySink) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	_ = req.Body.Close()
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.bodies = append(s.bodies, body)
	s.mu.Unlock()
	var answer strings.Builder
	answer.WriteString(`{"items":[`)
	isAction := true
	for line := range bytes.Lines(body) {
		if isAction {
			_, id, _ := bytes.Cut(line, []byte(`"_id":"`))
			if answer.Len() > len(`{"items":[`) {
				answer.WriteByte(',')
			}
			fmt.Fprintf(&answer, `{"create":{"_id":"%s","status":201}}`, bytes.TrimSuffix(id, []byte("\"}}\n")))
		}
		isAction = !isAction
	}
	answer.WriteString(`]}`)
	return &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}},
		Body:   io.NopCloser(strings.NewReader(answer.String())), Request: req,
	}, nil
}
