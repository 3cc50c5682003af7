package kafkaclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kerr"

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
	split              // too large: in two
	refused            // a message in it will never be accepted for what it is
	hold               // not accepted before somebody changes something
)

// meaning is what an error of Kafka means.
type meaning struct {
	verdict verdict
	// unsure says that the batch may have been written all the same.
	unsure bool
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

	kerr.UnknownServerError.Code:           {again, true, "look at the brokers' logs"},
	kerr.RequestTimedOut.Code:              {again, true, hintReplicas},
	kerr.NotEnoughReplicas.Code:            {again, false, hintReplicas},
	kerr.NotEnoughReplicasAfterAppend.Code: {again, true, hintReplicas},
	kerr.CorruptMessage.Code: {
		again, false, "damaged on its way, or without a key in a compacted topic: look at cleanup.policy of TOPIC",
	},
	kerr.ThrottlingQuotaExceeded.Code: {again, false, "look at the quotas of kafka_user"},

	kerr.LeaderNotAvailable.Code:    {moved, false, hintLeader},
	kerr.NotLeaderForPartition.Code: {moved, false, hintLeader},
	kerr.BrokerNotAvailable.Code:    {moved, false, hintLeader},
	kerr.ReplicaNotAvailable.Code:   {moved, false, hintLeader},
	kerr.NetworkException.Code:      {moved, true, hintLeader},
	kerr.ListenerNotFound.Code:      {moved, false, hintLeader},
	kerr.FencedLeaderEpoch.Code:     {moved, false, hintLeader},
	kerr.UnknownLeaderEpoch.Code:    {moved, false, hintLeader},
	kerr.KafkaStorageError.Code:     {moved, false, "look at the brokers' disks"},

	kerr.UnknownTopicOrPartition.Code: {absent, false, "there is no such topic, and none is ever created: look at TOPIC"},

	kerr.OutOfOrderSequenceNumber.Code: {renumber, false, hintCount},
	kerr.UnknownProducerID.Code:        {renumber, false, hintCount},
	kerr.InvalidProducerEpoch.Code:     {renumber, false, hintCount},
	kerr.InvalidProducerIDMapping.Code: {renumber, false, hintCount},
	kerr.ProducerFenced.Code:           {renumber, false, hintCount},

	kerr.ClusterAuthorizationFailed.Code:  {unnumbered, false, "look at the rights of kafka_user on the cluster"},
	kerr.UnsupportedForMessageFormat.Code: {unnumbered, false, hintFormat},

	kerr.MessageTooLarge.Code:    {split, false, hintSize},
	kerr.RecordListTooLarge.Code: {split, false, "the message is larger than a segment: look at segment.bytes of TOPIC"},
	kerr.InvalidRecord.Code:      {refused, false, "look at cleanup.policy of TOPIC and at what validates its records"},

	kerr.TopicAuthorizationFailed.Code:   {hold, false, "look at the rights of kafka_user on TOPIC"},
	kerr.SaslAuthenticationFailed.Code:   {hold, false, hintLogin},
	kerr.UnsupportedSaslMechanism.Code:   {hold, false, "look at kafka_sasl_mechanism"},
	kerr.IllegalSaslState.Code:           {hold, false, hintLogin},
	kerr.InvalidTopicException.Code:      {hold, false, "look at TOPIC"},
	kerr.InvalidTimestamp.Code:           {hold, false, "look at the clocks and at message.timestamp settings of TOPIC"},
	kerr.PolicyViolation.Code:            {hold, false, "look at the policy of TOPIC"},
	kerr.UnsupportedCompressionType.Code: {hold, false, "look at kafka_compression"},
	kerr.UnsupportedVersion.Code:         {hold, false, "Kafka 0.11 or later is needed: look at kafka_address"},
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
		Type: e.Message, Reason: reason, Safe: short(e.Description), Hint: p.hint(m.hint), Index: p.topic,
		Permanent: m.verdict == hold,
	}
}

func (p place) hint(h string) string {
	return strings.ReplaceAll(h, "TOPIC", p.variable+" ("+p.topic+")")
}

// ofNetwork says what it means that there was no answer that could be read.
// Safe is fit for logs: none of these errors holds a message or a secret.
func ofNetwork(err error) (m meaning, kind, safe string) {
	text := err.Error()
	m, kind, safe = meaning{verdict: moved, unsure: true}, "network_error", short(text)
	_, unknown := errors.AsType[x509.UnknownAuthorityError](err)
	_, name := errors.AsType[x509.HostnameError](err)
	_, verification := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case unknown:
		m, kind = meaning{verdict: hold, hint: "look at kafka_ca_cert"}, "certificate_not_trusted"
	case name:
		m, kind = meaning{verdict: hold, hint: "the certificate is for another name: look at kafka_address"}, "certificate_not_trusted"
	case verification:
		m, kind = meaning{verdict: hold, hint: "look at the brokers' certificates: have they expired?"}, "certificate_not_trusted"
	case notTLS:
		m, kind = meaning{verdict: hold, hint: "look at kafka_tls and at the port in kafka_address"}, "no_tls"
		safe = "the broker does not speak TLS"
	case strings.Contains(text, "tls alert record"):
		m, kind = meaning{verdict: hold, hint: "look at kafka_tls and at the port in kafka_address"}, "tls_wanted"
		safe = "the broker wants TLS"
	case strings.Contains(text, "'HTTP' in ascii"):
		m, kind = meaning{verdict: hold, hint: "look at the port in kafka_address"}, "no_kafka"
		safe = "the server speaks HTTP and not Kafka's protocol"
	case strings.Contains(text, "below the user defined min"):
		m, kind = meanings[kerr.UnsupportedVersion.Code], kerr.UnsupportedVersion.Message
		safe = "the broker is older than Kafka 0.11"
	case errors.Is(err, io.EOF):
		// Brokers that end do so, and old ones that refuse a login.
		m.hint, kind = "look at the brokers; if it is always so, does the port want TLS or another login? look at kafka_tls, kafka_user, kafka_password and kafka_sasl_mechanism", "connection_closed"
		safe = "the broker closed the connection"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		m.hint, kind = "look at kafka_address, at the function's VPC and timeout, and at the brokers' load", "no_answer"
		safe = "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		m.hint = "nothing listens there: look at kafka_address and at the brokers"
	default:
		m.hint = "look at kafka_address, the function's VPC and the brokers"
	}
	return m, kind, safe
}

// short cuts a text to a length that a log line can bear.
func short(s string) string {
	const most = 200
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
