package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// request is one request, written byte by byte: an HTTP library would refuse
// or repair much of what real clients send.
type request struct {
	method, uri string
	header      []string
	agent       string // if empty, one of agents
	body        string
	abort       bool // hang up once the application has begun
}

// traffic makes requests in decks: every deck holds the same kinds in another
// order, so that any hundred lines of the log show nearly all of them.
type traffic struct {
	rand *rand.Rand
	n    int
}

// deck is how many requests of each kind a hundred hold.
var deck = []struct {
	count int
	make  func(*traffic) request
}{
	{22, (*traffic).item},
	{12, (*traffic).static},
	{14, (*traffic).search},
	{9, (*traffic).login},
	{9, (*traffic).order},
	{5, (*traffic).reading},
	{2, fixed("DELETE", "/api/items/sku-%d")},
	{3, fixed("GET", "/old-shop")},
	{3, fixed("GET", "/favicon-%d.ico")},
	{1, fixed("GET", "/api/items/gone-%d")},
	{2, fixed("PUT", "/site.css")},
	{1, fixed("PATCH", "/api/items/sku-%d")},
	{1, fixed("HEAD", "/index.html")},
	{1, fixed("OPTIONS", "/api/search")},
	{1, fixed("GET", "/api/panic?order=%d")},
	{1, fixed("GET", "/api/broken")},
	{1, fixed("GET", "/api/report?year=%d")},
	{4, (*traffic).notModified},
	{2, (*traffic).tooLarge},
	{2, (*traffic).badRequest},
	{2, (*traffic).aborted},
	{2, (*traffic).long},
}

// run sends decks of a hundred requests to nginx, one after another.
func (t *traffic) run(ctx context.Context, addr string, a *app, decks int) error {
	var kinds []func(*traffic) request
	for _, d := range deck {
		for range d.count {
			kinds = append(kinds, d.make)
		}
	}
	for range decks {
		t.rand.Shuffle(len(kinds), func(i, j int) { kinds[i], kinds[j] = kinds[j], kinds[i] })
		for _, kind := range kinds {
			t.n++
			if err := t.send(ctx, addr, a, kind(t)); err != nil {
				return fmt.Errorf("request %d: %w", t.n, err)
			}
		}
	}
	return nil
}

