//go:build race

package handler

// runsPerRound makes a round long enough to be measured.
const runsPerRound = 1

// usualRatios are what the path usually takes for an event of each kind of
// record: its CPU time as a multiple of json.Valid's, both
// slowed down by the race detector.
func usualRatios() map[string]float64 {
	return map[string]float64{"access": 2.3, "nested": 2.6, "message": 3.2, "tiny": 2.1, "text": 2.1}
}
