package config

import "strings"

func (r *reader) kafka() *Kafka {
	if !r.isSet("kafka_address") {
		r.problem("kafka_address", "not set, so "+r.setNames(GroupKafka)+" would have no effect; set it, or drop these")
	}
	k := &Kafka{
		Brokers:         r.brokers(),
		Topic:           r.topic("kafka_topic_name", true),
		DeadLetterTopic: r.topic("kafka_dead_letter_topic", false),
		User:            r.env["kafka_user"],
		Password:        r.secret("kafka_password"),
		TLS:             r.boolean("kafka_tls"),
		CACert:          r.caCert("kafka_ca_cert"),
		KeepPartition:   r.choice("kafka_partition") == "keep",
		Compression:     r.choice("kafka_compression"),
		Headers:         r.boolean("kafka_headers"),
		ValueDocument:   r.choice("kafka_value") == "document",
	}
	r.pair("kafka_user", "kafka_password")
	mechanism := r.choice("kafka_sasl_mechanism")
	if k.User != "" {
		k.Mechanism = mechanism
	} else if r.isSet("kafka_sasl_mechanism") {
		r.problem("kafka_sasl_mechanism", "has no effect without kafka_user and kafka_password; set them, or drop it")
	}
	if r.isSet("kafka_ca_cert") && !k.TLS {
		r.problem("kafka_ca_cert", "has no effect without kafka_tls=true")
	}
	r.checkTopics(k)
	return k
}

// topic returns a variable as the name of a topic.
func (r *reader) topic(name string, placeholder bool) string {
	value := r.env[name]
	literal := value
	if placeholder {
		// The source's name has at least one letter; with the rest the produced
		// name is checked by the brokers.
		literal = strings.ReplaceAll(value, "{topic}", "t")
	}
	if len(literal) > 249 || value == "." || value == ".." || strings.ContainsFunc(literal, func(c rune) bool { return !isNameByte(c) }) {
		r.invalid(name)
	}
	return value
}

// checkTopics reports topics that are missing or at odds with each other.
func (r *reader) checkTopics(k *Kafka) {
	switch {
	case k.Topic == "" && k.DeadLetterTopic == "":
		v, _ := lookup("kafka_topic_name")
		r.problem("kafka_topic_name", "not set; it is "+v.Unset+"; allowed: "+v.AllowedText())
	case k.Topic == k.DeadLetterTopic:
		r.problem("kafka_dead_letter_topic", "got "+quote(k.DeadLetterTopic)+", which is kafka_topic_name too; dead letters need a topic of their own")
	case k.Topic == "":
		for _, name := range []string{"kafka_partition", "kafka_headers", "kafka_value"} {
			if r.isSet(name) {
				r.problem(name, "has no effect without kafka_topic_name")
			}
		}
	}
}
