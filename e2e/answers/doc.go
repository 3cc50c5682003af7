// Package answers has real servers refuse documents in every way that
// settings, templates and documents can make them, and keeps what they answer
// for the tests of package esclient, in its testdata/answers.
//
// The tests need the build tag e2e. They provoke each refusal again and
// compare it with the file; with the flag -record they write the file:
//
//	go test -tags e2e -count=1 ./e2e/answers -record
//
// E2E_SERVERS picks servers.
package answers
