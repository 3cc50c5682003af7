package trigger

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
)

// maxProduced is the largest record that can be produced. CKafka takes messages
// of up to 12 MB.
const maxProduced = 13 << 20

// oversize deals with a record that fits into no event. An error stops the
// partition before it.
func (w *worker) oversize(r *kgo.Record, cause error) error {
	switch w.t.cfg.Oversize {
	case OversizeSkip:
	case OversizeDead:
		if err := w.bury(r); err != nil {
			return fmt.Errorf("%w, and it could not be produced to %s: %w", cause, w.t.cfg.OversizeTopic, err)
		}
	case OversizeStop:
		return cause
	}
	w.t.cfg.Report(Notice{Kind: Dropped, Partition: r.Partition, Offset: r.Offset, Records: 1, Bytes: len(r.Value), Err: cause})
	return nil
}

// bury produces the record, with where it is from, to the topic for such.
func (w *worker) bury(r *kgo.Record) error {
	return w.t.client.ProduceSync(w.ctx, &kgo.Record{
		Topic: w.t.cfg.OversizeTopic, Key: r.Key, Value: r.Value,
		Headers: append(slices.Clone(r.Headers),
			kgo.RecordHeader{Key: "source.topic", Value: []byte(r.Topic)},
			kgo.RecordHeader{Key: "source.partition", Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
			kgo.RecordHeader{Key: "source.offset", Value: strconv.AppendInt(nil, r.Offset, 10)},
		),
	}).FirstErr()
}
