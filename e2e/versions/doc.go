// Package versions tests every command of etlctl, and the function, on each
// version of Kafka that is in the field. README's table of versions says what is
// seen here.
//
// The tests need the build tag e2e: make e2e.
package versions
