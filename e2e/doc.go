// Package e2e tests the built function from outside: it runs as the platform
// runs it, gets the events that the trigger sends, and writes to real servers
// (see package servers).
//
// The tests need the build tag e2e: make e2e. E2E_SERVERS picks servers
// (es7,opensearch2), and E2E_LOGS is a folder that keeps the logs of the
// servers whose tests failed. What a function process printed is part of a
// failed test's output.
package e2e
