package kafkaclient

import (
	"context"
	"strconv"

	"ckafka-etl/record"
)

// group is the items of one source partition.
type group struct {
	source source
	topic  string
	items  []int32
}

// prepare finds out where the items go, and makes the lanes. Nothing is
// written before all of it is known.
func (j *job) prepare(ctx context.Context) {
	groups := j.groups()
	failed := make(map[string]*record.Cause)
	partitions := make(map[string]int)
	var unable *record.Cause
	if len(groups) > 0 {
		unable = j.persist(ctx, groups[0].topic, j.c.look)
	}
	for _, g := range groups {
		if _, done := failed[g.topic]; done {
			continue
		}
		if failed[g.topic] = unable; unable != nil {
			continue
		}
		failed[g.topic] = j.persist(ctx, g.topic, func(ctx context.Context) error {
			t, err := j.c.learn(ctx, g.topic)
			if err == nil {
				partitions[g.topic] = len(t.leaders)
			}
			return err
		})
		if failed[g.topic] == nil {
			j.c.lookAt(ctx, g.topic)
			failed[g.topic] = j.headersNeeded(g.topic)
		}
	}
	for _, g := range groups {
		if failed[g.topic] == nil {
			failed[g.topic] = j.tooFewPartitions(g, partitions[g.topic])
		}
	}
	for _, g := range groups {
		cause := failed[g.topic]
		if cause == nil {
			cause = j.persist(ctx, g.topic, func(ctx context.Context) error { return j.c.identify(ctx, g.source, g.topic) })
		}
		if cause != nil {
			for _, i := range g.items {
				j.results[i].Cause = cause
			}
			continue
		}
		j.addLanes(g, partitions[g.topic])
	}
}

// groups puts the items that are to be written together by source partition.
func (j *job) groups() []*group {
	var groups []*group
	known := make(map[source]*group)
	var last *group
	for i := range j.n {
		if j.admit != nil {
			if res := j.admit(i); res != nil {
				j.results[i] = *res
				continue
			}
		}
		r := j.rec(i)
		s := source{r.Topic, r.Partition}
		if last == nil || last.source != s {
			if last = known[s]; last == nil {
				last = &group{source: s, topic: j.target(r.Topic)}
				if known[s] = last; len(known) == 1 {
					last.items = make([]int32, 0, j.n) // a batch is cut from one partition
				}
				groups = append(groups, last)
			}
		}
		last.items = append(last.items, int32(i))
	}
	return groups
}

func (j *job) tooFewPartitions(g *group, has int) *record.Cause {
	if !j.keep || int(g.source.partition) < has {
		return nil
	}
	return &record.Cause{
		Type: "too_few_partitions", Permanent: true, Index: g.topic,
		Safe: "the source has a partition " + strconv.Itoa(int(g.source.partition)) + ", " + g.topic + " has only " + strconv.Itoa(has) + " partitions; nothing was written",
		Hint: "look at kafka_partition, or give the topic more partitions",
	}
}

// addLanes divides a group's items by target partition.
func (j *job) addLanes(g *group, partitions int) {
	lanes := make(map[int32]*lane)
	for _, i := range g.items {
		p := j.c.partition(j.rec(int(i)), j.keep, partitions)
		l := lanes[p]
		if l == nil {
			l = &lane{place: place{j.variable, g.topic}, source: g.source, partition: p}
			l.sequence = j.c.sequenceOf(g.source, way{g.topic, p})
			lanes[p] = l
			j.lanes = append(j.lanes, l)
		}
		l.items = append(l.items, i)
	}
}

// partition chooses the partition of a record's message.
func (c *Client) partition(r *record.Record, keep bool, n int) int32 {
	switch {
	case keep:
		return r.Partition
	case r.Key != nil:
		c.keyed.Key = r.Key
		return int32(c.chosen.Partition(&c.keyed, n))
	case r.Partition >= 0:
		// Kafka's own producers spread messages without a key as they like.
		// Ours stay together by source partition, which keeps their order.
		return r.Partition % int32(n)
	default:
		return int32(r.Batch.Event % uint64(n))
	}
}
