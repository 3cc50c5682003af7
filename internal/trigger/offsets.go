package trigger

import (
	"context"
	"fmt"
	"maps"

	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/internal/topicmeta"
)

// checkTopic asks the cluster for the topic, so that what is wrong with the
// address, the login or the name is said at once.
func checkTopic(ctx context.Context, opts []kgo.Opt, topic string) error {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err = topicmeta.Describe(ctx, client, topic); err != nil {
		return fmt.Errorf("topic %s: %w", topic, err)
	}
	return nil
}

// listOffsets returns the offset in each partition that query asks for. A time
// that no record has reached is the end.
func listOffsets(ctx context.Context, client *kgo.Client, topic string, partitions []int32, query int64) (map[int32]int64, error) {
	found, err := topicmeta.Offsets(ctx, client, topic, partitions, query)
	if err != nil {
		return nil, err
	}
	var behind []int32
	for p, offset := range found {
		if offset < 0 {
			behind = append(behind, p)
		}
	}
	if len(behind) == 0 {
		return found, nil
	}
	ends, err := topicmeta.Offsets(ctx, client, topic, behind, topicmeta.End)
	maps.Copy(found, ends)
	return found, err
}
