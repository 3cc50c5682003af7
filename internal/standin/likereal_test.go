package standin

import (
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestLikeReal asks the stand-in what real servers were asked and compares.
func TestLikeReal(t *testing.T) {
	if *record != "" {
		recordReal(t)
		return
	}
	all := readGolden(t)
	require.NotEmpty(t, all)
	for _, version := range []string{"6.8.23", "7.10.2", "7.17.28", "8.17.0", "opensearch 2.19.1"} {
		v, err := ParseVersion(version)
		require.NoError(t, err)
		for _, c := range realCases() {
			t.Run(version+"/"+c.group+"/"+c.name, func(t *testing.T) {
				real, known := all[c.group][c.name][version]
				require.True(t, known, "not recorded")
				server := httptest.NewServer(New(append([]Option{WithVersion(v)}, c.options...)...))
				defer server.Close()
				got := loosen(run(t, server.URL, version, c))
				if why := deviation(version, c); why != "" {
					assert.NotEqual(t, loosen(real), got, "no deviation any more: %s", why)
					return
				}
				assert.Equal(t, loosen(real), got)
			})
		}
	}
}

// deviation says why the stand-in answers a case differently on purpose.
func deviation(version string, c realCase) string {
	key := c.group + "/" + c.name
	for _, d := range []struct{ why, versions, cases string }{
		{"stricter: no comments, byte order marks, impossible UTF-8", ``, `^(source|action)/(comment|line comment|byte order mark|overlong UTF-8|UTF-8 surrogate|UTF-8 above Unicode)$`},
		{"no POST of a single document", `^(8|opensearch)`, `^bulk/url index and type$`},
		{"no default type", `^[67]`, `^query/type=_doc$`},
		{"the recorded 8.17 was built without GET /", `^8`, `^request/(GET|HEAD|POST) /$`},
		{"no dense vectors", `^8`, `^mapping/floats 200$`},
		{"one reason and no sequence number lost", ``, `^source/field _primary_term$`},
		{"no empty index name in the error", `^opensearch`, `^action/index name empty$`},
	} {
		if regexp.MustCompile(d.versions).MatchString(version) && regexp.MustCompile(d.cases).MatchString(key) {
			return d.why
		}
	}
	return ""
}

var (
	jackson   = regexp.MustCompile(`(json_parse_exception|json_e_o_f_exception|x_content_parse_exception|x_content_e_o_f_exception|array_index_out_of_bounds_exception): (%!q\(<nil>\)|"(?:[^"\\]|\\.)*")`)
	parsing   = regexp.MustCompile(`document_parsing_exception: "(failed to parse: )?(?:[^"\\]|\\.)*" <- (json_|x_content_p|x_content_e)`)
	place     = regexp.MustCompile(`\b1:\d+`)
	merging   = regexp.MustCompile(`"(?:mapper \[|[Cc]an't merge a non object mapping \[|Mapper for \[)([^\]]*)\](?:[^"\\]|\\.)*"`)
	deepest   = regexp.MustCompile(`has been exceeded due to object field \[[^\]]*\]`)
	malformed = regexp.MustCompile(`(Invalid format: \\"[^"]*\\") is malformed at \\"[^"]*\\"`)
	meant     = regexp.MustCompile(` -> did you mean [^"]*\?`)
	allowed   = regexp.MustCompile(`allowed: \[([^\]]*)\]`)
	docCount  = regexp.MustCompile(`"build_[a-z]*":[^,}]*,?`)
)

// loosen takes out of an answer what the stand-in does not promise: the JSON
// parser's words, columns, the order in which two types of one field are
// named, and guesses at what was meant.
func loosen(s string) string {
	s = jackson.ReplaceAllString(s, "$1")
	s = parsing.ReplaceAllString(s, "document_parsing_exception <- $2")
	s = place.ReplaceAllString(s, "1:n")
	s = merging.ReplaceAllString(s, "two types for $1")
	s = deepest.ReplaceAllString(s, "has been exceeded")
	s = malformed.ReplaceAllString(s, "$1")
	s = meant.ReplaceAllString(s, "")
	s = docCount.ReplaceAllString(s, "")
	return allowed.ReplaceAllStringFunc(s, func(m string) string {
		methods := strings.Split(allowed.FindStringSubmatch(m)[1], ", ")
		slices.Sort(methods)
		return strings.Join(methods, " ")
	})
}
