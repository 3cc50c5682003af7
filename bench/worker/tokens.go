//go:build tokens

package main

import (
	"ckafka-etl/bench/candidate/tokens"
	"ckafka-etl/bench/job"
)

func newCandidate() (job.Candidate, error) { return tokens.New() }
