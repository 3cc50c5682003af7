//go:build !race

package handler

// runsPerRound makes a round long enough to be measured.
const runsPerRound = 10

func usualRatios() [5]float64 { return [...]float64{1.0, 0.8, 1.3, 1.2, 1.4} }
