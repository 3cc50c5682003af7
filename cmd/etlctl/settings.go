package main

import (
	"bytes"
	"fmt"
	"strings"

	"ckafka-etl/config"
)

// setting is a variable's value that is in effect. It holds no secret.
type setting struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	Default bool   `json:"default,omitempty"`
}

// settings lists what is in effect, in the order of the variables. Variables
// that are not set and have no default are left out.
func settings(cfg *config.Config, vars map[string]string) []setting {
	var list []setting
	for _, v := range config.Variables {
		if !inEffect(cfg, v) {
			continue
		}
		s := setting{Name: v.Name, Value: vars[v.Name], Default: vars[v.Name] == ""}
		if s.Default {
			s.Value = v.Default
		}
		switch {
		case v.Name == "ES_Index_TimeZone" && s.Default && vars["TZ"] != "":
			s.Value, s.Default = cfg.Cleaning.Zone.String()+" (from TZ)", false
		case s.Value != "" || v.Name == "ES_Index_TimeZone":
			s.Value = effective(cfg, v, s.Value)
		default:
			continue
		}
		list = append(list, s)
	}
	return list
}

// inEffect reports whether a variable means anything in the configuration.
func inEffect(cfg *config.Config, v config.Variable) bool {
	switch v.Group {
	case config.GroupElasticsearch:
		return cfg.ES != nil
	case config.GroupKafka:
		return cfg.Kafka != nil && (v.Name != "kafka_sasl_mechanism" || cfg.Kafka.User != "")
	case config.GroupCleaning:
		return cfg.ES != nil || cfg.Kafka.ValueDocument || cfg.Kafka.DeadLetterTopic != ""
	case config.GroupGeneral:
	}
	return true
}

// effective returns what the value of a variable comes to, without secrets.
func effective(cfg *config.Config, v config.Variable, value string) string {
	if v.Secret {
		return config.NewSecret(value).String()
	}
	switch v.Name {
	case "ES_Address":
		return addressText(cfg.ES.Addresses)
	case "ES_Index_KeyWord":
		return cfg.ES.Keyword
	case "ES_Dead_Letter_Index":
		if cfg.ES.DeadLetterIndex != "" {
			return cfg.ES.DeadLetterIndex
		}
	case "ES_Index_TimeZone":
		return cfg.Cleaning.Zone.String()
	case "ES_CA_Cert":
		return certText(value, cfg.ES.CACert)
	case "kafka_ca_cert":
		return certText(value, cfg.Kafka.CACert)
	case "kafka_address":
		return strings.Join(cfg.Kafka.Brokers, ", ")
	}
	return value
}

func addressText(addresses []config.Address) string {
	list := make([]string, len(addresses))
	for i, a := range addresses {
		list[i] = a.URL.String()
		if a.User != "" {
			list[i] += fmt.Sprintf(" (user %s, password %s)", a.User, a.Password)
		}
	}
	return strings.Join(list, ", ")
}

func certText(value string, pem []byte) string {
	n := number(bytes.Count(pem, []byte("-----BEGIN CERTIFICATE-----")), "certificate")
	if strings.Contains(value, "-----BEGIN") {
		return "PEM text, " + n
	}
	return value + " (" + n + ")"
}
