package kafkaclient_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// epochsByPartition has a cluster keep the epochs of a producer id by partition,
// as Kafka does; kfake keeps one for all. For each partition a producer id of the
// client's is another one for the cluster.
func epochsByPartition(t fatal, c *kfake.Cluster) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer client.Close()
	var spare []int64
	for range 64 {
		res, err := kmsg.NewPtrInitProducerIDRequest().RequestWith(context.Background(), client)
		if err != nil {
			t.Fatalf("%v", err)
		}
		spare = append(spare, res.ProducerID)
	}
	type key struct {
		id        int64
		partition int32
	}
	ids := make(map[key]int64)
	c.ControlKey(produceKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		p, _ := req.(*kmsg.ProduceRequest)
		for i := range p.Topics {
			for n := range p.Topics[i].Partitions {
				part := &p.Topics[i].Partitions[n]
				const idAt, crcAt, attributesAt = 43, 17, 21
				k := key{int64(binary.BigEndian.Uint64(part.Records[idAt:])), part.Partition}
				if k.id < 0 {
					continue
				}
				if _, ok := ids[k]; !ok {
					ids[k], spare = spare[0], spare[1:]
				}
				part.Records = bytes.Clone(part.Records)
				binary.BigEndian.PutUint64(part.Records[idAt:], uint64(ids[k]))
				crc := crc32.Checksum(part.Records[attributesAt:], crc32.MakeTable(crc32.Castagnoli))
				binary.BigEndian.PutUint32(part.Records[crcAt:], crc)
			}
		}
		return nil, nil, false
	})
}
