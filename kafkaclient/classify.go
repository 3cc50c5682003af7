package kafkaclient

import (
	"errors"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"

	"ckafka-etl/internal/core/netfault"
	"ckafka-etl/record"
)

// verdict is what an answer means for a batch.
type verdict uint8

const (
	stored     verdict = iota
	again              // the same again, after a back-off
	moved              // likewise, after asking who leads the partition now
	absent             // likewise, a few times: the topic does not seem to exist
	renumber           // the broker has lost count: the same under a new number
	unnumbered         // the same without idempotence
	oldFormat          // the same without idempotence and headers, which the topic's messages cannot have
	corrupt            // damaged on its way, or a message that the topic does not take
	split              // too large: in two
	refused            // a message in it will never be accepted for what it is
	hold               // not accepted before somebody changes something
)

// meaning is what an error of Kafka means.
type meaning struct {
	verdict verdict
	// hint tells what to look at. In it TOPIC stands for the variable with the
	// topic's name.
	hint string
}

const (
	hintLeader   = "the partition has no leader, or a new one: look at the brokers"
	hintReplicas = "too few replicas are in sync: look at the brokers and at the topic's min.insync.replicas"
	hintLogin    = "look at kafka_user, kafka_password and kafka_sasl_mechanism"
	hintSize     = "the message is larger than the topic takes: look at max.message.bytes of TOPIC"
	hintFormat   = "look at the topic's message.format.version"
	hintCount    = "the broker has lost count of the batches: look at the brokers' logs"
)

// meanings are the errors that an answer can have. What is not here is decided
// by whether Kafka calls it retriable.
var meanings = map[int16]meaning{
	0: {verdict: stored},
	// An earlier try was written.
	kerr.DuplicateSequenceNumber.Code: {verdict: stored},

	kerr.UnknownServerError.Code:           {again, "look at the brokers' logs"},
	kerr.RequestTimedOut.Code:              {again, hintReplicas},
	kerr.NotEnoughReplicas.Code:            {again, hintReplicas},
	kerr.NotEnoughReplicasAfterAppend.Code: {again, hintReplicas},
	kerr.CorruptMessage.Code: {
		corrupt, "damaged on its way, or without a key in a compacted topic: look at cleanup.policy of TOPIC",
	},
	kerr.ThrottlingQuotaExceeded.Code: {again, "look at the quotas of kafka_user"},

	kerr.LeaderNotAvailable.Code:    {moved, hintLeader},
	kerr.NotLeaderForPartition.Code: {moved, hintLeader},
	kerr.BrokerNotAvailable.Code:    {moved, hintLeader},
	kerr.ReplicaNotAvailable.Code:   {moved, hintLeader},
	kerr.NetworkException.Code:      {moved, hintLeader},
	kerr.ListenerNotFound.Code:      {moved, hintLeader},
	kerr.FencedLeaderEpoch.Code:     {moved, hintLeader},
	kerr.UnknownLeaderEpoch.Code:    {moved, hintLeader},
	kerr.KafkaStorageError.Code:     {moved, "look at the brokers' disks"},

	kerr.UnknownTopicOrPartition.Code: {absent, "there is no such topic, and none is ever created: look at TOPIC"},

	kerr.OutOfOrderSequenceNumber.Code: {renumber, hintCount},
	kerr.UnknownProducerID.Code:        {renumber, hintCount},
	kerr.InvalidProducerEpoch.Code:     {renumber, hintCount},
	kerr.InvalidProducerIDMapping.Code: {renumber, hintCount},
	kerr.ProducerFenced.Code:           {renumber, hintCount},

	kerr.ClusterAuthorizationFailed.Code:  {unnumbered, "look at the rights of kafka_user on the cluster"},
	kerr.UnsupportedForMessageFormat.Code: {oldFormat, hintFormat},

	kerr.MessageTooLarge.Code:    {split, hintSize},
	kerr.RecordListTooLarge.Code: {split, "the message is larger than a segment: look at segment.bytes of TOPIC"},
	kerr.InvalidRecord.Code:      {refused, "look at cleanup.policy of TOPIC and at what validates its records"},

	kerr.TopicAuthorizationFailed.Code:   {hold, "look at the rights of kafka_user on TOPIC"},
	kerr.SaslAuthenticationFailed.Code:   {hold, hintLogin},
	kerr.UnsupportedSaslMechanism.Code:   {hold, "look at kafka_sasl_mechanism"},
	kerr.IllegalSaslState.Code:           {hold, hintLogin},
	kerr.InvalidTopicException.Code:      {hold, "look at TOPIC"},
	kerr.InvalidTimestamp.Code:           {hold, "look at the clocks and at message.timestamp settings of TOPIC"},
	kerr.PolicyViolation.Code:            {hold, "look at the policy of TOPIC"},
	kerr.UnsupportedCompressionType.Code: {hold, "look at kafka_compression"},
	kerr.UnsupportedVersion.Code:         {hold, "Kafka 0.10 or later is needed: look at kafka_address"},
}

