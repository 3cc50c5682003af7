package standin

import (
	"regexp"
	"strconv"
	"strings"
)

// checkMediaType is the answer to a request with a Content-Type or Accept that
// is refused, or nil. Seen: 406 for a type that is none of JSON; 6.8 refuses application/x-ndjson
// with a parameter; 8.17 refuses the versioned types unless both headers name
// the same version; 7.17 takes them as JSON, the others don't know them.
func (c *call) checkMediaType() *response {
	v := c.server.version
	ct, accept := c.r.Header.Get("Content-Type"), c.r.Header.Get("Accept")
	if v == ES817 {
		if f := compatibility(accept, ct, len(c.body) > 0); f != nil {
			return c.failed(f)
		}
		c.compatible = compatibleWith.MatchString(accept)
	}
	if len(c.body) == 0 {
		return nil
	}
	media, parameters, _ := strings.Cut(strings.ToLower(ct), ";")
	media = strings.TrimSpace(media)
	switch {
	case ct != "" && !mediaType.MatchString(media):
		if v == ES817 {
			return c.failed(fail(400, "media_type_header_exception", "Invalid media-type value on headers [Content-Type]").causedBy(exception{Type: "illegal_argument_exception", Reason: "invalid media-type [" + ct + "]"}))
		}
		inner := exception{Type: "illegal_argument_exception", Reason: "invalid Content-Type header [" + ct + "]"}
		return c.failed(fail(400, "content_type_header_exception", "java.lang.IllegalArgumentException: %s", inner.Reason).causedBy(inner))
	case media == "application/json":
		return nil
	case media == "application/x-ndjson" && c.streams && (v != ES68 || parameters == ""):
		return nil
	case v == ES717 || v == ES817:
		switch sub, _ := strings.CutPrefix(media, "application/vnd.elasticsearch+"); {
		case sub == "json", sub == "x-ndjson" && c.streams:
			return nil
		}
	}
	return c.text(406, "Content-Type header [%s] is not supported", ct)
}

var (
	mediaType      = regexp.MustCompile(`^[\w.+-]+/[\w.+-]+$`)
	compatibleWith = regexp.MustCompile(`(?i)^application/vnd\.elasticsearch\+(?:x-nd)?json\s*;\s*compatible-with\s*=\s*(\d+)\s*$`)
)

// compatibility checks the versions that the versioned media types name.
func compatibility(accept, contentType string, hasBody bool) *failure {
	version := func(header string) int {
		m := compatibleWith.FindStringSubmatch(header)
		if m == nil {
			return 0
		}
		n, _ := strconv.Atoi(m[1]) // digits; one too large is no known version either
		return n
	}
	wrong := func(format string, args ...string) *failure {
		reason := format
		for _, a := range args {
			reason = strings.Replace(reason, "%", a, 1)
		}
		return fail(400, "media_type_header_exception", "Invalid media-type value on headers [Accept, Content-Type]").causedBy(exception{Type: "status_exception", Reason: reason})
	}
	a, b := version(accept), version(contentType)
	known := func(n int) bool { return n == 0 || n == 7 || n == 8 }
	if accept == "" {
		accept = "null"
	}
	switch {
	case !known(a):
		return wrong("Accept version must be either version 8 or 7, but found %. Accept=%", itoa(a), accept)
	case !known(b):
		return wrong("Content-Type version must be either version 8 or 7, but found %. Content-Type=%", itoa(b), contentType)
	case a == 7 && b == 7:
		return unsupported("answers compatible with version 7")
	case !hasBody || a == b:
		return nil
	case a == 7 || b == 7:
		return wrong("A compatible version is required on both Content-Type and Accept headers if either one has requested a compatible version and the compatible versions must match. Accept=%, Content-Type=%", accept, contentType)
	}
	return wrong("A compatible version is required on both Content-Type and Accept headers if either one has requested a compatible version. Accept=%, Content-Type=%", accept, contentType)
}
