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

// Elasticsearch is one node, mostly a cluster of its own, without security and
// with plain HTTP on the loopback interface. Missing from these servers: X-Pack,
// ingest processors, scripting.
type Elasticsearch struct {
	*Process
	kind            Kind
	addr, transport string
	client          *http.Client
}

// StartElasticsearch starts a server of the kind, which must not be
// KindKafka, and returns when it answers: 2 to 4 seconds, and once for each
// kind the time to fetch some 30 MB. The context bounds the start only.
func StartElasticsearch(ctx context.Context, kind Kind, opts ElasticsearchOptions) (*Elasticsearch, error) {
	home, err := searchHome(ctx, kind)
	if err != nil {
		return nil, err
	}
	es, err := newElasticsearch(kind, opts)
	if err != nil {
		return nil, err
	}
	alone := map[string]string{"node.name": nodeName(0), "discovery.type": "single-node"}
	if err := es.start(ctx, home, alone, opts); err != nil {
		es.Close()
		return nil, err
	}
	return es, nil
}

func searchHome(ctx context.Context, kind Kind) (string, error) {
	if kind == KindKafka {
		return "", fmt.Errorf("%s is no search server", kind)
	}
	return install(ctx, kind)
}

// newElasticsearch reserves what a node needs.
func newElasticsearch(kind Kind, opts ElasticsearchOptions) (*Elasticsearch, error) {
	p, ports, err := newProcess(string(kind), opts.Dir, 2)
	if err != nil {
		return nil, err
	}
	es := &Elasticsearch{
		Process:   p,
		kind:      kind,
		addr:      loopback(ports[0]),
		transport: loopback(ports[1]),
		// A kept connection would not outlive a restart.
		client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	p.ready = "started http " + strconv.Itoa(ports[0])
	p.answer = es.awaitShards
	return es, nil
}

// start starts a node with the settings of its place in a cluster.
func (es *Elasticsearch) start(ctx context.Context, home string, place map[string]string, opts ElasticsearchOptions) (err error) {
	if es.argv, err = es.command(ctx, home, place, opts); err != nil {
		return err
	}
	return es.Restart(ctx)
}

func (es *Elasticsearch) command(ctx context.Context, home string, place map[string]string, opts ElasticsearchOptions) ([]string, error) {
	r, err := recipeOf(es.kind)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(es.dir, "config")
	if err := os.MkdirAll(config, 0o750); err != nil {
		return nil, err
	}
	settings := map[string]string{
		"path.home":     home,
		"path.data":     filepath.Join(es.dir, "data"),
		"path.logs":     filepath.Join(es.dir, "logs"),
		"cluster.name":  "e2e",
		"network.host":  "127.0.0.1",
		"http.port":     portOf(es.addr),
		r.transportPort: portOf(es.transport),
		// A nearly full disk must not make a test's indices read-only.
		"cluster.routing.allocation.disk.threshold_enabled": "false",
	}
	maps.Copy(settings, r.settings)
	maps.Copy(settings, place)
	maps.Copy(settings, opts.Settings)
	argv, err := javaCommand(ctx, r.java, es.dir, opts.Heap, "512m", opts.FullJIT)
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
