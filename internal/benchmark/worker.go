package benchmark

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"ckafka-etl/internal/platform"
)

// job is what a worker is told on its standard input.
type job struct {
	Server   Server
	Dir      string // of bodies, or of events if there is a Function
	Records  int
	InFlight int
	ByEvent  bool // the bodies of one event after those of another
	Function string
	Env      map[string]string
}

// result is a contender's last line.
type result struct {
	Seconds         float64 `json:"seconds"`
	FunctionCPU     float64 `json:"function_cpu_ms"`
	FunctionPeakRSS int64   `json:"function_peak_rss_bytes"`
}

// Work does a job: it posts bodies that are ready, or has the function handle
// events. It is run in a process of its own.
func Work(ctx context.Context, stdin io.Reader, stdout io.Writer) error {
	var j job
	if err := json.NewDecoder(stdin).Decode(&j); err != nil {
		return fmt.Errorf("no job on stdin: %w", err)
	}
	do := j.post
	if j.Function != "" {
		do = j.invoke
	}
	res, err := do(ctx)
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(res)
}

// files returns the names of the files of the job, event by event if it is to be
// so.
func (j *job) files() ([][]string, error) {
	names, err := filepath.Glob(filepath.Join(j.Dir, "*"))
	if err != nil || len(names) == 0 {
		return nil, fmt.Errorf("no files in %s", j.Dir)
	}
	if !j.ByEvent {
		return [][]string{names}, nil
	}
	var groups [][]string
	before := ""
	for _, name := range names {
		event, _, _ := strings.Cut(filepath.Base(name), "-")
		if event != before {
			groups = append(groups, nil)
		}
		before = event
		last := &groups[len(groups)-1]
		*last = append(*last, name)
	}
	return groups, nil
}

// post posts the files.
func (j *job) post(ctx context.Context) (*result, error) {
	groups, err := j.files()
	if err != nil {
		return nil, err
	}
	p := &poster{job: j, client: &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: j.InFlight, DisableCompression: true, WriteBufferSize: 64 << 10,
	}}}
	begin := time.Now()
	for _, group := range groups {
		names := make(chan string, len(group))
		for _, name := range group {
			names <- name
		}
		close(names)
		var posters sync.WaitGroup
		for range min(j.InFlight, len(group)) {
			posters.Go(func() { p.postAll(ctx, names) })
		}
		posters.Wait()
		if p.err != nil {
			return nil, p.err
		}
	}
	res := &result{Seconds: time.Since(begin).Seconds()}
	if p.stored != j.Records {
		return nil, fmt.Errorf("%d of %d documents were stored", p.stored, j.Records)
	}
	return res, nil
}

type poster struct {
	job    *job
	client *http.Client

	mu     sync.Mutex
	free   [][]byte // buffers that nobody uses
	stored int
	err    error
}

func (p *poster) postAll(ctx context.Context, names <-chan string) {
	p.mu.Lock()
	var buf []byte
	if n := len(p.free); n > 0 {
		buf, p.free = p.free[n-1], p.free[:n-1]
	}
	p.mu.Unlock()
	stored, err := 0, error(nil)
	for name := range names {
		var n int
		if buf, n, err = p.one(ctx, name, buf); err != nil {
			break
		}
		stored += n
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, buf)
	p.stored += stored
	p.err = errors.Join(p.err, err)
}

// one posts a file that is read into buf, and returns how many documents of it
// were stored.
func (p *poster) one(ctx context.Context, name string, buf []byte) ([]byte, int, error) {
	f, err := os.Open(name)
	if err != nil {
		return buf, 0, err
	}
	body := bytes.NewBuffer(buf[:0])
	_, err = body.ReadFrom(f)
	_ = f.Close()
	buf = body.Bytes()
	if err != nil {
		return buf, 0, err
	}
	// The same words as the function's own.
	req, err := http.NewRequestWithContext(ctx, http.MethodPost,
		p.job.Server.URL+"/_bulk?filter_path=items.*._id,items.*.status,items.*.error", bytes.NewReader(buf))
	if err != nil {
		return buf, 0, err
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	if p.job.Server.User != "" {
		req.SetBasicAuth(p.job.Server.User, p.job.Server.Password)
	}
	res, err := p.client.Do(req)
	if err != nil {
		return buf, 0, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("a bulk request was answered %s", res.Status)
	}
	return buf, bytes.Count(answer, []byte(`"status":201`)), err
}

// invoke sends the events to one warm instance of the function, one after the
// other.
func (j *job) invoke(ctx context.Context) (*result, error) {
	groups, err := j.files()
	if err != nil {
		return nil, err
	}
	instance, err := platform.Start(ctx, platform.Function{Path: j.Function, Env: j.Env, Timeout: time.Minute, Name: "ckafka-etl"})
	if err != nil {
		return nil, err
	}
	defer instance.Stop()
	var payload []byte
	begin := time.Now()
	for _, group := range groups {
		for _, name := range group {
			if payload, err = os.ReadFile(name); err != nil {
				return nil, err
			}
			reply, err := instance.Invoke(ctx, payload)
			if err != nil {
				return nil, err
			}
			if reply.Error != nil {
				return nil, reply.Error
			}
		}
	}
	res := &result{Seconds: time.Since(begin).Seconds()}
	instance.Stop()
	used := instance.Usage()
	res.FunctionCPU, res.FunctionPeakRSS = used.CPU().Seconds()*1000, used.PeakRSS
	return res, nil
}
