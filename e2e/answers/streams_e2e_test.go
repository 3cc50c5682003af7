//go:build e2e

package answers

import (
	"testing"

	"ckafka-etl/e2e/servers"
)

const (
	stampOne = `"@timestamp":"2026-11-20T12:00:00.000Z"`
	noStream = "it has no data streams, or not without a module that is not published"
)

// stream has a template for data streams of the index's name.
func stream(more string) func(t *testing.T, l *lab, index string) {
	return func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/_index_template/"+index, `{"priority":900,"index_patterns":["`+index+`*"],"data_stream":{}`+more+`}`)
	}
}

// ops returns a body that writes these documents without ids.
func ops(op string, sources ...string) func(l *lab, index string) []string {
	return func(l *lab, index string) (lines []string) {
		for _, source := range sources {
			lines = append(lines, l.action(op, index, ""), source)
		}
		return lines
	}
}

// timeSeries has an index of a time series.
func timeSeries(_ *testing.T, l *lab, index string) {
	l.put(l.plain, "/"+index, `{"settings":{"index":{"mode":"time_series","routing_path":["host"],
		"time_series":{"start_time":"2026-11-01T00:00:00Z","end_time":"2026-12-01T00:00:00Z"}}},
		"mappings":{"properties":{"@timestamp":{"type":"date"},"host":{"type":"keyword","time_series_dimension":true},"n":{"type":"long"}}}}`)
}

var (
	noTimeSeries = lackingIn("it has no time series", servers.KindES6, servers.KindES710, servers.KindES7, servers.KindOpenSearch2, servers.KindOpenSearch3)
	oneReason    = lackingIn("it has one reason for both", servers.KindES6, servers.KindES710, servers.KindES7, servers.KindOpenSearch2, servers.KindOpenSearch3)
	noDataStream = lackingIn(noStream, servers.KindES6, servers.KindES710, servers.KindES7)
)

// streamCases are refusals of data streams and time series. A failure store is
// not among them: nodes have it only with a module that is not published.
var streamCases = []refusal{
	{name: "stream-without-timestamp", class: ofIndex, verdict: unsettled, prepare: stream(""), bulk: ops("create", `{"n":1}`, `{"n":2}`), lacks: noDataStream},
	{name: "stream-bad-timestamp", class: ofDocument, verdict: dead, prepare: stream(""), bulk: ops("create", `{`+stampOne+`}`, `{"@timestamp":"yesterday"}`), lacks: noDataStream},
	// OpenSearch says the same of two as of none.
	{name: "stream-two-timestamps", class: ofDocument, verdict: dead, prepare: stream(""), bulk: ops("create", `{`+stampOne+`}`, `{"@timestamp":["2026-11-20T12:00:00Z","2026-11-21T12:00:00Z"]}`), lacks: oneReason},
	{name: "stream-op-index", class: ofIndex, verdict: unsettled, prepare: stream(""), bulk: docs(`{"n":1,`+stampOne+`}`, `{"n":2,`+stampOne+`}`), lacks: noDataStream},
	{name: "stream-conflict", class: ofDocument, verdict: conflict, prepare: func(t *testing.T, l *lab, index string) {
		stream("")(t, l, index)
		l.post(l.plain, "/_bulk", []string{l.action("create", index, "1"), `{` + stampOne + `}`})
	}, bulk: func(l *lab, index string) []string {
		return []string{l.action("create", index, "1"), `{` + stampOne + `}`, l.action("create", index, "2"), `{` + stampOne + `}`}
	}, lacks: noDataStream},
	{
		name: "time-series-own-id", class: ofIndex, verdict: unsettled, prepare: timeSeries, lacks: noTimeSeries,
		bulk: docs(`{"n":1,"host":"a",`+stampOne+`}`, `{"n":2,"host":"b",`+stampOne+`}`),
	},
	{
		name: "time-series-without-timestamp", class: ofIndex, verdict: unsettled, prepare: timeSeries, lacks: noTimeSeries,
		bulk: ops("create", `{"n":1,"host":"a"}`),
	},
	{
		name: "time-series-without-dimension", class: ofIndex, verdict: unsettled, prepare: timeSeries, lacks: noTimeSeries,
		bulk: ops("create", `{"n":1,`+stampOne+`}`),
	},
	{
		name: "time-series-out-of-range", class: ofIndex, verdict: unsettled, prepare: timeSeries, lacks: noTimeSeries,
		bulk: ops("create", `{"n":1,"host":"a","@timestamp":"2020-01-01T00:00:00Z"}`),
	},
}
