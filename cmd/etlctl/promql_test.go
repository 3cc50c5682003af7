package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"ckafka-etl/internal/metrics"
	"ckafka-etl/internal/trigger"
)

// serviceFile returns a file of deploy/service.
func serviceFile(t *testing.T, name ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(append([]string{"..", "..", "deploy", "service"}, name...)...))
	require.NoError(t, err)
	return string(text)
}

// allTriggers is a trigger that has a partition of which everything is known.
type allTriggers struct{}

func (allTriggers) Status() []trigger.PartitionStatus {
	return []trigger.PartitionStatus{{State: "waiting"}}
}
func (allTriggers) Memory() trigger.Memory       { return trigger.Memory{} }
func (allTriggers) Ready() error                 { return nil }
func (allTriggers) Instances() metrics.Instances { return metrics.Instances{} }

// series are the metrics of the code: by name the values of their labels.
type series map[string]map[string][]string

// exported returns what /metrics has, as Prometheus stores it.
func exported(t *testing.T) series {
	t.Helper()
	m := metrics.New("logs", []string{"elasticsearch", "kafka"})
	m.Watch("logs", allTriggers{}, allTriggers{})
	families, err := m.Registry.Gather()
	require.NoError(t, err)
	all := series{}
	for _, f := range families {
		values := map[string][]string{"instance": nil, "job": nil} // from Prometheus
		for _, metric := range f.GetMetric() {
			for _, l := range metric.GetLabel() {
				if v := l.GetValue(); !slices.Contains(values[l.GetName()], v) {
					values[l.GetName()] = append(values[l.GetName()], v)
				}
			}
		}
		if f.GetMetric()[0].GetHistogram() == nil {
			all[f.GetName()] = values
			continue
		}
		all[f.GetName()+"_sum"], all[f.GetName()+"_count"] = values, values
		buckets := maps.Clone(values)
		buckets["le"] = nil
		all[f.GetName()+"_bucket"] = buckets
	}
	return all
}

// variables of Grafana stand for something that PromQL can read.
var grafana = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$topic", "logs")

// check reads an expression and checks that the code has each metric in it, with
// the labels that it asks for. It returns the labels that the result has.
func (s series) check(t require.TestingT, text string) []string {
	expr, err := parser.NewParser(parser.Options{}).ParseExpr(grafana.Replace(text))
	require.NoError(t, err, text)
	found := 0
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		switch n := node.(type) {
		case *parser.VectorSelector:
			found++
			known, ok := s[n.Name]
			require.True(t, ok, "%s: no metric %s", text, n.Name)
			for _, m := range n.LabelMatchers {
				if m.Name == "__name__" {
					continue
				}
				require.Contains(t, known, m.Name, "%s: %s", text, n.Name)
				if m.Type == labels.MatchEqual {
					require.Contains(t, known[m.Name], m.Value, "%s: %s", text, m.Name)
				}
			}
		case *parser.AggregateExpr:
			for _, name := range n.Grouping {
				require.Contains(t, s.labelsOf(n.Expr), name, text)
			}
		case *parser.BinaryExpr:
			for _, side := range []parser.Expr{n.LHS, n.RHS} {
				if n.VectorMatching != nil && n.VectorMatching.On {
					require.Subset(t, s.labelsOf(side), n.VectorMatching.MatchingLabels, text)
				}
			}
		}
		return nil
	})
	require.Positive(t, found, "%s: no metric in it", text)
	return s.labelsOf(expr)
}

// labelsOf returns the labels that an expression's result has.
func (s series) labelsOf(expr parser.Expr) []string {
	switch e := expr.(type) {
	case *parser.AggregateExpr:
		if e.Op == parser.TOPK {
			return s.labelsOf(e.Expr)
		}
		return e.Grouping
	case *parser.VectorSelector:
		return slices.Collect(maps.Keys(s[e.Name]))
	}
	for child := range parser.ChildrenIter(expr) {
		if inner, ok := child.(parser.Expr); ok {
			if names := s.labelsOf(inner); names != nil {
				return names
			}
		}
	}
	return nil
}

