package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// esCheck looks at one address of Elasticsearch.
type esCheck struct {
	r       *checkReport
	cfg     *config.Config
	es      *config.Elasticsearch // with this address only
	client  *esclient.Client
	timeout time.Duration
}

// checkElasticsearch looks at each address by itself.
func checkElasticsearch(ctx context.Context, r *checkReport, cfg *config.Config, flags *checkFlags) {
	for _, a := range cfg.ES.Addresses {
		if ctx.Err() != nil {
			return
		}
		es := *cfg.ES
		es.Addresses = []config.Address{a}
		c := &esCheck{r: r, cfg: cfg, es: &es, timeout: flags.timeout}
		r.begin("Elasticsearch", a.URL.String())
		c.run(ctx, flags.noWrite)
	}
}

func (c *esCheck) run(ctx context.Context, noWrite bool) {
	address := c.es.Addresses[0].URL
	if !connect(ctx, c.r, address.Host, "ES_Address", c.timeout) {
		return
	}
	program, err := transform.New(transform.Options{}) // it is only asked
	if err == nil {
		c.client, err = esclient.New(esclient.Config{Elasticsearch: *c.es, Program: program})
	}
	if err != nil {
		c.r.fail("configuration", "", "%v", err)
		return
	}
	defer c.client.Close()

	status, answer, cause := c.ask(ctx, http.MethodGet, "/")
	if address.Scheme == "https" && !c.certificate(ctx, address.Host, cause) {
		return
	}
	if cause != nil {
		c.r.fail("server", cause.Hint, "no answer: %s", cmp.Or(cause.Safe, cause.Type))
		return
	}
	if !c.version(status, answer) || !c.credentials(ctx, status) {
		return
	}
	if noWrite {
		c.r.note("write", "not tried: --no-write")
		return
	}
	newProbe(c).run(ctx)
}

// ask sends a request to the address, without the wait for a second try.
func (c *esCheck) ask(ctx context.Context, method, path string) (status int, answer []byte, cause *record.Cause) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	return c.client.Ask(ctx, method, path)
}

// certificate says what certificate the server shows, and by the first
// request's failure whether the function trusts it.
func (c *esCheck) certificate(ctx context.Context, addr string, failure *record.Cause) bool {
	const check = "certificate"
	shown, err := showCertificate(ctx, addr, c.timeout)
	switch {
	case failure != nil && failure.Type == "certificate_not_trusted":
		c.r.fail(check, trustHint(failure.Hint, shown), "%s", notTrusted(failure, shown))
		return false
	case err != nil && failure != nil:
		c.r.fail(check, failure.Hint, "no TLS connection: %s", cmp.Or(failure.Safe, failure.Type))
		return false
	case c.es.Insecure:
		c.r.warn(check, "set ES_CA_Cert or ES_CA_Fingerprint instead of ES_Insecure", "not verified: %s", shown)
	default:
		c.r.trusted(shown, err)
	}
	return true
}

// version reads the answer to GET /. The function needs none of it: not being
// told is no failure.
func (c *esCheck) version(status int, answer []byte) bool {
	const check = "server"
	switch {
	case status == http.StatusOK:
		return c.product(answer)
	case status == http.StatusUnauthorized: // said by credentials
	case status == http.StatusForbidden:
		c.r.note(check, "it does not tell its version (HTTP 403); the function does not need that right")
	case status >= 300 && status < 400:
		c.r.fail(check, "look at ES_Address: it redirects elsewhere, and the function does not follow", "HTTP %d", status)
		return false
	case status == http.StatusBadRequest && bytes.Contains(answer, []byte("HTTPS port")): // nginx
		c.r.fail(check, "look at ES_Address: is it https?", "it wants TLS")
		return false
	case status == http.StatusTooManyRequests || status >= 500:
		c.r.fail(check, "look at the cluster's health, and at what stands before it", "not in order: %s", strings.TrimSpace(fmt.Sprintf("HTTP %d %s", status, reasonOf(answer))))
	default:
		c.r.note(check, "it has no GET / (HTTP %d), as in the serverless edition; the function does not need it", status)
	}
	return true
}

