package esclient_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// Elasticsearch 6.8 answered a request that was too large with 413, took the
// rest of its body for another request, and said 400 to that one on the same
// connection. The function took it for the answer to its next request, which
// held one good record: it became a dead letter.
func TestAnswerToSomethingElse(t *testing.T) {
	for _, c := range []struct {
		name string
		// answers are the statuses that each connection gives, one a request.
		answers [][]int
		want    []record.Outcome
	}{
		// What is refused is asked for once more when the index has taken again what it had taken.
		{"behind a 413", [][]int{{201, 413, 400}, {201, 413, 400}, {201}}, []record.Outcome{record.Stored, record.Refused, record.Stored}},
		{"out of nowhere", [][]int{{201, 400}, {201, 201}}, []record.Outcome{record.Stored, record.Stored, record.Stored}},
		{"a document that cannot be read", [][]int{{201, 400}, {400, 201, 400, 201}}, []record.Outcome{record.Stored, record.Refused, record.Stored}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := config.Load([]string{"ES_Address=" + answering(t, c.answers), "ES_Index_KeyWord=k"})
			require.NoError(t, err)
			program, err := transform.New(transform.Options{})
			require.NoError(t, err)
			client, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program})
			require.NoError(t, err)
			defer client.Close()
			var got []record.Outcome
			for range c.want {
				results, _ := client.Write(t.Context(), record.Delivery{Records: []record.Record{{Topic: "t", Body: []byte(`{}`), Batch: &record.Batch{}}}})
				got = append(got, results[0].Outcome)
			}
			assert.Equal(t, c.want, got)
		})
	}
}

// answering is a server whose connections answer as told, without a care for
// what they are asked.
func answering(t *testing.T, answers [][]int) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns sync.WaitGroup
	t.Cleanup(conns.Wait)
	t.Cleanup(func() { _ = l.Close() })
	conns.Go(func() {
		for _, statuses := range answers {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer func() { _ = conn.Close() }()
				in := bufio.NewReader(conn)
				for _, status := range statuses {
					req, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					body, _ := io.ReadAll(req.Body)
					_, id, _ := strings.Cut(string(body), `"_id":"`)
					id, _, _ = strings.Cut(id, `"`)
					answer := ""
					if status == http.StatusCreated {
						status, answer = http.StatusOK, fmt.Sprintf(`{"items":[{"create":{"_id":%q,"status":201}}]}`, id)
					}
					_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s", status, len(answer), answer)
				}
				_, _ = io.Copy(io.Discard, conn) // until the client closes
			})
		}
	})
	return l.Addr().String()
}
