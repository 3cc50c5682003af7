package main

import (
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ckafka-etl/config"
	"ckafka-etl/internal/verify"
	"ckafka-etl/kafkaclient"
)

// verifySide says how to reach a topic.
type verifySide struct {
	address, topic, user, passwordEnv, mechanism, ca string
	tls                                              bool
}

func (s *verifySide) register(f *pflag.FlagSet, side, note string) {
	f.StringVar(&s.address, side+"-address", "", "bootstrap servers of the "+side+", `HOST:PORT`, commas between"+note)
	f.StringVar(&s.topic, side+"-topic", "", "the `TOPIC` of the "+side+note)
	f.StringVar(&s.user, side+"-user", "", "`NAME` to log in with; CKafka: instanceId#user")
	f.StringVar(&s.passwordEnv, side+"-password-env", "", "`VARIABLE` that holds the password")
	f.StringVar(&s.mechanism, side+"-mechanism", "", "how to log in: PLAIN (default), SCRAM-SHA-256 or SCRAM-SHA-512")
	f.BoolVar(&s.tls, side+"-tls", false, "connect with TLS")
	f.StringVar(&s.ca, side+"-ca", "", "certificate authorities: a `FILE` or PEM text; default the system's")
}

// variables returns a side as the function's variables, over those of the
// function. With another address nothing of the function's connection is left.
func (s *verifySide) variables(environ []string, side string, function map[string]string) (map[string]string, error) {
	vars := make(map[string]string)
	for _, name := range []string{"kafka_address", "kafka_topic_name", "kafka_user", "kafka_password", "kafka_sasl_mechanism", "kafka_tls", "kafka_ca_cert"} {
		if function[name] != "" && (s.address == "" || name == "kafka_topic_name") {
			vars[name] = function[name]
		}
	}
	for name, value := range map[string]string{
		"kafka_address": s.address, "kafka_topic_name": s.topic, "kafka_user": s.user, "kafka_sasl_mechanism": s.mechanism, "kafka_ca_cert": s.ca,
	} {
		if value != "" {
			vars[name] = value
		}
	}
	if s.tls {
		vars["kafka_tls"] = "true"
	}
	if s.passwordEnv != "" {
		i := slices.IndexFunc(environ, func(pair string) bool { return strings.HasPrefix(pair, s.passwordEnv+"=") })
		if i < 0 || environ[i] == s.passwordEnv+"=" {
			return nil, usagef("--%s-password-env: the variable %s is not set", side, s.passwordEnv)
		}
		vars["kafka_password"] = strings.TrimPrefix(environ[i], s.passwordEnv+"=")
	}
	for _, x := range [][2]string{{"kafka_address", "address"}, {"kafka_topic_name", "topic"}} {
		if vars[x[0]] == "" {
			return nil, usagef("--%s-%s: not set", side, x[1])
		}
	}
	return vars, nil
}

// verifyTopic makes the options to reach a side. Its checks are those of the
// function's own variables, said with the names of the flags.
func verifyTopic(t *verify.Topic, vars map[string]string, side string) error {
	cfg, err := config.Load(pairsOf(vars))
	if err != nil {
		names := strings.NewReplacer(
			"kafka_address", "--"+side+"-address", "kafka_topic_name", "--"+side+"-topic", "kafka_user", "--"+side+"-user",
			"kafka_password", "--"+side+"-password-env", "kafka_sasl_mechanism", "--"+side+"-mechanism",
			"kafka_tls=true", "--"+side+"-tls", "kafka_tls", "--"+side+"-tls", "kafka_ca_cert", "--"+side+"-ca",
		)
		return usagef("%s", names.Replace(err.Error()))
	}
	t.Client, t.Name = kafkaclient.Options(cfg.Kafka), cfg.Kafka.Topic
	return nil
}
