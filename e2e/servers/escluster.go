package servers

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

// StartElasticsearchCluster starts a cluster of as many nodes as there are
// options, and returns when all are in it. The nodes are named e2e-0, e2e-1 and
// so on; the first one decides who is master, so that the others may come and
// go. It does not know kinds before KindES7.
func StartElasticsearchCluster(ctx context.Context, kind Kind, opts ...ElasticsearchOptions) (nodes []*Elasticsearch, err error) {
	home, err := searchHome(ctx, kind)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			for _, n := range nodes {
				n.Close()
			}
		}
	}()
	for i, o := range opts {
		n, err := newElasticsearch(kind, o)
		if err != nil {
			return nodes, err
		}
		nodes = append(nodes, n)
		place := map[string]string{
			"node.name":                    nodeName(i),
			"discovery.seed_hosts":         nodes[0].transport,
			"cluster.initial_master_nodes": nodeName(0),
		}
		if i > 0 {
			place["node.roles"] = "data"
			delete(place, "cluster.initial_master_nodes")
		}
		if err := n.start(ctx, home, place, o); err != nil {
			return nodes, fmt.Errorf("node %d: %w", i, err)
		}
	}
	return nodes, nodes[0].awaitNodes(ctx, len(nodes))
}

func nodeName(i int) string { return "e2e-" + strconv.Itoa(i) }

func (es *Elasticsearch) awaitNodes(ctx context.Context, n int) error {
	path := fmt.Sprintf("/_cluster/health?wait_for_nodes=%d&timeout=60s", n)
	return es.call(ctx, http.MethodGet, path, "", new(any))
}
