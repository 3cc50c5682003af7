//go:build e2e

package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// selectedServers returns those of kinds that E2E_SERVERS chooses.
func selectedServers(t *testing.T, kinds ...servers.Kind) []servers.Kind {
	t.Helper()
	selected, err := servers.Selected(os.Getenv("E2E_SERVERS"))
	require.NoError(t, err)
	kinds = slices.DeleteFunc(kinds, func(k servers.Kind) bool { return !slices.Contains(selected, k) })
	require.NoError(t, servers.Require(t.Context(), kinds...))
	return kinds
}

func startServer(t *testing.T, kind servers.Kind, settings map[string]string) *servers.Elasticsearch {
	t.Helper()
	es, err := servers.StartElasticsearch(t.Context(), kind, servers.ElasticsearchOptions{Settings: settings})
	require.NoError(t, err)
	t.Cleanup(es.Close)
	return es
}

func put(t *testing.T, es *servers.Elasticsearch, path, body string) {
	t.Helper()
	status, answer, err := es.Do(t.Context(), http.MethodPut, path, body)
	require.NoError(t, err)
	require.Equal(t, 2, status/100, "%s: %s", path, answer)
}

// indices lists what is on the server.
func indices(t *testing.T, es *servers.Elasticsearch) string {
	t.Helper()
	status, answer, err := es.Do(context.WithoutCancel(t.Context()), http.MethodGet, "/_cat/indices?h=index,docs.count&s=index", "")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	return string(answer)
}

// check runs the command and shows what it said.
func check(t *testing.T, want int, environ ...string) string {
	t.Helper()
	out, errOut, code := runTool(t, append(environ, "ES_Index_KeyWord=log"), "check")
	t.Log("\n" + out + errOut)
	require.Equal(t, want, code)
	return out
}

func TestCheckElasticsearchReal(t *testing.T) {
	about := map[servers.Kind]string{
		servers.KindES6:         "✓ server        Elasticsearch 6.8.23, cluster e2e",
		servers.KindES710:       "✓ server        Elasticsearch 7.10.2, cluster e2e",
		servers.KindES7:         "✓ server        Elasticsearch 7.17.28, cluster e2e",
		servers.KindES8:         "· server        it has no GET / (HTTP 405)",
		servers.KindES819:       "· server        it has no GET / (HTTP 405)",
		servers.KindES9:         "· server        it has no GET / (HTTP 405)",
		servers.KindOpenSearch2: "✓ server        OpenSearch 2.19.1, cluster e2e",
		servers.KindOpenSearch3: "✓ server        OpenSearch 3.3.2, cluster e2e",
	}
	for _, kind := range selectedServers(t, servers.SearchKinds()...) {
		t.Run(string(kind), func(t *testing.T) {
			es := startServer(t, kind, nil)
			address := "ES_Address=" + es.URL()

			// An empty server stays empty.
			out := check(t, exitOK, address, "ES_Gzip=1")
			assert.Contains(t, out, about[kind])
			assert.Contains(t, out, "✓ write         a document as the function's was written to log-")
			assert.Contains(t, out, "! template      none covers dead-letter-log")
			assert.Contains(t, out, "✓ dead letters  one was written to dead-letter-log-etlctl-check-")
			assert.Contains(t, out, "✓ clean-up      what was written is deleted")
			assert.Empty(t, indices(t, es))

			// The template of deploy/ is seen, and its mapping takes the letter.
			path, file := "/_index_template/letters", "dead-letter-template.json"
			if kind == servers.KindES6 {
				path, file = "/_template/letters", "dead-letter-template-6.8.json"
			}
			text, err := os.ReadFile(filepath.Join("../../deploy", file))
			require.NoError(t, err)
			put(t, es, path, string(text))
			assert.Contains(t, check(t, exitOK, address), "✓ template      letters covers dead-letter-log")
			assert.Empty(t, indices(t, es))

			// What is there already stays, and nothing joins it.
			put(t, es, "/dead-letter-log/_doc/1?refresh=true", `{"error":{"type":"real"}}`)
			out = check(t, exitOK, address)
			assert.Contains(t, out, "✓ dead letters  one was written to dead-letter-log\n")
			assert.NotContains(t, out, "template")
			require.NoError(t, es.Refresh(t.Context(), "dead-letter-log"))
			assert.Equal(t, "dead-letter-log 1\n", indices(t, es))

			out, _, code := runTool(t, []string{address, "ES_Index_KeyWord=log"}, "check", "--no-write")
			assert.Equal(t, exitOK, code)
			assert.Contains(t, out, "· write         not tried: --no-write")

			// A dead-letter index that takes no letters, and a pipeline that is not there.
			if kind != servers.KindES6 {
				put(t, es, "/odd-letters", `{"mappings":{"properties":{"error":{"type":"integer"}}}}`)
				out = check(t, exitFailure, address, "ES_Dead_Letter_Index=odd-letters", "ES_Pipeline=missing")
				assert.Contains(t, out, "✗ write         no document was written to log-")
				assert.Contains(t, out, "→ the ingest pipeline does not exist: look at ES_Pipeline")
				assert.Contains(t, out, "✗ dead letters  odd-letters took none: ")
				assert.Contains(t, out, "→ its mapping must fit: ")
				assert.Equal(t, "dead-letter-log 1\nodd-letters     0\n", indices(t, es))
			}

			// No index is made by itself.
			before := indices(t, es)
			put(t, es, "/_cluster/settings", `{"transient":{"action.auto_create_index":"false"}}`)
			out = check(t, exitFailure, address, "ES_Dead_Letter_Index=other-letters")
			assert.Contains(t, out, "✗ write         no document was written to log-")
			assert.Contains(t, out, "index_not_found_exception (HTTP 404)")
			assert.Contains(t, out, "→ it is not made by itself: let action.auto_create_index allow log-*, or make it yourself")
			assert.Contains(t, out, "✗ dead letters  other-letters is not there yet")
			assert.Contains(t, out, "\n2 problems")
			assert.NotContains(t, out, "clean-up")
			assert.Equal(t, before, indices(t, es))
		})
	}
}

