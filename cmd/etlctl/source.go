package main

import (
	"strings"

	"github.com/spf13/pflag"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/config"
	"ckafka-etl/internal/event"
	"ckafka-etl/internal/trigger"
	"ckafka-etl/kafkaclient"
)

// sourceFlags say what is read from which Kafka.
type sourceFlags struct {
	brokers, topic    string
	user, passwordEnv string
	mechanism, ca     string
	tls               bool
	position          string
	maxMsgNum         int
}

const sourceHelp = `The topic is read from --brokers. No password stands on the command line:
--password-env names the variable that holds it. None of the function's kafka_*
variables concerns this side: they say where the function writes.`

func (f *sourceFlags) register(flags *pflag.FlagSet, position string) {
	flags.StringVar(&f.brokers, "brokers", "", "bootstrap servers, `HOST:PORT`, commas between (required)")
	flags.StringVar(&f.topic, "topic", "", "the `TOPIC` to read (required)")
	flags.StringVar(&f.user, "user", "", "`NAME` to log in with; CKafka: instanceId#user")
	flags.StringVar(&f.passwordEnv, "password-env", "", "`VARIABLE` that holds the password")
	flags.StringVar(&f.mechanism, "mechanism", "", "how to log in: PLAIN (default), SCRAM-SHA-256 or SCRAM-SHA-512")
	flags.BoolVar(&f.tls, "tls", false, "connect with TLS")
	flags.StringVar(&f.ca, "ca", "", "certificate authorities: a `FILE` or PEM text; default the system's")
	flags.StringVar(&f.position, "position", position, "where to begin: latest, earliest, or a time of RFC 3339")
	flags.IntVar(&f.maxMsgNum, "max-msg-num", trigger.DefaultMaxMsgNum, "most records in an event, 1 to 10000")
}

// client returns the options to reach the brokers. Its checks are those of the
// function's own Kafka variables, said with the names of the flags.
func (f *sourceFlags) client(environ []string) ([]kgo.Opt, error) {
	for _, flag := range [][2]string{{"--brokers", f.brokers}, {"--topic", f.topic}} {
		if strings.TrimSpace(flag[1]) == "" {
			return nil, usagef("%s: not set", flag[0])
		}
	}
	if f.maxMsgNum < 1 || f.maxMsgNum > event.MaxRecords {
		return nil, usagef("--max-msg-num: got %d, want 1 to %d", f.maxMsgNum, event.MaxRecords)
	}
	vars := map[string]string{"kafka_address": f.brokers, "kafka_topic_name": f.topic, "kafka_user": f.user, "kafka_sasl_mechanism": f.mechanism, "kafka_ca_cert": f.ca}
	if f.tls {
		vars["kafka_tls"] = "true"
	}
	if f.passwordEnv != "" {
		password, _ := lookup(environ, f.passwordEnv)
		if password == "" {
			return nil, usagef("--password-env: the variable %s is not set", f.passwordEnv)
		}
		vars["kafka_password"] = password
	}
	cfg, err := config.Load(pairsOf(vars))
	if err != nil {
		return nil, usagef("%s", flagNames.Replace(err.Error()))
	}
	return kafkaclient.Options(cfg.Kafka), nil
}

// flagNames turns the names of variables into those of flags.
var flagNames = strings.NewReplacer(
	"kafka_address", "--brokers", "kafka_topic_name", "--topic", "kafka_user", "--user",
	"kafka_password", "--password-env", "kafka_sasl_mechanism", "--mechanism",
	"kafka_tls=true", "--tls", "kafka_tls", "--tls", "kafka_ca_cert", "--ca",
)

// where reads --position.
func (f *sourceFlags) where() (trigger.Position, error) {
	p, err := trigger.ParsePosition(f.position)
	if err != nil {
		return p, usagef("--position: %w", err)
	}
	return p, nil
}
