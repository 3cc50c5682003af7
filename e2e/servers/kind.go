// Package servers starts real servers on the loopback interface, for tests and
// benchmarks: Elasticsearch, OpenSearch, Kafka, and an nginx in front of them.
// Java 17 and Maven are all that most of them need, Java 21 the newest (see
// Require): the jars are fetched once, into the user's cache (see CacheDir),
// and a later run needs no network.
//
// Every server is a process of its own that ends with this one, however this
// one ends. Its files are in a temporary folder until Close. The package runs
// on Linux only; elsewhere it compiles and every start is an error.
package servers

import (
	"fmt"
	"slices"
	"strings"
)

// Kind names a server and its version. What there is to say of one stands in
// its recipe.
type Kind string

// The kinds.
const (
	KindES6         Kind = "es6"         // Elasticsearch 6.8.23
	KindES710       Kind = "es710"       // Elasticsearch 7.10.2, which sends no X-Elastic-Product header
	KindES7         Kind = "es7"         // Elasticsearch 7.17.28
	KindES8         Kind = "es8"         // Elasticsearch 8.17.0; it has no GET /
	KindES819       Kind = "es819"       // Elasticsearch 8.19.0; no GET / either; Java 21
	KindES9         Kind = "es9"         // Elasticsearch 9.0.0; no GET / either; Java 21
	KindOpenSearch2 Kind = "opensearch2" // OpenSearch 2.19.1
	KindOpenSearch3 Kind = "opensearch3" // OpenSearch 3.3.2; Java 21
	KindKafka       Kind = "kafka"       // Kafka 3.9.1
	KindKafka0102   Kind = "kafka0102"   // Kafka 0.10.2.2, with a ZooKeeper as all before 3
	KindKafka111    Kind = "kafka111"    // Kafka 1.1.1
	KindKafka24     Kind = "kafka24"     // Kafka 2.4.1
	KindKafka28     Kind = "kafka28"     // Kafka 2.8.1
	KindKafka41     Kind = "kafka41"     // Kafka 4.1.1
)

// Kinds returns every kind.
func Kinds() []Kind {
	kinds := make([]Kind, len(allRecipes))
	for i, r := range allRecipes {
		kinds[i] = r.kind
	}
	return kinds
}

// SearchKinds returns the kinds that StartElasticsearch starts.
func SearchKinds() []Kind {
	return slices.DeleteFunc(Kinds(), Kind.IsKafka)
}

// KafkaKinds returns the kinds that StartKafka starts, the oldest first.
func KafkaKinds() []Kind {
	return []Kind{KindKafka0102, KindKafka111, KindKafka24, KindKafka28, KindKafka, KindKafka41}
}

// IsKafka reports whether StartKafka starts the kind.
func (k Kind) IsKafka() bool { return slices.Contains(KafkaKinds(), k) }

// Selected parses a choice of kinds, such as the value of E2E_SERVERS: names
// with commas between, in any order. Nothing chosen means every kind.
func Selected(list string) ([]Kind, error) {
	chosen := make([]Kind, 0, len(Kinds()))
	for name := range strings.SplitSeq(list, ",") {
		kind := Kind(strings.TrimSpace(name))
		if kind == "" || slices.Contains(chosen, kind) {
			continue
		}
		if !slices.Contains(Kinds(), kind) {
			return nil, unknownKind(kind)
		}
		chosen = append(chosen, kind)
	}
	if len(chosen) == 0 {
		return Kinds(), nil
	}
	return chosen, nil
}

func unknownKind(kind Kind) error {
	return fmt.Errorf("unknown server %q; known: %s", kind, joinKinds(Kinds()))
}

func joinKinds(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
