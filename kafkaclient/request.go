package kafkaclient

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/record"
)

// send sends the lanes' batches to a broker. A request can have one batch for
// a partition.
func (j *job) send(ctx context.Context, broker int32, lanes []*lane) {
	k, err := j.c.connection()
	if err != nil {
		for _, l := range lanes {
			m, cause := l.classify(err)
			l.fail(j, m, cause)
		}
		return
	}
	limit := tryTime(ctx)
	req := kmsg.NewPtrProduceRequest()
	req.Acks = -1 // of all replicas in sync
	req.TimeoutMillis = int32((limit * 9 / 10).Milliseconds())
	var sent []*lane
	repeats := false
	for _, l := range lanes {
		t := requestTopic(req, l.topic)
		if hasPartition(t, l.partition) {
			continue // another source partition's is first
		}
		l.numbered = !j.c.plain && l.batch.format == numbered
		if s := l.sequence; l.numbered {
			l.batch.number(s.id, s.epoch, s.next)
		} else {
			l.batch.number(-1, -1, -1)
		}
		p := kmsg.NewProduceRequestTopicPartition()
		p.Partition, p.Records = l.partition, l.batch.wire
		t.Partitions = append(t.Partitions, p)
		j.stats.Bytes += int64(l.batch.size)
		repeats = repeats || l.sends > 0
		l.sends++
		l.flying, l.of = true, j.c.topics[l.topic].incarnation()
		sent = append(sent, l)
	}
	j.stats.Requests++
	if repeats {
		j.stats.Retries++
	}
	j.busy[broker] = true
	limited, cancel := context.WithTimeout(ctx, limit)
	j.spawn(func() func() {
		defer cancel()
		res, err := k.Broker(int(broker)).Request(limited, req)
		return func() {
			j.busy[broker] = false
			answer, _ := res.(*kmsg.ProduceResponse)
			j.answered(ctx, sent, answer, err)
		}
	})
}

func requestTopic(req *kmsg.ProduceRequest, name string) *kmsg.ProduceRequestTopic {
	for i := range req.Topics {
		if req.Topics[i].Topic == name {
			return &req.Topics[i]
		}
	}
	t := kmsg.NewProduceRequestTopic()
	t.Topic = name
	req.Topics = append(req.Topics, t)
	return &req.Topics[len(req.Topics)-1]
}

func hasPartition(t *kmsg.ProduceRequestTopic, partition int32) bool {
	for i := range t.Partitions {
		if t.Partitions[i].Partition == partition {
			return true
		}
	}
	return false
}

// answered judges the batches of a request by its answer.
func (j *job) answered(ctx context.Context, lanes []*lane, answer *kmsg.ProduceResponse, err error) {
	if err == nil && answer == nil {
		err = errors.New("the broker gave another answer than one to a produce request")
	}
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		j.c.disconnect() // who does not answer may be there no more
	}
	for _, l := range lanes {
		l.flying = false
		switch p := answerFor(answer, l); {
		case err != nil:
			l.batch.lent = true // the request may still be being written
			m, cause := l.classify(err)
			if ctx.Err() != nil && l.cause != nil {
				cause = l.cause // the reason why there was no time left
			}
			l.fail(j, m, cause)
		case p == nil:
			l.fail(j, meaning{verdict: again}, &record.Cause{
				Type: "no_answer", Safe: "the broker's answer leaves out the partition", Hint: "look at the brokers' logs", Index: l.topic,
			})
		default:
			l.judge(j, p)
		}
	}
}

func answerFor(answer *kmsg.ProduceResponse, l *lane) *kmsg.ProduceResponseTopicPartition {
	if answer == nil {
		return nil
	}
	for i := range answer.Topics {
		t := &answer.Topics[i]
		if t.Topic != l.topic {
			continue
		}
		for n := range t.Partitions {
			if t.Partitions[n].Partition == l.partition {
				return &t.Partitions[n]
			}
		}
	}
	return nil
}
