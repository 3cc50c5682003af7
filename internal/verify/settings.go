package verify

import (
	"context"
	"fmt"

	"ckafka-etl/internal/core/brokers"
)

// settings asks for the topic's settings that matter. Who may not see them, or
// has brokers before 0.11, is taken to have a topic that is not compacted, as
// most are.
func (t *topic) settings(ctx context.Context) {
	if s, err := brokers.AskSettings(ctx, t.client, t.cfg.Name); err == nil {
		t.compact, t.format = s.Compacted, s.Format
	}
}

// headerless says why the topic's records have no headers, "" if they may have
// some. It is asked before anything is read, which may take long.
func (t *topic) headerless(ctx context.Context) (string, error) {
	if !t.format.Headers() {
		return "its message.format.version is " + string(t.format), nil
	}
	a, err := brokers.Ask(ctx, t.client)
	if err == nil && !a.RecordBatches() {
		return "its brokers are older than Kafka 0.11", nil
	}
	return "", err
}

// requireHeaders fails if records cannot be paired by headers.
func (t *topic) requireHeaders(ctx context.Context) error {
	why, err := t.headerless(ctx)
	if err == nil && why != "" {
		err = fmt.Errorf("%s, so its records have no headers that say which source record they are copies of: compare by content (--match content)", why)
	}
	return err
}
