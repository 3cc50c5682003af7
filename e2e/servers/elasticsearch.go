package servers

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
)

// ElasticsearchOptions are the choices for StartElasticsearch. The zero value
// is a server for tests.
type ElasticsearchOptions struct {
	// Settings are the server's own, over the defaults: for instance
	// thread_pool.write.queue_size=1 for real 429 answers,
	// action.auto_create_index=false, http.max_content_length=1mb.
	Settings map[string]string
	// Heap is the JVM's heap, in its own notation; default 512m.
	Heap string
	// Dir keeps the data and the log and is not removed; default a temporary
	// folder that Close removes.
	Dir string
	// FullJIT has the JVM compile as it does in production. Without it the
	// server starts sooner but stays slower: set it for benchmarks.
	FullJIT bool
}

// Elasticsearch is one node, a cluster of its own, without security and with
// plain HTTP on the loopback interface. Missing from these servers: X-Pack,
// ingest processors, scripting.
type Elasticsearch struct {
	*Process
	kind   Kind
	addr   string
	client *http.Client
}

// StartElasticsearch starts a server of the kind, which must not be
// KindKafka, and returns when it answers: 2 to 4 seconds, and once for each
// kind the time to fetch some 30 MB. The context bounds the start only.
func StartElasticsearch(ctx context.Context, kind Kind, opts ElasticsearchOptions) (*Elasticsearch, error) {
	if kind == KindKafka {
		return nil, fmt.Errorf("%s is no search server", kind)
	}
	home, err := install(ctx, kind)
	if err != nil {
		return nil, err
	}
	p, ports, err := newProcess(string(kind), opts.Dir, 2)
	if err != nil {
		return nil, err
	}
	es := &Elasticsearch{
		Process: p,
		kind:    kind,
		addr:    loopback(ports[0]),
		// A kept connection would not outlive a restart.
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	p.ready = "started http " + strconv.Itoa(ports[0])
	p.answer = es.awaitShards
	if p.argv, err = elasticsearchCommand(ctx, kind, home, p.dir, ports, opts); err == nil {
		err = p.Restart(ctx)
	}
	if err != nil {
		p.Close()
		return nil, err
	}
	return es, nil
}

func elasticsearchCommand(ctx context.Context, kind Kind, home, dir string, ports []int, opts ElasticsearchOptions) ([]string, error) {
	r, err := recipeOf(kind)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "config")
	if err := os.MkdirAll(config, 0o750); err != nil {
		return nil, err
	}
	settings := map[string]string{
		"path.home":      home,
		"path.data":      filepath.Join(dir, "data"),
		"path.logs":      filepath.Join(dir, "logs"),
		"cluster.name":   "e2e",
		"node.name":      "e2e-0",
		"discovery.type": "single-node",
		"network.host":   "127.0.0.1",
		"http.port":      strconv.Itoa(ports[0]),
		r.transportPort:  strconv.Itoa(ports[1]),
		// A nearly full disk must not make a test's indices read-only.
		"cluster.routing.allocation.disk.threshold_enabled": "false",
	}
	maps.Copy(settings, r.settings)
	maps.Copy(settings, opts.Settings)
	argv, err := javaCommand(ctx, r.java, dir, opts.Heap, "512m", opts.FullJIT)
	if err != nil {
		return nil, err
	}
	argv = append(argv, "-Dorg.apache.logging.log4j.level=INFO")
	if r.zstd {
		// Without the vector library, which no system has, the server would
		// use none at all.
		argv = append(argv, "-Des.nativelibs.path="+nativeLibs(home), "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false")
	}
	argv = append(argv, classPath(r, home)...)
	argv = append(argv, "Launcher", config)
	for _, name := range sortedKeys(settings) {
		argv = append(argv, name+"="+settings[name])
	}
	return argv, nil
}

// Kind returns what kind of server it is.
func (es *Elasticsearch) Kind() Kind { return es.kind }

// URL returns the server's address with its scheme and no slash at the end.
func (es *Elasticsearch) URL() string { return "http://" + es.addr }

// Addr returns the server's address as host:port, as a proxy in front of it
// wants it.
func (es *Elasticsearch) Addr() string { return es.addr }

// awaitShards has the server wait until the indices that it kept can be
// written again.
func (es *Elasticsearch) awaitShards(ctx context.Context) error {
	status, answer, err := es.Do(ctx, http.MethodGet, "/_cluster/health?wait_for_status=yellow&timeout=60s", "")
	if err != nil {
		return err
	}
	if status != http.StatusOK {
		return fmt.Errorf("its shards did not come up: HTTP %d: %s", status, tail(answer))
	}
	return nil
}
