package sample_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
)

// The committed event files belong to no package, so they are checked here: a
// new recording that lost what tests rely on fails.

const testdata = "../../testdata"

func readAll(t *testing.T, pattern string) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(testdata, pattern))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	files := map[string][]byte{}
	for _, path := range paths {
		files[filepath.Base(path)], err = os.ReadFile(path)
		require.NoError(t, err)
	}
	return files
}

func TestEventFiles(t *testing.T) {
	count := regexp.MustCompile(`-(\d+)\.json$`)
	for name, data := range readAll(t, "events/*.json") {
		t.Run(name, func(t *testing.T) {
			assert.LessOrEqual(t, len(data), event.MaxBytes)
			bodies, _ := decode(t, data)
			if m := count.FindStringSubmatch(name); m != nil {
				want, err := strconv.Atoi(m[1])
				require.NoError(t, err)
				assert.Equal(t, want, len(bodies), "records") // Len would print them all
			} else if name != "variant-empty-records.json" {
				assert.NotEmpty(t, bodies)
			}
		})
	}
}

func TestBadFiles(t *testing.T) {
	notJSON := []string{
		"payload-bom.json", "payload-control.json", "payload-empty.json", "payload-not-json.json",
		"payload-trailing-garbage.json", "payload-two-events.json", "truncated-payload.json",
	}
	for name, data := range readAll(t, "bad/*.json") {
		t.Run(name, func(t *testing.T) {
			assert.LessOrEqual(t, len(data), event.MaxBytes)
			valid := jsontext.Value(data).IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
			if !valid {
				assert.Contains(t, notJSON, name)
				return
			}
			assert.NotContains(t, notJSON, name)
		})
	}
}

func TestEveryFileIsInTheReadme(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(testdata, "README.md"))
	require.NoError(t, err)
	for _, pattern := range []string{"events/*.json", "bad/*.json"} {
		for name := range readAll(t, pattern) {
			assert.Contains(t, string(readme), "`"+strings.TrimSuffix(name, ".json")+"`")
		}
	}
}

func TestRecordingsAreVaried(t *testing.T) {
	for name, wanted := range map[string][]string{
		"access-100.json": {
			`"status":200`, `"status":301`, `"status":304`, `"status":400`, `"status":401`, `"status":404`, `"status":405`, `"status":413`,
			`"status":499`, `"status":502`, `"method":"POST"`, `"method":"DELETE"`, `"method":""`, `\"`, `\\`, `\t`, `\u001B`, "商", "Bearer ",
		},
		"app-200.json": {
			`"level":"ERROR"`, `"level":"DEBUG"`, `"user":{"name":`, `"password":"hunter2"`, `goroutine `, `\n\t`, `1e400`, `9223372036854775808`, `1.10`,
			`"log_id":"order-`, `"log_id":7000000`, `null`, `true`, `[]`, "订单", "🎉",
		},
		"message-200.json": {`"message":"{\"`, `"message":""`, `"message":null`, `"message":{`, `HTTP/1.1\" `, `password=`},
		"nested-50.json":   {`"process":{"name":"shop","runtime":{"go":{`, `"buckets":[[`},
		"text-200.json":    {`] "GET /`, ` [error] `, `password=`, `password="`, ` 499 `, ` 502 `},
		"tiny-500.json":    {`{"at":1`, `"code":304`},
	} {
		bodies, _ := decode(t, readAll(t, "events/"+name)[name])
		all := strings.Join(bodies, "\n")
		for _, want := range wanted {
			assert.True(t, strings.Contains(all, want), "%s holds no %s", name, want)
		}
	}
}

func TestEverySecretHasItsOwnMarker(t *testing.T) {
	data := readAll(t, "bad/secrets-everywhere.json")["secrets-everywhere.json"]
	elements := strings.Split(string(data), `{"Ckafka":`)[1:]
	require.Len(t, elements, 63)
	for i, element := range elements {
		keep, secret := fmt.Sprintf("KEEP-%02d", i+1), fmt.Sprintf("S3CRET-%02d", i+1)
		assert.Contains(t, element, secret)
		assert.Equal(t, strings.Count(element, "S3CRET"), strings.Count(element, secret), "only its own")
		before, _, _ := strings.Cut(element, secret)
		assert.Contains(t, before, keep)
	}
}