// A template made every index of the day impossible, or one that takes nothing of
// ours: check said that all was well, and the function refused every record.
func TestCheckTemplatesReal(t *testing.T) {
	for _, kind := range selectedServers(t, servers.KindES6, servers.KindES7, servers.KindES8, servers.KindOpenSearch2) {
		t.Run(string(kind), func(t *testing.T) {
			es := startServer(t, kind, nil)
			address := "ES_Address=" + es.URL()
			for _, c := range []struct {
				name, template string // settings, mappings and aliases
				before         string // an index that is there, with this body
				code           int
				want           []string
			}{
				{"write alias twice", `"aliases":{"log_all":{"is_write_index":true}}`, "log-2001-01-01", exitFailure, []string{"✗ write         no document was written to log-", "→ two indices are the write index of one alias: look at is_write_index"}},
				{"sort by an unknown field", `"settings":{"index.sort.field":"nowhere"}`, "", exitFailure, []string{"✗ write         ", "index sort"}},
				{"routing required", `"mappings":{MAPPING{"_routing":{"required":true}}}`, "", exitFailure, []string{"✗ write         no document was written to log-", "→ the mapping demands a routing value"}},
				{"strict without the stamp", `"mappings":{MAPPING{"dynamic":"strict","properties":{"n":{"type":"long"}}}}`, "", exitFailure, []string{"✗ write         no document was written to log-", "look at ES_Time_Field"}},
				{"strict with the stamp", `"mappings":{MAPPING{"dynamic":"strict","properties":{"@timestamp":{"type":"date"}}}}`, "", exitOK, []string{"✓ write"}},
				{"all are keywords", `"mappings":{MAPPING{"dynamic_templates":[{"s":{"match_mapping_type":"string","mapping":{"type":"keyword"}}}]}}`, "", exitOK, []string{"✓ write", "✓ dead letters"}},
				{"the stamp is a number", `"mappings":{MAPPING{"properties":{"@timestamp":{"type":"long"}}}}`, "", exitFailure, []string{"✗ write         log-", "would refuse every record", "→ look at the field's mapping and at ES_Time_Field"}},
			} {
				if kind == servers.KindES6 && c.before != "" {
					continue // 6.8 lets an alias have two write indices, and writes by the index's own name
				}
				t.Run(c.name, func(t *testing.T) {
					path, body := "/_index_template/t", `{"index_patterns":["log-*"],"priority":900,"template":{`+withoutType(c.template)+`}}`
					if kind == servers.KindES6 {
						path, body = "/_template/t", `{"index_patterns":["log-*"],`+strings.ReplaceAll(c.template, "MAPPING", `"_doc":`)+`}`
					}
					put(t, es, path, body)
					if c.before != "" {
						put(t, es, "/"+c.before, `{}`)
					}
					out := check(t, c.code, address)
					for _, want := range c.want {
						assert.Contains(t, out, want)
					}
					for _, old := range []string{"/" + c.before, path} {
						if old != "/" {
							_, _, err := es.Do(t.Context(), http.MethodDelete, old, "")
							require.NoError(t, err)
						}
					}
				})
			}
		})
	}
}

