// Package kafka tests the Kafka sink against real brokers, and against Kafka's
// own Java client. The tests need the build tag e2e.
package kafka
