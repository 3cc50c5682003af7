// Command main is a Tencent Cloud function that moves CKafka records to
// Elasticsearch and to another Kafka. See README.md.
package main

import (
	"log"
	"os"

	"ckafka-etl/config"
	"ckafka-etl/handler"
	"ckafka-etl/internal/service"
	"ckafka-etl/pipeline"
)

func main() {
	// Variables travel with each request. The platform's library puts them into
	// the process's environment and takes none out, so that only what is there
	// before the first request is the process's own.
	own := config.Relevant(os.Environ())
	err := service.Run(&handler.Handler{
		Environ:  func() []string { return own },
		Relevant: config.IsRelevant,
		Build:    pipeline.Build,
		Log:      os.Stdout,
	}, os.Getenv(service.Variable))
	if err != nil {
		log.Fatal(err)
	}
}