// withoutType takes the place of a mapping type out of a template.
func withoutType(template string) string {
	before, after, ok := strings.Cut(template, "{MAPPING")
	if !ok {
		return template
	}
	return before + strings.TrimSuffix(after, "}")
}

func TestCheckElasticsearchRealTLS(t *testing.T) {
	kinds := selectedServers(t, servers.KindES7)
	if len(kinds) == 0 {
		return // not chosen
	}
	es := startServer(t, kinds[0], nil)
	ca, err := servers.NewCA("etlctl test authority")
	require.NoError(t, err)
	other, err := servers.NewCA("another authority")
	require.NoError(t, err)
	cert, err := ca.Issue("127.0.0.1")
	require.NoError(t, err)
	expired, err := ca.IssueExpired("127.0.0.1")
	require.NoError(t, err)
	proxy := func(opts servers.TLSProxyOptions) string {
		p, err := servers.StartTLSProxy(t.Context(), es.Addr(), opts)
		require.NoError(t, err)
		t.Cleanup(p.Close)
		return p.URL()
	}
	auth := proxy(servers.TLSProxyOptions{Certificate: cert, BasicAuth: map[string]string{"elastic": "correct horse"}})
	stale := proxy(servers.TLSProxyOptions{Certificate: expired})

	for _, c := range []struct {
		name string
		code int
		env  []string
		want []string
	}{
		{"all well", exitOK, []string{"ES_Address=" + auth, "ES_CA_Cert=" + string(ca.PEM()), "ES_User=elastic", "ES_Password=correct horse"}, []string{
			"ES_CA_Cert            PEM text, 1 certificate",
			"ES_Password           ***",
			"! certificate   trusted: ", "for 127.0.0.1, issued by etlctl test authority, valid until", // a day is soon
			"· credentials   not refused, but the server does not say whose they are",
			"✓ clean-up",
		}},
		{"by fingerprint", exitOK, []string{"ES_Address=" + strings.Replace(auth, "//", "//elastic:correct%20horse@", 1), "ES_CA_Fingerprint=" + ca.Fingerprint()}, []string{
			"(user elastic, password ***)", "trusted: ", "✓ clean-up",
		}},
		{"not verified", exitOK, []string{"ES_Address=" + auth, "ES_Insecure=true", "ES_User=elastic", "ES_Password=correct horse"}, []string{
			"! certificate   not verified: ", "→ set ES_CA_Cert or ES_CA_Fingerprint instead of ES_Insecure",
		}},
		{"no authority", exitFailure, []string{"ES_Address=" + auth}, []string{
			"✗ certificate   not trusted: certificate signed by unknown authority; it is server, for 127.0.0.1, issued by etlctl test authority, valid until ",
			"look at ES_CA_Cert or ES_CA_Fingerprint; if this is your server: ES_CA_Fingerprint=" + ca.Fingerprint(),
		}},
		{"another authority", exitFailure, []string{"ES_Address=" + auth, "ES_CA_Cert=" + string(other.PEM())}, []string{"✗ certificate   not trusted: "}},
		{"another fingerprint", exitFailure, []string{"ES_Address=" + auth, "ES_CA_Fingerprint=" + other.Fingerprint()}, []string{
			"✗ certificate   not trusted: ", "look at ES_CA_Fingerprint", ca.Fingerprint(),
		}},
		{"another name", exitFailure, []string{"ES_Address=" + strings.Replace(auth, "127.0.0.1", "localhost", 1), "ES_CA_Cert=" + string(ca.PEM())}, []string{
			"✗ certificate   not trusted: ", "the certificate is for another name: look at ES_Address",
		}},
		{"expired", exitFailure, []string{"ES_Address=" + stale, "ES_CA_Cert=" + string(ca.PEM())}, []string{"✗ certificate   not trusted: ", "expired on "}},
		{"https to http", exitFailure, []string{"ES_Address=https://" + es.Addr()}, []string{
			"✗ certificate   no TLS connection: the server does not speak TLS", "→ look at ES_Address: is it http?",
		}},
		{"http to https", exitFailure, []string{"ES_Address=" + strings.TrimPrefix(auth, "https://")}, []string{
			"✗ server        it wants TLS", "→ look at ES_Address: is it https?", "1 problem",
		}},
		{"wrong password", exitFailure, []string{"ES_Address=" + auth, "ES_CA_Cert=" + string(ca.PEM()), "ES_User=elastic", "ES_Password=wrong"}, []string{
			"✗ credentials   refused (HTTP 401)", "→ look at ES_User and ES_Password",
		}},
		{"no password", exitFailure, []string{"ES_Address=" + auth, "ES_CA_Cert=" + string(ca.PEM())}, []string{
			"✗ credentials   the server wants some, and none are set (HTTP 401)", "→ set ES_User and ES_Password, or ES_ApiKey",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := check(t, c.code, c.env...)
			for _, want := range c.want {
				assert.Contains(t, out, want)
			}
			assert.NotContains(t, out, "horse")
		})
	}
	assert.Empty(t, indices(t, es))
}

