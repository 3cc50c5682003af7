// Package trigger tests etlctl trigger between a real Kafka and a real
// Elasticsearch, undisturbed and under a schedule of faults (make chaos).
//
// The tests need the build tag e2e: make e2e.
package trigger
