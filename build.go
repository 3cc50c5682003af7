package main

import (
	"errors"
	"log/slog"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/handler"
	"ckafka-etl/transform"
)

// build makes the pipeline that the variables ask for. It contacts nobody.
func build(environ []string, log *slog.Logger) (*handler.Pipeline, error) {
	cfg, err := config.Load(environ)
	if err != nil {
		return nil, err
	}
	p := &handler.Pipeline{LogLevel: cfg.LogLevel, Warnings: cfg.Warnings}
	if cfg.Kafka != nil {
		return nil, errors.New("kafka_address: this version has no Kafka sink yet")
	}
	program, err := transform.New(options(cfg))
	if err != nil {
		return nil, err
	}
	es, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program, Logger: log})
	if err != nil {
		return nil, err
	}
	p.Sinks = append(p.Sinks, es)
	if cfg.ES.DeadLetterIndex != "" {
		p.Letters = es
	}
	p.Close = es.Close
	return p, nil
}

// options are the transform's part of a configuration.
func options(cfg *config.Config) transform.Options {
	o := transform.Options{
		Ignore: cfg.Cleaning.Ignore, TimeField: cfg.Cleaning.TimeField, TimeOverwrite: cfg.Cleaning.TimeOverwrite,
		Zone: cfg.Cleaning.Zone,
	}
	if es := cfg.ES; es != nil {
		o.IndexPrefix, o.Hourly, o.TimeFields = es.Keyword, es.Hourly, es.TimeFields
		o.WindowBack, o.WindowAhead = es.WindowBack, es.WindowAhead
		o.IDField, o.IDPrefix = es.IDField, es.IDPrefix
	}
	return o
}
