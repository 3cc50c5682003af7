// Command main is a Tencent Cloud function that moves CKafka records to
// Elasticsearch and to another Kafka. See README.md.
package main

import (
	"log/slog"
	"os"

	"github.com/tencentyun/scf-go-lib/cloudfunction"

	"ckafka-etl/config"
	"ckafka-etl/handler"
)

func main() {
	cloudfunction.StartHandler(&handler.Handler{
		// Variables travel with each request and may change at any time.
		Environ: func() []string { return config.Relevant(os.Environ()) },
		Build:   func(environ []string, log *slog.Logger) (*handler.Pipeline, error) { return build(environ, log) },
		Log:     os.Stdout,
	})
}
