package standin

import (
	"fmt"
	"strings"
)

// Version is the release of a real server whose answers the stand-in gives.
type Version int

// The releases whose answers were recorded (testdata/real).
const (
	ES717       Version = iota // Elasticsearch 7.17.28, the default
	ES68                       // Elasticsearch 6.8.23
	ES710                      // Elasticsearch 7.10.2
	ES817                      // Elasticsearch 8.17.0
	OpenSearch2                // OpenSearch 2.19.1
)

// ParseVersion reads a version as String writes it, or its first one or two
// numbers: "7.17.28", "7.10", "8", "opensearch 2.19.1", "opensearch".
func ParseVersion(s string) (Version, error) {
	want := strings.ToLower(strings.TrimSpace(s))
	for _, v := range []Version{ES717, ES68, ES710, ES817, OpenSearch2} {
		name := v.String()
		if want != "" && (name == want || strings.HasPrefix(name, want+".") || strings.HasPrefix(name, want+" ")) {
			return v, nil
		}
	}
	return 0, fmt.Errorf("version %q is not one of 6.8.23, 7.10.2, 7.17.28, 8.17.0, opensearch 2.19.1", s)
}

// String is the release's number, with "opensearch " before it for OpenSearch.
func (v Version) String() string {
	if v == OpenSearch2 {
		return "opensearch " + v.number()
	}
	return v.number()
}

func (v Version) number() string {
	switch v {
	case ES68:
		return "6.8.23"
	case ES710:
		return "7.10.2"
	case ES817:
		return "8.17.0"
	case OpenSearch2:
		return "2.19.1"
	default:
		return "7.17.28"
	}
}

// namesTypes says that answers name the type of a document, _doc mostly.
func (v Version) namesTypes() bool { return v == ES68 || v == ES710 || v == ES717 }

// namesProduct says that the server names its product, which clients may demand.
// Seen on 7.17 and 8.17; 7.10 and OpenSearch don't, the header came with 7.14.
func (v Version) namesProduct() bool { return v == ES717 || v == ES817 }

// lenientDates: the date detection of these takes 2020/13/01 for a date, and
// the document is then refused.
func (v Version) lenientDates() bool { return v == ES710 || v == ES717 || v == OpenSearch2 }

func (v Version) contentType() string {
	if v == ES817 {
		return "application/json"
	}
	return "application/json; charset=UTF-8"
}

// parsing is the exception for a document that cannot be parsed. 8.10 renamed it.
func (v Version) parsing() string {
	if v == ES817 {
		return "document_parsing_exception"
	}
	return "mapper_parsing_exception"
}
