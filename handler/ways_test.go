package handler_test

import (
	"context"
	"fmt"
	"testing"

	"ckafka-etl/internal/lab/modelserver"
)

// Each way to refuse everything by itself, so that each is met in every run and
// a failure names it.
func TestEachWayToRefuseEverything(t *testing.T) {
	for _, f := range modelserver.EveryRefusal() {
		for _, warm := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/warm=%t", f, warm), func(t *testing.T) {
				o := outage{
					Phases:  []modelserver.Phase{{Fault: f}},
					Records: 12, Deliveries: 2, Warm: warm, BulkBytes: 5 << 20, Topic: true,
				}
				recs := o.records()
				var seen outageSeen
				bubble(t, func(ctx context.Context) { seen = o.run(ctx, recs) })
				o.check(t, recs, seen)
			})
		}
	}
}