// product says which server it is.
func (c *esCheck) product(answer []byte) bool {
	const check = "server"
	var about struct {
		Cluster string `json:"cluster_name"`
		Version struct {
			Number       string `json:"number"`
			Flavor       string `json:"build_flavor"`
			Distribution string `json:"distribution"`
		} `json:"version"`
	}
	if json.Unmarshal(answer, &about) != nil || about.Version.Number == "" {
		kind := "something else than JSON"
		if json.Valid(answer) {
			kind = "JSON without a version"
		}
		c.r.fail(check, "look at ES_Address: is it Elasticsearch?", "it answers, but not as Elasticsearch does: HTTP 200 with %s", kind)
		return false
	}
	name, rest := "Elasticsearch", ""
	if strings.EqualFold(about.Version.Distribution, "opensearch") {
		name = "OpenSearch"
	} else if f := about.Version.Flavor; f == "oss" || f == "serverless" {
		rest = " (" + f + ")"
	}
	if about.Cluster != "" {
		rest += ", cluster " + about.Cluster
	}
	text := name + " " + about.Version.Number + rest
	if v := parseVersion(about.Version.Number); name == "Elasticsearch" && (slices.Compare(v, []int{6, 8}) < 0 || v[0] > 9) {
		c.r.warn(check, "the function is made for 6.8 to 9.x", "%s", text)
		return true
	}
	c.r.ok(check, "%s", text)
	return true
}

// parseVersion returns the numbers that a version starts with, at least one.
func parseVersion(s string) []int {
	var v []int
	for part := range strings.SplitSeq(s, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			break
		}
		v = append(v, n)
	}
	if v == nil {
		return []int{0}
	}
	return v
}

// credentials says whether the server takes them. status is that of GET /.
func (c *esCheck) credentials(ctx context.Context, status int) bool {
	const check = "credentials"
	given := c.given()
	var answer []byte
	if status != http.StatusUnauthorized {
		status, answer, _ = c.ask(ctx, http.MethodGet, "/_security/_authenticate")
	}
	var who struct {
		Name  string   `json:"username"`
		Roles []string `json:"roles"`
	}
	switch {
	case status == http.StatusUnauthorized && given == "":
		c.r.fail(check, "set ES_User and ES_Password, or ES_ApiKey", "the server wants some, and none are set (HTTP 401)")
		return false
	case status == http.StatusUnauthorized:
		c.r.fail(check, "look at "+given, "refused (HTTP 401): wrong, expired or of another cluster")
		return false
	case status == http.StatusOK && json.Unmarshal(answer, &who) == nil && who.Name != "":
		roles := ""
		if len(who.Roles) > 0 {
			roles = " (roles " + strings.Join(who.Roles, ", ") + ")"
		}
		c.r.ok(check, "accepted as %s%s", who.Name, roles)
	case given == "":
		c.r.ok(check, "none are set and none were asked for")
	default:
		c.r.note(check, "not refused, but the server does not say whose they are: its security may be off")
	}
	return true
}

// given names the variables with the credentials; "" = none are set.
func (c *esCheck) given() string {
	switch {
	case c.es.Addresses[0].User != "":
		return "user and password in ES_Address"
	case c.es.User != "":
		return "ES_User and ES_Password"
	case !c.es.APIKey.IsZero():
		return "ES_ApiKey"
	}
	return ""
}

// reasonOf returns an error's reason as far as there is one.
func reasonOf(answer []byte) string {
	var e struct {
		Error struct {
			Reason string `json:"reason"`
		} `json:"error"`
	}
	if json.Unmarshal(answer, &e) != nil {
		return ""
	}
	return clip(e.Error.Reason)
}
