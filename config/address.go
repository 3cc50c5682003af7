package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const portFault = "the port must be a number, 1 to 65535"

// addresses returns ES_Address.
func (r *reader) addresses() []Address {
	const name = "ES_Address"
	elems := list(r.env[name])
	if r.isSet(name) && len(elems) == 0 {
		r.invalid(name)
	}
	var found []Address
	for i, elem := range elems {
		a, fault := parseAddress(elem)
		switch {
		case fault != "":
			r.addressProblem(name, i, fault)
		case slices.ContainsFunc(found, func(b Address) bool { return b.URL.String() == a.URL.String() }):
			r.warn(name, "address "+strconv.Itoa(i+1)+" is the same as one before it, and ignored")
		default:
			found = append(found, a)
		}
	}
	return found
}

// brokers returns kafka_address.
func (r *reader) brokers() []string {
	const name = "kafka_address"
	elems := list(r.env[name])
	if r.isSet(name) && len(elems) == 0 {
		r.invalid(name)
	}
	var found []string
	for i, elem := range elems {
		broker, fault := hostPort(elem, "9092")
		switch {
		case strings.Contains(elem, "://"):
			r.addressProblem(name, i, "a scheme has no place here")
		case fault != "":
			r.addressProblem(name, i, fault)
		case slices.Contains(found, broker):
			r.warn(name, "address "+strconv.Itoa(i+1)+" is the same as one before it, and ignored")
		default:
			found = append(found, broker)
		}
	}
	return found
}

// addressProblem reports what is wrong with the address at place i of a list.
// It shows no part of it that can be a secret: with an @ anywhere in the value
// nothing, because a comma in a password looks like the end of an address, else
// nothing behind the host, because what stands in place of a port may be a
// password whose @host was forgotten, and a query may hold a token.
func (r *reader) addressProblem(name string, i int, fault string) {
	value := r.env[name]
	text := "address " + strconv.Itoa(i+1)
	if !strings.Contains(value, "@") {
		elem := list(value)[i]
		start := strings.Index(elem, "://") + 1 // past the scheme's colon, if there is one
		if cut := strings.IndexAny(elem[start:], ":?#"); cut >= 0 {
			elem = elem[:start+cut] + "…"
		}
		text += " (" + quote(elem) + ")"
	}
	v, _ := lookup(name)
	r.problem(name, text+": "+fault+"; allowed: "+v.AllowedText())
}

// parseAddress parses one element of ES_Address. fault says what is wrong with
// it, without quoting any of it. It does not leave the work to url.Parse: that
// takes "host:9200" for a scheme, and its errors quote passwords.
func parseAddress(elem string) (a Address, fault string) {
	scheme, rest, ok := strings.Cut(elem, "://")
	if !ok {
		scheme, rest = "http", elem
	}
	scheme = strings.ToLower(scheme)
	port := "9200"
	switch scheme {
	case "http":
	case "https":
		port = "443"
	default:
		return a, "the scheme must be http or https"
	}
	if strings.ContainsAny(rest, "?#") {
		return a, "a query or fragment (? or #) has no place here"
	}
	authority, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		authority, path = rest[:i], strings.TrimRight(rest[i:], "/")
	}
	if strings.Contains(path, "@") {
		return a, "an @ after a / : is a / part of the password?"
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		if a.User, a.Password, fault = parseUserInfo(authority[:i]); fault != "" {
			return a, fault
		}
		authority = authority[i+1:]
	}
	host, fault := hostPort(authority, port)
	if fault != "" {
		return a, fault
	}
	u, err := url.Parse(scheme + "://" + host + path)
	if err != nil {
		return a, "the path is not valid in a URL"
	}
	a.URL = u
	return a, ""
}

func parseUserInfo(info string) (user string, password Secret, fault string) {
	before, after, _ := strings.Cut(info, ":")
	user, err1 := url.PathUnescape(before)
	pass, err2 := url.PathUnescape(after)
	switch {
	case err1 != nil || err2 != nil:
		return "", Secret{}, "a % in user or password must be followed by two hex digits"
	case user == "" || pass == "":
		return "", Secret{}, "before the @ there must be a user and a password with a colon between"
	case strings.Contains(user, ":"):
		return "", Secret{}, "the user may not hold a colon"
	}
	return user, NewSecret(pass), ""
}

// hostPort checks a host with or without a port and returns it with one, in
// one spelling. fault says what is wrong, without quoting any of it.
func hostPort(s, defaultPort string) (addr, fault string) {
	host, port := s, defaultPort
	if strings.HasPrefix(s, "[") {
		inside, after, closed := strings.Cut(s[1:], "]")
		ip, err := netip.ParseAddr(inside)
		if !closed || err != nil || !ip.Is6() || ip.Zone() != "" {
			return "", "between brackets there must be an IPv6 address without a zone"
		}
		host = "[" + ip.String() + "]"
		if after != "" {
			if after[0] != ':' {
				return "", portFault
			}
			port = after[1:]
		}
	} else {
		if name, number, ok := strings.Cut(s, ":"); ok {
			host, port = name, number
		}
		if strings.Contains(port, ":") {
			return "", "an IPv6 address must stand in brackets, and anything else has at most one colon"
		}
		host = strings.ToLower(host)
		if host == "" {
			return "", "the host is missing"
		}
		if len(host) > 253 || strings.ContainsFunc(host, func(c rune) bool { return !isNameByte(c) }) {
			return "", "the host may hold only letters, digits, dots, - and _"
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return "", portFault
	}
	return host + ":" + strconv.FormatUint(n, 10), ""
}

// isNameByte reports whether c may stand in host and topic names.
func isNameByte(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_'
}
