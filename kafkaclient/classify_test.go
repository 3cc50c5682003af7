package kafkaclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

var verdictNames = map[verdict]string{
	stored: "stored", again: "again", moved: "moved", absent: "absent", renumber: "renumber",
	unnumbered: "unnumbered", oldFormat: "old format", corrupt: "corrupt", split: "split", refused: "refused", hold: "hold",
}

// Every error that Kafka has, so that a new one is looked at.
func TestMeaningOfEveryError(t *testing.T) {
	t.Parallel()
	const last = 136
	special := map[string]string{
		"again": "UNKNOWN_SERVER_ERROR REQUEST_TIMED_OUT NOT_ENOUGH_REPLICAS NOT_ENOUGH_REPLICAS_AFTER_APPEND " +
			"THROTTLING_QUOTA_EXCEEDED",
		"corrupt":    "CORRUPT_MESSAGE",
		"absent":     "UNKNOWN_TOPIC_OR_PARTITION",
		"renumber":   "OUT_OF_ORDER_SEQUENCE_NUMBER UNKNOWN_PRODUCER_ID INVALID_PRODUCER_EPOCH INVALID_PRODUCER_ID_MAPPING PRODUCER_FENCED",
		"unnumbered": "CLUSTER_AUTHORIZATION_FAILED",
		"old format": "UNSUPPORTED_FOR_MESSAGE_FORMAT",
		"split":      "MESSAGE_TOO_LARGE RECORD_LIST_TOO_LARGE",
		"refused":    "INVALID_RECORD",
		"stored":     "DUPLICATE_SEQUENCE_NUMBER",
	}
	want := make(map[string]string)
	for v, names := range special {
		for name := range strings.FieldsSeq(names) {
			want[name] = v
		}
	}
	seen := 0
	for code := int16(-1); code <= last; code++ {
		e := kerr.TypedErrorForCode(code)
		if e == nil || e.Code != code {
			continue
		}
		seen++
		m := meaningOf(e)
		expected := want[e.Message]
		switch {
		case expected != "":
		case e.Retriable:
			expected = "moved"
		default:
			expected = "hold"
		}
		assert.Equal(t, expected, verdictNames[m.verdict], e.Message)
		if m.verdict != stored {
			assert.NotEmpty(t, m.hint, e.Message)
		}
		delete(want, e.Message)

		p := place{"kafka_topic_name", "t"}
		for _, err := range []error{e, fmt.Errorf("wrapped: %w", e), errors.Join(io.EOF, fmt.Errorf("twice: %w", fmt.Errorf("wrapped: %w", e)))} {
			got, cause := p.classify(err)
			assert.Equal(t, m, got, err)
			assert.Equal(t, e.Message, cause.Type)
			assert.Equal(t, m.verdict == hold, cause.Permanent)
			assert.NotContains(t, cause.Hint, "TOPIC")
			assert.Equal(t, "t", cause.Index)
		}
	}
	assert.Empty(t, want, "errors that Kafka does not have")
	assert.Greater(t, seen, 120)
	newer := kerr.TypedErrorForCode(last + 1)
	require.Equal(t, kerr.UnknownServerError, newer, "Kafka has got new errors: look at each, then raise last")
}

func TestNetworkErrors(t *testing.T) {
	t.Parallel()
	dial := func(err error) error {
		return fmt.Errorf("unable to dial: %w", &net.OpError{Op: "dial", Net: "tcp", Err: err})
	}
	for name, x := range map[string]struct {
		err  error
		v    verdict
		kind string
		hint string
	}{
		"refused":       {dial(os.NewSyscallError("connect", syscall.ECONNREFUSED)), moved, "network_error", "nothing listens"},
		"reset":         {os.NewSyscallError("read", syscall.ECONNRESET), moved, "network_error", "kafka_address"},
		"no such name":  {dial(&net.DNSError{Err: "no such host", IsNotFound: true}), moved, "network_error", "kafka_address"},
		"closed":        {io.EOF, moved, "connection_closed", "kafka_tls"},
		"closed early":  {fmt.Errorf("x: %w", &kgo.ErrFirstReadEOF{}), moved, "network_error", "kafka_address"},
		"too late":      {fmt.Errorf("x: %w", context.DeadlineExceeded), moved, "no_answer", "kafka_address"},
		"client closed": {context.Canceled, moved, "no_answer", "kafka_address"},
		"unknown CA":    {dial(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), hold, "certificate_not_trusted", "kafka_ca_cert"},
		"other name":    {dial(x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}), hold, "certificate_not_trusted", "kafka_address"},
		"expired":       {dial(&tls.CertificateVerificationError{Err: x509.CertificateInvalidError{Reason: x509.Expired}}), hold, "certificate_not_trusted", "expired"},
		"no TLS":        {dial(tls.RecordHeaderError{Msg: "x"}), hold, "no_tls", "kafka_tls"},
		"something":     {errors.New("something"), moved, "network_error", "kafka_address"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, cause := place{"kafka_topic_name", "t"}.classify(x.err)
			assert.Equal(t, verdictNames[x.v], verdictNames[m.verdict])
			assert.Equal(t, x.v == hold, cause.Permanent)
			assert.Equal(t, x.kind, cause.Type)
			assert.Contains(t, cause.Text(), x.hint)
		})
	}
}
