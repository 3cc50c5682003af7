package main

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// coveringTemplate looks for an index template, of either kind, whose pattern
// fits the dead letters' index. listed is false if the server shows neither.
func (p *probe) coveringTemplate(ctx context.Context) (name string, listed bool) {
	patterns := make(map[string][]string) // by template
	status, answer, cause := p.ask(ctx, http.MethodGet, "/_index_template?filter_path=index_templates.name,index_templates.index_template.index_patterns")
	if cause == nil && status == http.StatusOK {
		var list struct {
			Templates []struct {
				Name     string `json:"name"`
				Template struct {
					Patterns []string `json:"index_patterns"`
				} `json:"index_template"`
			} `json:"index_templates"`
		}
		listed = json.Unmarshal(answer, &list) == nil
		for _, t := range list.Templates {
			patterns[t.Name] = t.Template.Patterns
		}
	}
	status, answer, cause = p.ask(ctx, http.MethodGet, "/_template?filter_path=*.index_patterns")
	if cause == nil && status == http.StatusOK {
		var list map[string]struct {
			Patterns []string `json:"index_patterns"`
		}
		listed = json.Unmarshal(answer, &list) == nil || listed
		for name, t := range list {
			patterns[name] = append(patterns[name], t.Patterns...)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(patterns)) {
		for _, pattern := range patterns[name] {
			// "*" sets shards or replicas for all; it cannot be meant for these.
			if strings.Trim(pattern, "*") != "" && matchPattern(pattern, p.es.DeadLetterIndex) {
				return name, true
			}
		}
	}
	return "", listed
}

// matchPattern reports whether a pattern with asterisks fits a name.
func matchPattern(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return pattern == name
	}
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, ok := strings.Cut(name, part)
		if !ok {
			return false
		}
		name = rest
	}
	return true
}
