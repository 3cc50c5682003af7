//go:build fastjson

package main

import (
	"ckafka-etl/bench/candidate/fastjson"
	"ckafka-etl/bench/job"
)

func newCandidate() (job.Candidate, error) { return fastjson.New() }
