// Package event reads and builds trigger events: the JSON that the CKafka trigger sends
// to a function.
package event

import "strconv"

// The trigger's limits for one event.
const (
	MaxRecords = 10_000          // the largest maxMsgNum
	MaxBytes   = 6 * 1024 * 1024 // the whole JSON text
)

// Record is one Kafka record.
type Record struct {
	Topic     string
	Partition int32
	Offset    int64
	Key       []byte // nil: the record has no key
	Body      []byte
}

const (
	head = `{"Records":[`
	tail = `]}`
)

// Append appends the event that holds recs in their order. A record without a
// key gets the key "None", as the trigger writes it. Bytes that are no valid
// UTF-8 cannot travel in JSON: each becomes U+FFFD.
func Append(dst []byte, recs []Record) []byte {
	dst = append(dst, head...)
	for i := range recs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendRecord(dst, &recs[i])
	}
	return append(dst, tail...)
}

func appendRecord(dst []byte, r *Record) []byte {
	dst = append(dst, `{"Ckafka":{"topic":`...)
	dst = appendString(dst, []byte(r.Topic))
	dst = append(dst, `,"partition":`...)
	dst = strconv.AppendInt(dst, int64(r.Partition), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, r.Offset, 10)
	dst = append(dst, `,"msgKey":`...)
	if r.Key == nil {
		dst = append(dst, `"None"`...)
	} else {
		dst = appendString(dst, r.Key)
	}
	dst = append(dst, `,"msgBody":`...)
	dst = appendString(dst, r.Body)
	return append(dst, `}}`...)
}
