package esclient

import "strings"

// safeReason returns the part of a server's explanation that is fit for a log:
// nothing of a document. Explanations of what an index or the cluster is quote
// no document; of the others only the field path and the type are taken.
func safeReason(f failure) string {
	if _, ok := aboutIndexHint(f); ok {
		return short(f.reason)
	}
	switch f.kind {
	case "cluster_block_exception", "es_rejected_execution_exception", "rejected_execution_exception",
		"circuit_breaking_exception", "unavailable_shards_exception", "process_cluster_event_timeout_exception":
		// What comes then is the request, which quotes a document that is alone in it.
		reason, _, _ := strings.Cut(f.reason, "request: ")
		return short(strings.TrimRight(reason, ",:; "))
	}
	reason := f.reason
	if strings.HasPrefix(reason, "[") { // "[1:20] failed to parse…", since 8.10
		if _, rest, ok := strings.Cut(reason, "] "); ok {
			reason = rest
		}
	}
	for _, p := range [...]struct{ start, what string }{
		{"failed to parse field [", "the value of this field does not fit its type"},
		{"failed to parse [", "the value of this field does not fit its type"}, // 6.x
		{"object mapping for [", "this field is an object in some documents and a value in others"},
		{"object mapping [", "this field is an object in some documents and a value in others"},
		{"mapper [", "this field has another type in the index"},
		{"Could not dynamically add mapping for field [", "this field's dotted name runs into a value"},
		{"can't merge a non object mapping [", "this field is an object in some documents and a value in others"},
		{"mapping set to strict, dynamic introduction of [", "the mapping is strict and does not know this field"},
	} {
		if rest, ok := strings.CutPrefix(reason, p.start); ok {
			if field, rest, ok := strings.Cut(rest, "]"); ok && len(field) <= 200 {
				s := p.what + ": " + field
				if kind, ok := strings.CutPrefix(rest, " of type ["); ok {
					kind, _, _ = strings.Cut(kind, "]")
					s += " (" + short(kind) + ")"
				}
				return s
			}
		}
	}
	if n := strings.Index(reason, "Limit of total fields ["); n >= 0 {
		limit, _, _ := strings.Cut(reason[n+len("Limit of total fields ["):], "]")
		return "the index has its limit of fields, " + short(limit)
	}
	return ""
}

// short cuts a text to a length that a log line can bear.
func short(s string) string {
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
