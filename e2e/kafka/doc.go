// Package kafka tests the Kafka sink against real brokers and against Kafka's
// own Java client, and the move of a topic to another cluster: trigger, function
// and verification. The tests need the build tag e2e.
package kafka