// meaningOf returns what an error of Kafka means.
func meaningOf(e *kerr.Error) meaning {
	if m, ok := meanings[e.Code]; ok {
		return m
	}
	if e.Retriable {
		return meaning{verdict: moved, hint: hintLeader}
	}
	return meaning{verdict: hold, hint: "look at the brokers' logs"}
}

// kafkaError returns the error of Kafka inside err.
func kafkaError(err error) (*kerr.Error, bool) { return errors.AsType[*kerr.Error](err) }

// place is what hints are about.
type place struct {
	variable string // with the topic's name
	topic    string
}

// classify says what an error means for what was to be written to a place.
func (p place) classify(err error) (meaning, *record.Cause) {
	if e, ok := kafkaError(err); ok {
		m := meaningOf(e)
		return m, p.cause(e, m, "")
	}
	m, kind, safe := ofNetwork(err)
	return m, &record.Cause{
		Type: kind, Reason: short(err.Error()), Safe: safe, Hint: p.hint(m.hint), Index: p.topic, Permanent: m.verdict == hold,
	}
}

// cause describes an error of Kafka. Detail is the broker's own explanation.
func (p place) cause(e *kerr.Error, m meaning, detail string) *record.Cause {
	reason := detail
	if reason == "" {
		reason = e.Description
	}
	return &record.Cause{
		Type: e.Message, Reason: reason, Safe: ownWords(detail, short(e.Description)), Hint: p.hint(m.hint), Index: p.topic,
		Permanent: m.verdict == hold,
	}
}

func (p place) hint(h string) string {
	return strings.ReplaceAll(h, "TOPIC", p.variable+" ("+p.topic+")")
}

// ofNetwork says what it means that there was no answer that could be read.
// Safe is fit for logs: none of these errors holds a message or a secret.
func ofNetwork(err error) (m meaning, kind, safe string) {
	f := netfault.Of(err)
	m, kind, safe = meaning{verdict: moved, hint: networkHints[f.Kind]}, f.Type, f.Text
	switch {
	case strings.Contains(err.Error(), "below the user defined min"), strings.Contains(err.Error(), tooOld):
		return meanings[kerr.UnsupportedVersion.Code], kerr.UnsupportedVersion.Message, "the broker is older than Kafka 0.10"
	case f.Kind == netfault.SpeaksHTTP:
		kind, safe = "no_kafka", "the server speaks HTTP and not Kafka's protocol"
	default:
		safe = strings.Replace(safe, "the server", "the broker", 1)
	}
	if m.hint == "" {
		m.hint = "look at kafka_address, the function's VPC and the brokers"
	}
	if f.Lasting {
		m.verdict = hold
	}
	return m, kind, safe
}

// tooOld is what kgo says of a broker that does not know a request at all.
const tooOld = "broker is too old"

const hintTLS = "look at kafka_tls and at the port in kafka_address"

// networkHints tell what to look at.
//
//nolint:gochecknoglobals // a table that is never written
var networkHints = map[netfault.Kind]string{
	netfault.UnknownCA:  "look at kafka_ca_cert",
	netfault.WrongName:  "the certificate is for another name: look at kafka_address",
	netfault.BadChain:   "look at the brokers' certificates: have they expired?",
	netfault.NoTLS:      hintTLS,
	netfault.WantsTLS:   hintTLS,
	netfault.SpeaksHTTP: "look at the port in kafka_address",
	// Brokers that end do so, and old ones that refuse a login.
	netfault.Disconnected: "look at the brokers; if it is always so, does the port want TLS or another login? look at kafka_tls, kafka_user, kafka_password and kafka_sasl_mechanism",
	netfault.NoAnswer:     "look at kafka_address, at the function's VPC and timeout, and at the brokers' load",
	netfault.Refused:      "nothing listens there: look at kafka_address and at the brokers",
}

// short cuts a text to a length that a log line can bear.
func short(s string) string {
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