func TestCheckKafkaReal(t *testing.T) {
	if len(selectedServers(t, servers.KindKafka)) == 0 {
		return // not chosen
	}
	ca, err := servers.NewCA("etlctl test authority")
	require.NoError(t, err)
	cert, err := ca.Issue("127.0.0.1", "localhost")
	require.NoError(t, err)
	k, err := servers.StartKafka(t.Context(), servers.KafkaOptions{
		Brokers: 2, Users: map[string]string{"writer": "correct horse"}, Certificate: cert,
	})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	require.NoError(t, k.CreateTopic(t.Context(), "copy", 3, map[string]string{"max.message.bytes": "2000000"}))

	plain := "kafka_address=" + strings.Join(k.Brokers(), ",")
	secure := "kafka_address=" + k.SecureBrokers()[0]
	tls := []string{secure, "kafka_tls=true", "kafka_ca_cert=" + string(ca.PEM()), "kafka_topic_name=copy"}
	for _, c := range []struct {
		name string
		code int
		env  []string
		want []string
	}{
		{"plain", exitOK, []string{plain, "kafka_topic_name=copy", "kafka_partition=keep"}, []string{
			"✓ login         none is set and none was asked for",
			"✓ brokers       each of 2 brokers of the cluster answers at its advertised address",
			"✓ topic         copy has 3 partitions, takes messages of up to 2,000,000 bytes; with kafka_partition=keep it needs",
			"✓ write         copy may be written to, as the broker says; nothing was",
		}},
		{"a topic that is not there", exitFailure, []string{plain, "kafka_topic_name=copy", "kafka_dead_letter_topic=letters"}, []string{
			"✓ topic         copy has", "✗ topic         letters: ", "none is ever created: look at kafka_dead_letter_topic (letters)",
		}},
		{"SASL and TLS", exitOK, append(tls, "kafka_user=writer", "kafka_password=correct horse", "kafka_sasl_mechanism=SCRAM-SHA-512"), []string{
			"trusted: ", "✓ login         accepted as writer (SCRAM-SHA-512)",
		}},
		{"wrong password", exitFailure, append(tls, "kafka_user=writer", "kafka_password=wrong horse"), []string{
			"✗ login         ", "→ look at kafka_user, kafka_password and kafka_sasl_mechanism",
		}},
		{"no authority", exitFailure, []string{secure, "kafka_tls=true", "kafka_topic_name=copy", "kafka_user=writer", "kafka_password=correct horse"}, []string{
			"✗ certificate   not trusted: certificate signed by unknown authority", "→ look at kafka_ca_cert",
		}},
		{"no TLS", exitFailure, []string{secure, "kafka_topic_name=copy"}, []string{"✗ protocol", "kafka_tls"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, errOut, code := runTool(t, c.env, "check")
			t.Log("\n" + out + errOut)
			require.Equal(t, c.code, code)
			for _, want := range c.want {
				assert.Contains(t, out, want)
			}
			assert.NotContains(t, out+errOut, "horse")
		})
	}
}
