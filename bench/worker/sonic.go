//go:build sonic

package main

import (
	"ckafka-etl/bench/candidate/sonic"
	"ckafka-etl/bench/job"
)

func newCandidate() (job.Candidate, error) { return sonic.New() }
