package brokers

import (
	"maps"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Common is what each of several brokers can do, those of a cluster in the
// middle of an upgrade.
func Common(all ...Abilities) Abilities {
	var common Abilities
	for _, a := range all {
		if common == nil {
			common = maps.Clone(a)
			continue
		}
		for key, newest := range common {
			if other, ok := a[key]; ok {
				common[key] = min(newest, other)
			} else {
				delete(common, key)
			}
		}
	}
	return common
}

// TopicSettings are told: Kafka 0.11.
func (a Abilities) TopicSettings() bool { return a.knows(kmsg.DescribeConfigs, 0) }

// LastingOffsets do not expire while their group lives: Kafka 2.1.
func (a Abilities) LastingOffsets() bool { return a.knows(kmsg.OffsetCommit, 5) }

// Rights on a topic are told with it: Kafka 2.3.
func (a Abilities) Rights() bool { return a.knows(kmsg.Metadata, 8) }

// NamedRefusals say which record of a batch was refused: Kafka 2.4.
func (a Abilities) NamedRefusals() bool { return a.knows(kmsg.Produce, 8) }