// Rules that no metric of the code can ever fire, or whose texts name labels that
// the result has not, would be found out in the worst hour.
func TestAlertRules(t *testing.T) {
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	dec := yaml.NewDecoder(strings.NewReader(serviceFile(t, "alerts.yaml")))
	dec.KnownFields(true)
	require.NoError(t, dec.Decode(&file))
	all := exported(t)
	readme := serviceFile(t, "README.md")
	names := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			require.Regexp(t, `^CkafkaEtl[A-Z]`, r.Alert)
			require.False(t, names[r.Alert])
			names[r.Alert] = true
			got := all.check(t, r.Expr)
			if r.For != "" {
				_, err := time.ParseDuration(r.For)
				require.NoError(t, err)
			}
			require.Contains(t, []string{"warning", "critical"}, r.Labels["severity"])
			for _, name := range []string{"summary", "description"} {
				require.NotEmpty(t, r.Annotations[name], r.Alert)
				for _, label := range regexp.MustCompile(`\$labels\.(\w+)`).FindAllStringSubmatch(r.Annotations[name], -1) {
					require.Contains(t, got, label[1], r.Alert)
				}
			}
			assert.Contains(t, readme, "`"+r.Alert+"`")
		}
	}
	require.Len(t, names, 12)
}

func TestDashboard(t *testing.T) {
	type target struct{ RefID, Expr, LegendFormat string }
	var board struct {
		Title, UID string
		Panels     []struct {
			ID                       int
			Type, Title, Description string
			GridPos                  struct{ H, W, X, Y int }
			Targets                  []target
		}
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(serviceFile(t, "dashboard.json")), &board))
	all := exported(t)
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range board.Panels {
		require.False(t, ids[p.ID])
		ids[p.ID] = true
		require.NotEmpty(t, p.Title)
		require.NotEmpty(t, p.Targets)
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				require.Empty(t, cells[[2]int{x, y}], "%s lies over another", p.Title)
				require.Less(t, x, 24)
				cells[[2]int{x, y}] = p.Title
			}
		}
		for _, target := range p.Targets {
			got := all.check(t, target.Expr)
			for _, label := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(target.LegendFormat, -1) {
				require.Contains(t, got, label[1], "%s: %s", p.Title, target.Expr)
			}
		}
	}
	used := regexp.MustCompile(`label_values\((\w+), (\w+)\)`)
	for _, v := range board.Templating.List {
		if v.Type == "query" {
			parts := used.FindStringSubmatch(v.Definition)
			require.NotNil(t, parts, v.Definition)
			require.Contains(t, all[parts[1]], parts[2])
		}
	}
}

// The table of metrics has all that there are, and none that is not there.
func TestMetricsAreDocumented(t *testing.T) {
	readme := serviceFile(t, "README.md")
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(ckafka_etl_\\w+)`").FindAllStringSubmatch(readme, -1) {
		documented[m[1]] = true
	}
	there := map[string]bool{}
	for name := range exported(t) {
		if strings.HasPrefix(name, "ckafka_etl_") {
			there[regexp.MustCompile(`_seconds_(bucket|sum|count)$`).ReplaceAllString(name, "_seconds")] = true
		}
	}
	assert.Equal(t, slices.Sorted(maps.Keys(there)), slices.Sorted(maps.Keys(documented)))
}

// The check sees what it is there for.
func TestExpressionsAreChecked(t *testing.T) {
	all := exported(t)
	for _, text := range []string{
		"ckafka_etl_no_such_metric", `ckafka_etl_records_total{kind="dead"}`, `ckafka_etl_records_total{outcome="lost"}`,
		"sum by (partition) (ckafka_etl_records_total)", "rate(ckafka_etl_batch_seconds[5m])", "sum(", "1",
	} {
		failing := new(failed)
		func() {
			defer func() { _ = recover() }() // FailNow
			all.check(failing, text)
		}()
		assert.True(t, failing.seen, text)
	}
}

// failed notes that a test would have failed.
type failed struct{ seen bool }

func (f *failed) Errorf(string, ...any) { f.seen = true }
func (f *failed) FailNow()              { panic("failed") }
