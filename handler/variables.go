package handler

import (
	"slices"
	"strings"
)

// variables are those that the pipeline was made of.
type variables struct {
	pairs  []string          // as Build got them
	values map[string]string // the same, by name
}

// environ returns the variables that hold for a request, sorted, or reports that
// they are those of the pipeline.
//
// They are the request's own. The platform's library puts them into the
// process's environment as well, but takes none out: there a variable of one
// request would still be found with the next, which carries it no more.
func (h *Handler) environ(request map[string]string) (pairs []string, same bool) {
	if request == nil {
		pairs = h.own()
		return pairs, h.pipeline != nil && slices.Equal(pairs, h.variables.pairs)
	}
	zone, inherited := "", false
	if _, ok := request[zoneName]; !ok {
		zone, inherited = h.ownZone()
	}
	if h.pipeline != nil && h.unchanged(request, zone, inherited) {
		return nil, true
	}
	for name, value := range request {
		if h.relevant(name) {
			pairs = append(pairs, name+"="+value)
		}
	}
	if inherited {
		pairs = append(pairs, zoneName+"="+zone)
	}
	slices.Sort(pairs)
	return pairs, false
}

// zoneName is the one variable that a request need not carry: the process has
// its time zone from the platform.
const zoneName = "TZ"

// unchanged reports whether a request's variables are those of the pipeline. It
// allocates nothing: it is asked with each invocation.
func (h *Handler) unchanged(request map[string]string, zone string, inherited bool) bool {
	n := 0
	if inherited {
		if old, ok := h.variables.values[zoneName]; !ok || old != zone {
			return false
		}
		n++
	}
	for name, value := range request {
		if !h.relevant(name) {
			continue
		}
		if old, ok := h.variables.values[name]; !ok || old != value {
			return false
		}
		n++
	}
	return n == len(h.variables.values)
}

func (h *Handler) relevant(name string) bool { return h.Relevant == nil || h.Relevant(name) }

// own returns the process's own variables.
func (h *Handler) own() []string {
	if h.Environ == nil {
		return nil
	}
	return h.Environ()
}

func (h *Handler) ownZone() (zone string, ok bool) {
	for _, pair := range h.own() {
		if value, found := strings.CutPrefix(pair, zoneName+"="); found {
			zone, ok = value, true // of equal names the last counts
		}
	}
	return zone, ok
}

func variablesOf(pairs []string) variables {
	values := make(map[string]string, len(pairs))
	for _, pair := range pairs {
		if name, value, ok := strings.Cut(pair, "="); ok {
			values[name] = value
		}
	}
	return variables{pairs, values}
}
