//go:build !(ours || stdjson || tokens || fastjson || sonic || simdjson)

package main

import "ckafka-etl/bench/job"

type none struct{}

func newCandidate() (job.Candidate, error) { return none{}, nil }

func (none) Run(_, dst []byte) (body []byte, records int, err error) { return dst, 0, nil }
