package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// app is a small shop that logs as applications do: events as JSON lines,
// logins as text, and its runtime's metrics as deeply nested JSON.
type app struct {
	addr             string
	log              *slog.Logger // JSON lines
	auth             *slog.Logger // text lines
	metrics          io.Writer
	zone             *time.Location
	slow             chan struct{} // gets one value for each request that hangs
	orders, readings atomic.Int64
	server           *http.Server
	done             chan error
}

// startApp starts the shop on a free port.
func startApp(ctx context.Context, log, auth, metrics io.Writer) (*app, error) {
	zone, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	opts := &slog.HandlerOptions{Level: slog.LevelDebug, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			a.Value = slog.TimeValue(a.Value.Time().In(zone).Truncate(time.Millisecond))
		}
		return a
	}}
	a := &app{
		addr:    listener.Addr().String(),
		log:     slog.New(slog.NewJSONHandler(log, opts)).With("service", "shop"),
		auth:    slog.New(slog.NewTextHandler(auth, opts)),
		metrics: metrics,
		zone:    zone,
		slow:    make(chan struct{}, 1),
		done:    make(chan error, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/items/{id...}", a.item)
	mux.HandleFunc("DELETE /api/items/{id...}", a.deleteItem)
	mux.HandleFunc("GET /api/search", a.search)
	mux.HandleFunc("POST /api/login", a.login)
	mux.HandleFunc("GET /api/login", a.login)
	mux.HandleFunc("POST /api/orders", a.order)
	mux.HandleFunc("POST /api/readings", a.reading)
	mux.HandleFunc("GET /api/report", a.report)
	mux.HandleFunc("GET /api/broken", a.broken)
	mux.HandleFunc("GET /api/panic", a.panics)
	a.server = &http.Server{Handler: mux, ErrorLog: slog.NewLogLogger(a.auth.Handler(), slog.LevelError)}
	go func() { a.done <- a.server.Serve(listener) }()
	return a, nil
}

// stop waits for the requests under way: after it nobody writes to the logs.
func (a *app) stop(ctx context.Context) error {
	err := a.server.Shutdown(ctx)
	if served := <-a.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

// of returns a logger with what every line of a request holds.
func (a *app) of(r *http.Request) *slog.Logger {
	return a.log.With("trace_id", r.Header.Get("X-Request-Id"), "client", r.Header.Get("X-Real-Ip"))
}

func (a *app) item(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	if strings.HasPrefix(id, "gone") {
		a.of(r).Warn("item not found", "item", id, "suggestions", []string{})
		http.NotFound(w, r)
		return
	}
	const etag = `"v3"`
	if r.Header.Get("If-None-Match") == etag {
		a.of(r).Debug("not modified", "item", id, "etag", etag)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	price := json.Number("1.10")
	tags := []any{"新品", "sale", nil}
	if strings.Contains(id, "%") {
		tags = []any{1, 0.5, true, "mixed"} // a mapping takes only one type
	}
	a.of(r).Info("商品已读取", "item", id, "price", price, "in_stock", len(id)%2 == 0, "discount", nil, "tags", tags)
	w.Header().Set("ETag", etag)
	fmt.Fprintf(w, `{"id":%q,"price":%s}`, id, price)
}

func (a *app) deleteItem(w http.ResponseWriter, r *http.Request) {
	a.of(r).Info("item deleted 🗑️", "item", r.PathValue("id"), slog.Group("user", "name", "admin", "roles", []string{"staff", "管理员"}))
	w.WriteHeader(http.StatusNoContent)
}

func (a *app) search(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	a.of(r).Info("search", "query", q.Get("q"), "filters", q, "hits", len(q.Get("q"))*7, "took_ms", 0.25)
	fmt.Fprintln(w, `{"hits":[]}`)
}

func (a *app) login(w http.ResponseWriter, r *http.Request) {
	user, password := r.FormValue("user"), r.FormValue("password")
	who := slog.Group("user", "name", user, "password", password, slog.Group("device", "ua", r.UserAgent()))
	if !strings.HasSuffix(password, "!") {
		a.of(r).Warn("登录失败", who, slog.Int("attempt", 3), slog.String("password", password))
		a.auth.Warn("login failed", "user", user, "password", password, "from", r.Header.Get("X-Real-Ip"))
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	a.of(r).Info("登录成功 ✅", who, slog.String("token", r.Header.Get("X-Request-Id")[:16]))
	a.auth.Info("login", "user", user, "password", password)
	fmt.Fprintln(w, "ok")
}

func (a *app) order(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.of(r).Error("cannot read order", "error", err)
		return
	}
	n := a.orders.Add(1)
	log := a.of(r)
	switch { // some applications name their lines, with strings or numbers
	case n%3 == 0:
		log = log.With("log_id", "order-"+strconv.FormatInt(n, 10))
	case n%9 == 4:
		log = log.With("log_id", 7_000_000_000+n)
	}
	serial := json.Number("9223372036854775807")
	if n%9 == 0 {
		serial = "9223372036854775808" // a mapping takes 64 bits
	}
	log.Info("订单创建成功 🎉", "order", json.RawMessage(body), "amount", json.Number("1.10"),
		"serial", serial, "coupon", nil, "gift", n%2 == 0, "note", "请在\t18:00 前\n送达 “谢谢” \\o/")
	w.WriteHeader(http.StatusCreated)
}

func (a *app) reading(w http.ResponseWriter, r *http.Request) {
	highest := json.Number("1.5e30")
	if a.readings.Add(1)%9 == 0 {
		highest = "1e400" // no double
	}
	a.of(r).Debug("sensor", "readings", map[string]any{
		"max": highest, "min": json.Number("-0.0"), "raw": json.Number("1E+2"),
		"exact": json.Number("0.1000000000000000055511151231257827"), "matrix": [][]int{{1, 2}, {3, 4}, {}},
	})
	a.writeMetrics()
	w.WriteHeader(http.StatusAccepted)
}

// report hangs until the client or nginx has had enough.
func (a *app) report(_ http.ResponseWriter, r *http.Request) {
	a.slow <- struct{}{}
	<-r.Context().Done()
	a.of(r).Error("report cancelled", "error", context.Cause(r.Context()).Error(), "rows", 0)
}

// broken closes the connection without an answer.
func (a *app) broken(w http.ResponseWriter, r *http.Request) {
	a.of(r).Error("upstream lost", "error", `read: "connection reset by peer"`, "retry", false)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		a.of(r).Error("cannot hijack", "error", err)
		return
	}
	if err := conn.Close(); err != nil {
		a.of(r).Error("cannot close", "error", err)
	}
}

func (a *app) panics(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if cause := recover(); cause != nil {
			a.of(r).Error("panic", "cause", fmt.Sprint(cause), "stack", string(debug.Stack()))
			http.Error(w, "internal error", http.StatusInternalServerError)
		}
	}()
	var prices []string
	fmt.Fprintln(w, prices[len(r.URL.Path)]) // on purpose: a real stack trace is wanted
}

// writeMetrics writes one line with the runtime's metrics, nested by the parts
// of their names.
func (a *app) writeMetrics() {
	all := metrics.All()
	samples := make([]metrics.Sample, len(all))
	for i, d := range all {
		samples[i].Name = d.Name
	}
	metrics.Read(samples)
	tree := map[string]any{}
	for _, s := range samples {
		path, unit, _ := strings.Cut(strings.TrimPrefix(s.Name, "/"), ":")
		leaf := map[string]any{"unit": unit}
		switch s.Value.Kind() {
		case metrics.KindUint64:
			leaf["value"] = s.Value.Uint64()
		case metrics.KindFloat64:
			leaf["value"] = s.Value.Float64()
		case metrics.KindFloat64Histogram:
			leaf["buckets"] = buckets(s.Value.Float64Histogram())
		default:
			continue
		}
		put(tree, strings.Split(path, "/"), leaf)
	}
	line := map[string]any{
		"@timestamp": time.Now().In(a.zone).Format(time.RFC3339Nano),
		"process":    map[string]any{"name": "shop", "runtime": map[string]any{"go": tree}},
	}
	if err := json.NewEncoder(a.metrics).Encode(line); err != nil {
		a.log.Error("cannot write metrics", "error", err)
	}
}

// buckets returns the upper bound and the count of the first buckets in use, at
// most four.
func buckets(h *metrics.Float64Histogram) [][2]float64 {
	used := [][2]float64{}
	for i, count := range h.Counts {
		if bound := h.Buckets[i+1]; count > 0 && !math.IsInf(bound, 0) && len(used) < 4 {
			used = append(used, [2]float64{bound, float64(count)})
		}
	}
	return used
}

func put(tree map[string]any, path []string, leaf any) {
	for _, name := range path[:len(path)-1] {
		next, ok := tree[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			tree[name] = next
		}
		tree = next
	}
	tree[path[len(path)-1]] = leaf
}
