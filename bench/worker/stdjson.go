//go:build stdjson

package main

import (
	"ckafka-etl/bench/candidate/stdjson"
	"ckafka-etl/bench/job"
)

func newCandidate() (job.Candidate, error) { return stdjson.New() }
