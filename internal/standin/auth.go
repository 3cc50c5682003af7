package standin

import (
	"crypto/subtle"
	"net/http"
)

// allowed reports whether a request brings the credentials.
func (c *Credentials) allowed(r *http.Request) bool {
	if c == nil {
		return true
	}
	same := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	user, password, basic := r.BasicAuth()
	return c.User != "" && basic && same(user, c.User) && same(password, c.Password) ||
		c.APIKey != "" && same(r.Header.Get("Authorization"), "ApiKey "+c.APIKey)
}

// unauthorized is the answer to a request without the credentials, or with
// wrong ones.
func (c *call) unauthorized() *response {
	f := fail(http.StatusUnauthorized, "security_exception", "missing authentication credentials for REST request [%s]", c.r.URL.RequestURI())
	if user, _, ok := c.r.BasicAuth(); ok {
		f.Reason = "unable to authenticate user [" + user + "] for REST request [" + c.r.URL.RequestURI() + "]"
	} else if c.r.Header.Get("Authorization") != "" {
		f.Reason = "unable to authenticate with provided credentials and anonymous access is not allowed for this request"
	}
	challenges := []string{`Basic realm="security" charset="UTF-8"`, "ApiKey"}
	f.Header = map[string][]string{"WWW-Authenticate": challenges}
	resp := c.failed(f)
	resp.header["Www-Authenticate"] = challenges
	return resp
}