func (t *traffic) send(ctx context.Context, addr string, a *app, r request) (err error) {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", addr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if _, err := io.WriteString(conn, t.text(r)); err != nil {
		return err
	}
	slow := strings.HasPrefix(r.uri, "/api/report")
	if slow {
		select {
		case <-a.slow:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if r.abort {
		return nil
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return errors.Join(err, resp.Body.Close())
}

// text writes the request with the headers that every client adds.
func (t *traffic) text(r request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n", r.method, r.uri)
	if r.agent == "" {
		r.agent = pick(t, agents)
	}
	fmt.Fprintf(&b, "User-Agent: %s\r\n", r.agent)
	switch t.rand.IntN(8) {
	case 0: // a client of the same machine
	case 1:
		fmt.Fprintf(&b, "X-Forwarded-For: 2001:db8::%x\r\n", t.rand.IntN(1<<16))
	case 2:
		fmt.Fprintf(&b, "X-Forwarded-For: 192.0.2.%d, 198.51.100.%d\r\n", t.rand.IntN(256), t.rand.IntN(256))
	default:
		fmt.Fprintf(&b, "X-Forwarded-For: 203.0.113.%d\r\n", t.rand.IntN(256))
	}
	if t.rand.IntN(2) == 0 {
		fmt.Fprintf(&b, "Referer: %s\r\n", pick(t, referers))
	}
	if t.rand.IntN(3) == 0 {
		fmt.Fprintf(&b, "Authorization: Bearer %016x%016x\r\n", t.rand.Uint64(), t.rand.Uint64())
	}
	for _, h := range r.header {
		b.WriteString(h + "\r\n")
	}
	if r.body != "" || r.method == "POST" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	return b.String() + "\r\n" + r.body
}

func pick(t *traffic, from []string) string { return from[t.rand.IntN(len(from))] }

// fixed makes requests of one kind; a %d in the URI becomes a number.
func fixed(method, uri string) func(*traffic) request {
	return func(t *traffic) request {
		if strings.Contains(uri, "%d") {
			return request{method: method, uri: fmt.Sprintf(uri, t.n)}
		}
		return request{method: method, uri: uri}
	}
}

func (t *traffic) item() request {
	return request{method: "GET", uri: "/api/items/" + pick(t, items) + fmt.Sprintf("?from=list&page=%d&sid=%08x", t.n, t.rand.Uint32())}
}

func (t *traffic) static() request {
	r := request{method: "GET", uri: pick(t, []string{"/", "/index.html", "/site.css?v=20261120", "/app.js", "/logo.png", "//site.css", "/./app.js"})}
	if t.n%9 == 0 { // nginx takes control characters; the application would not
		r.agent = "\x1b[31mred\x1b[0m/\x01"
	}
	return r
}

func (t *traffic) search() request {
	q := pick(t, searches)
	switch t.rand.IntN(3) {
	case 0: // as it was typed
		q = strings.ReplaceAll(q, " ", "+")
	case 1:
		q = url.QueryEscape(q)
	default:
		q = strings.ToLower(url.PathEscape(q))
	}
	return request{method: "GET", uri: fmt.Sprintf("/api/search?q=%s&sort=price%%20asc&page=%d&min=%d.50", q, t.rand.IntN(40), t.rand.IntN(99))}
}

func (t *traffic) login() request {
	user, password := pick(t, users), pick(t, passwords)
	form := url.Values{"user": {user}, "password": {password}}.Encode()
	if t.n%3 == 0 { // some put it where every log shows it
		return request{method: "GET", uri: "/api/login?" + form}
	}
	return request{method: "POST", uri: "/api/login", header: []string{"Content-Type: application/x-www-form-urlencoded"}, body: form}
}

func (t *traffic) order() request {
	body := fmt.Sprintf(`{"items":[{"sku":"sku-%d","n":%d},{"sku":%q,"n":1}],"total":%d.10,"address":{"city":"深圳","street":"科技园 \"A\" 座\\%d"}}`,
		t.n, t.rand.IntN(9)+1, pick(t, items), t.rand.IntN(900), t.rand.IntN(40))
	return request{method: "POST", uri: "/api/orders", header: []string{"Content-Type: application/json"}, body: body}
}

func (t *traffic) reading() request {
	return request{method: "POST", uri: fmt.Sprintf("/api/readings?device=%%E6%%B8%%A9%%E5%%BA%%A6-%d", t.rand.IntN(20)), body: "1e400"}
}

func (t *traffic) notModified() request {
	return request{method: "GET", uri: "/api/items/" + pick(t, items), header: []string{`If-None-Match: "v3"`}}
}

func (t *traffic) tooLarge() request {
	return request{method: "POST", uri: "/api/orders?import=1", header: []string{"Expect: 100-continue"}, body: strings.Repeat("x", 4097)}
}

func (t *traffic) badRequest() request {
	return request{method: "GET", uri: pick(t, []string{"/%zz", "/a b c", "/items/%00", "/\x01\x02", "no-slash"}), header: []string{"X-Bad: 1"}}
}

func (t *traffic) aborted() request {
	return request{method: "GET", uri: fmt.Sprintf("/api/report?quarter=%d", t.n), abort: true}
}

func (t *traffic) long() request {
	return request{method: "GET", uri: "/api/search?q=" + strings.Repeat("long%20", 60+t.rand.IntN(120)) + "end"}
}

// What clients send: much of it is meant to be awkward inside JSON.
var (
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.61 NetType/WIFI Language/zh_CN",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (compatible; ExampleBot/2.1; +http://bot.example/about.html)",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
		"curl/8.14.1", "Wget/1.21.3", "Go-http-client/1.1", "okhttp/4.12.0", "python-requests/2.32.5", "Java/17.0.16", "-", "",
		`Shop "Pro"\2.0 (Gerät; München)`, "商城客户端/3.1 (鸿蒙; 🛒)", "caf\xe9/1.0", "<script>alert('&amp;')</script>",
		`() { :; }; echo "hello"`, "tab\there \\u0041 \\n",
	}
	referers = []string{
		"https://shop.example/", "https://shop.example/search?q=%E7%81%AF&page=2#top", "https://www.example.com/a/b/c.html?utm_source=mail&utm_campaign=11.11",
		"https://例え.example/商品", `https://shop.example/"quoted"\back`, "android-app://com.example.shop/", "-",
	}
	items = []string{
		"sku-1001", "sku-2002/reviews", "%E7%81%AF%E7%AC%BC", "灯笼", "caf%C3%A9-cr%C3%A8me", "a%20b", "a+b", "100%25", `say"hi"`, `back\slash`,
		"it's", "%F0%9F%8F%AE", "🏮", "a;b=c,d", "semi%3Bcolon", "%22quoted%22", "%5Cescaped", "<b>", "x%0Ay", "x%09y", "tilde~", "{curly}", "[square]", "pipe|",
	}
	searches = []string{
		"red lamp", "中文 搜索", "naïve café", "日本語", "🏮 灯", `"exact phrase"`, `C:\temp\new`, "50% off & more", "a=b;c", "привет", "شاي", "<i>", "' OR '1'='1", "e=mc²",
	}
	users     = []string{"alice", "bob", "张伟", "o'brien", "user@shop.example", `dom\carol`}
	passwords = []string{"hunter2", "correct horse battery!", "p@ss&word=1!", "密码123!", `quo"te\d!`, "letmein"}
)
