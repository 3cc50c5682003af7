package esclient

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"ckafka-etl/config"
)

// node is one address. It is an esapi.Transport: it directs requests to the
// address and adds what the address wants to see.
type node struct {
	url       *url.URL
	basic     bool
	user, pwd string
	apiKey    string // the header's value
	base      http.RoundTripper

	failures  int       // in a row
	deadUntil time.Time // skipped until then, if there are others
}

// Perform sends a request to the address.
func (n *node) Perform(req *http.Request) (*http.Response, error) {
	u := *req.URL
	u.Scheme, u.Host = n.url.Scheme, n.url.Host
	if u.RawPath != "" {
		u.RawPath = n.url.EscapedPath() + u.RawPath
	}
	u.Path = n.url.Path + u.Path
	req.URL, req.Host = &u, n.url.Host
	switch {
	case n.basic:
		req.SetBasicAuth(n.user, n.pwd)
	case n.apiKey != "":
		req.Header.Set("Authorization", n.apiKey)
	}
	if lent, ok := req.Context().Value(bodyKey{}).(*lentBody); ok {
		// Not GetBody: the transport must not send it a second time by itself.
		req.Body, req.GetBody, req.ContentLength = lent, nil, int64(lent.Len())
	}
	return n.base.RoundTrip(req)
}

// pool are the addresses, which are used in turn. It is safe for concurrent use.
type pool struct {
	mu    sync.Mutex
	nodes []*node
	next  int
}

// maxNodes is how many addresses the set of those that were tried can hold.
const maxNodes = 64

func newPool(cfg *config.Elasticsearch, base http.RoundTripper) *pool {
	p := &pool{}
	for _, a := range cfg.Addresses {
		n := &node{url: a.URL, base: base}
		switch {
		case a.User != "":
			n.basic, n.user, n.pwd = true, a.User, a.Password.Reveal()
		case cfg.User != "":
			n.basic, n.user, n.pwd = true, cfg.User, cfg.Password.Reveal()
		case !cfg.APIKey.IsZero():
			// In this case of letters: some proxies know no other.
			n.apiKey = "ApiKey " + cfg.APIKey.Reveal()
		}
		if len(p.nodes) < maxNodes {
			p.nodes = append(p.nodes, n)
		}
	}
	return p
}

// pick returns the next address that was not tried, as its number, or -1. Dead
// ones come last, the one that has been dead for the longest time first.
func (p *pool) pick(tried uint64) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	best := -1
	now := time.Now()
	for k := range p.nodes {
		i := (p.next + k) % len(p.nodes)
		if tried&(1<<i) != 0 {
			continue
		}
		if !p.nodes[i].deadUntil.After(now) {
			p.next = i + 1
			return i
		}
		if best < 0 || p.nodes[i].deadUntil.Before(p.nodes[best].deadUntil) {
			best = i
		}
	}
	return best
}

// report says how a request to an address went. An address that failed is left
// alone for a while: a second at first, a minute in the end.
func (p *pool) report(i int, alive bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.nodes[i]
	if alive {
		n.failures, n.deadUntil = 0, time.Time{}
		return
	}
	const most = 6 // 2^6 s, about a minute
	n.deadUntil = time.Now().Add(time.Second << min(n.failures, most))
	n.failures++
}

// names returns the addresses without users and passwords.
func (p *pool) names() string {
	urls := make([]string, len(p.nodes))
	for i, n := range p.nodes {
		urls[i] = n.url.String()
	}
	return strings.Join(urls, " ")
}
