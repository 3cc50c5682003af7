package redrive

import (
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// letterOf reads what kafkaclient.DeadLetters has written.
func letterOf(rec *kgo.Record) Letter {
	l := Letter{
		Place: rec.Topic + "/" + strconv.Itoa(int(rec.Partition)) + "/" + strconv.FormatInt(rec.Offset, 10),
		Time:  rec.Timestamp, Key: rec.Key, Text: rec.Value,
		Partition: record.Unknown, Offset: record.Unknown,
	}
	for _, h := range rec.Headers {
		switch v := string(h.Value); h.Key {
		case kafkaclient.HeaderErrorType:
			l.Cause = v
		case kafkaclient.HeaderTargetSink:
			l.Sink = v
		case kafkaclient.HeaderTargetIndex:
			l.Index = v
		case kafkaclient.HeaderTargetID:
			l.ID = v
		case kafkaclient.HeaderDocumentBytes, kafkaclient.HeaderKeyBytes:
			l.Truncated = true
		case kafkaclient.HeaderValue:
			l.Raw = v == kafkaclient.ValueRaw
		case kafkaclient.HeaderSourceTopic:
			l.Topic = v
		case kafkaclient.HeaderSourcePartition:
			if n, err := strconv.ParseInt(v, 10, 32); err == nil && n >= 0 {
				l.Partition = int32(n)
			}
		case kafkaclient.HeaderSourceOffset:
			if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
				l.Offset = n
			}
		}
	}
	l.Generated = ours(l.ID, l.Partition, l.Offset)
	return l
}
