//go:build ours

package main

import (
	"ckafka-etl/bench/candidate/ours"
	"ckafka-etl/bench/job"
)

func newCandidate() (job.Candidate, error) { return ours.New() }
