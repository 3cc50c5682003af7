package standin

import (
	"bytes"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// A route is an endpoint of the real servers' API.
type route struct {
	pattern string
	// methods are those of the real servers; those without a handler here are
	// answered as not supported.
	methods  string
	handlers map[string]func(*call) *response
	// parameters are those that the handler knows, beside the common ones.
	parameters string
}

func handlers(h func(*call) *response, methods ...string) map[string]func(*call) *response {
	out := map[string]func(*call) *response{}
	for _, m := range methods {
		out[m] = h
	}
	return out
}

// routes are the endpoints of a version, the first that matches counts.
func routes(v Version) []route {
	var all []route
	if v.namesTypes() {
		all = append(all, route{"/{}/{}/_bulk", "POST PUT", handlers((*call).bulk, "POST", "PUT"), "refresh timeout pipeline"})
	}
	all = append(all, []route{
		{"/", "GET HEAD DELETE", handlers((*call).info, "GET", "HEAD"), ""},
		{"/_bulk", "POST PUT", handlers((*call).bulk, "POST", "PUT"), "refresh timeout pipeline"},
		{"/{}/_bulk", "POST PUT", handlers((*call).bulk, "POST", "PUT"), "refresh timeout pipeline"},
		{"/_count", "GET POST", handlers((*call).count, "GET", "POST"), ""},
		{"/{}/_count", "GET POST", handlers((*call).count, "GET", "POST"), ""},
		{"/_search", "GET POST", handlers((*call).search, "GET", "POST"), "size from rest_total_hits_as_int"},
		{"/{}/_search", "GET POST", handlers((*call).search, "GET", "POST"), "size from rest_total_hits_as_int"},
		{"/_refresh", "GET POST", handlers((*call).refresh, "GET", "POST"), ""},
		{"/{}/_refresh", "GET POST", handlers((*call).refresh, "GET", "POST"), ""},
		{"/_settings", "GET PUT", handlers((*call).putSettings, "PUT"), ""},
		{"/{}/_settings", "GET PUT", handlers((*call).putSettings, "PUT"), ""},
		{"/_mapping", "GET", handlers((*call).getMapping, "GET"), ""},
		{"/{}/_mapping", "GET PUT POST", handlers((*call).getMapping, "GET"), ""},
		{"/_cat/indices", "GET", handlers((*call).catIndices, "GET"), "h s"},
		{"/_cat/indices/{}", "GET", handlers((*call).catIndices, "GET"), "h s"},
		{"/_nodes", "GET", handlers((*call).nodes, "GET"), ""},
		{"/_nodes/_local", "GET", handlers((*call).nodes, "GET"), ""},
		{"/{}/_doc/{}", "GET HEAD DELETE POST PUT", map[string]func(*call) *response{"GET": (*call).getDocument, "HEAD": (*call).getDocument, "DELETE": (*call).deleteDocument}, "refresh"},
		{"/{}/_doc", "POST", nil, ""},
		{"/{}", "GET HEAD PUT DELETE", map[string]func(*call) *response{"HEAD": (*call).indexExists, "PUT": (*call).createIndex, "DELETE": (*call).deleteIndex}, ""},
	}...)
	if v == OpenSearch2 {
		return all
	}
	return append(all, route{"/{}/{}", "POST", nil, ""}) // a document of a type
}

func (r route) matches(segments []string) bool {
	parts := strings.FieldsFunc(r.pattern, func(c rune) bool { return c == '/' })
	return slices.EqualFunc(parts, segments, func(part, segment string) bool {
		return part == segment || part == "{}"
	})
}

// dispatch finds the endpoint and checks what all have in common.
func (c *call) dispatch() *response {
	if resp := c.checkMediaType(); resp != nil {
		return resp
	}
	if resp := c.commonParameters(); resp != nil {
		return resp
	}
	for _, r := range c.server.routes {
		if !r.matches(c.segments) {
			continue
		}
		h := r.handlers[c.r.Method]
		switch {
		case h != nil:
			if f := c.unknownParameters(r.parameters); f != nil {
				return c.failed(f)
			}
			return h(c)
		case slices.Contains(strings.Fields(r.methods), c.r.Method):
			if strings.HasPrefix(c.segments[0], "_") {
				return c.failed(invalidIndexName(c.segments[0], "must not start with '_'."))
			}
			return c.failed(unsupported(c.r.Method + " " + r.pattern))
		}
		methods := strings.ReplaceAll(r.methods, " ", ", ")
		resp := c.text(http.StatusMethodNotAllowed, "Incorrect HTTP method for uri [%s] and method [%s], allowed: [%s]", c.r.URL.RequestURI(), c.r.Method, methods)
		resp.header.Set("Allow", strings.ReplaceAll(methods, ", ", ","))
		return resp
	}
	resp := c.text(http.StatusBadRequest, "no handler found for uri [%s] and method [%s]", c.r.URL.RequestURI(), c.r.Method)
	resp.body = encode(map[string]string{"error": "no handler found for uri [" + c.r.URL.RequestURI() + "] and method [" + c.r.Method + "]"})
	return resp
}

const common = "pretty human error_trace filter_path format"

// commonParameters reads the query; of a parameter given twice the last counts.
func (c *call) commonParameters() *response {
	for name, values := range c.r.URL.Query() {
		c.query[name] = values[len(values)-1]
	}
	for _, name := range []string{"pretty", "human"} {
		switch value, given := c.query[name]; {
		case !given || value == "" || value == "true":
		case value == "false":
			delete(c.query, name)
		default:
			return c.failed(illegalArgument("Failed to parse value [%s] as only [true] or [false] are allowed.", value))
		}
	}
	if format := c.query["format"]; format != "" && format != "json" {
		return c.failed(unsupported("format=" + format))
	}
	return nil
}

// unknownParameters refuses parameters that the endpoint does not have. The
// stand-in refuses those in the same way that only real servers have.
func (c *call) unknownParameters(known string) *failure {
	var unknown []string
	for name := range c.query {
		if !slices.Contains(strings.Fields(common+" "+known), name) {
			unknown = append(unknown, "["+name+"]")
		}
	}
	if unknown == nil {
		return nil
	}
	slices.Sort(unknown)
	plural := ""
	if len(unknown) > 1 {
		plural = "s"
	}
	return illegalArgument("request [%s] contains unrecognized parameter%s: %s", c.r.URL.Path, plural, strings.Join(unknown, ", "))
}

var (
	timeValue      = regexp.MustCompile(`^(-1|0|\d+(nanos|micros|ms|s|m|h|d))$`)
	fractionalTime = regexp.MustCompile(`^\d+\.\d+(ms|s|m|h|d)$`)
)

// bulkParameters checks refresh and timeout.
func (c *call) bulkParameters() (refresh bool, _ *failure) {
	switch value, given := c.query["refresh"]; {
	case !given || value == "false" || value == "wait_for":
	case value == "" || value == "true":
		refresh = true
	default:
		return false, illegalArgument("Unknown value for refresh: [%s].", value)
	}
	switch value, given := c.query["timeout"]; {
	case !given || timeValue.MatchString(value):
	case fractionalTime.MatchString(value):
		return false, illegalArgument("failed to parse [%s], fractional time values are not supported", value).causedBy(exception{Type: "number_format_exception", Reason: "For input string: \"" + strings.TrimRight(value, "mshd") + "\""})
	default:
		return false, illegalArgument("failed to parse setting [timeout] with value [%s] as a time value: unit is missing or unrecognized", value)
	}
	return refresh, nil
}

// bulk answers the bulk endpoints.
func (c *call) bulk() *response {
	start := c.server.now()
	refresh, f := c.bulkParameters()
	if f == nil {
		f = c.opsError
	}
	if f != nil {
		return c.failed(f)
	}
	var refused []*ItemError
	if c.fault.Item != nil {
		for _, item := range c.items {
			refused = append(refused, c.fault.Item(item))
		}
	}
	answer, applied := c.server.applyBulk(c.ops, refused, refresh)
	c.server.note(func() { c.rec.Applied = applied })
	switch n := len(answer.Items) + c.fault.Surplus; {
	case n < len(answer.Items):
		answer.Items = answer.Items[:max(n, 0)]
	default:
		for len(answer.Items) < n {
			answer.Items = append(answer.Items, answer.Items[len(answer.Items)-1])
		}
	}
	answer.Took = int(c.server.now().Sub(start).Milliseconds())
	return c.answer(http.StatusOK, answer)
}

// indent is JSON over several lines, as for ?pretty.
func indent(body []byte) []byte {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		return body
	}
	b.WriteByte('\n')
	return b.Bytes()
}
