// Command main is a Tencent Cloud function that moves CKafka records to
// Elasticsearch and to another Kafka. See README.md.
package main

import (
	"os"

	"github.com/tencentyun/scf-go-lib/cloudfunction"

	"ckafka-etl/config"
	"ckafka-etl/handler"
	"ckafka-etl/pipeline"
)

func main() {
	cloudfunction.StartHandler(&handler.Handler{
		// Variables travel with each request and may change at any time.
		Environ: func() []string { return config.Relevant(os.Environ()) },
		Build:   pipeline.Build,
		Log:     os.Stdout,
	})
}
