//go:build simdjson

package main

import (
	"ckafka-etl/bench/candidate/simdjson"
	"ckafka-etl/bench/job"
)

func newCandidate() (job.Candidate, error) { return simdjson.New() }
