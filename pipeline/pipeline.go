// Package pipeline makes the sinks that a configuration asks for. It is the
// wiring that the function and etlctl share.
package pipeline

import (
	"log/slog"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/handler"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/transform"
)

// Build makes the pipeline that the variables ask for; the error is a
// *config.Error if they are not valid. With an error there is a pipeline that
// has only the pace. It contacts nobody.
func Build(environ []string, log *slog.Logger) (*handler.Pipeline, error) {
	p, err := build(environ, log)
	if err != nil {
		return &handler.Pipeline{Pace: config.RetryPace(environ)}, err
	}
	return p, nil
}

func build(environ []string, log *slog.Logger) (*handler.Pipeline, error) {
	cfg, err := config.Load(environ)
	if err != nil {
		return nil, err
	}
	program, err := transform.New(Options(cfg))
	if err != nil {
		return nil, err
	}
	p := &handler.Pipeline{Pace: cfg.RetryPace, LogLevel: cfg.LogLevel, Warnings: cfg.Warnings, Close: func() {}}
	if cfg.ES != nil {
		es, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program, Logger: log})
		if err != nil {
			return nil, err
		}
		p.Sinks = append(p.Sinks, es)
		if cfg.ES.DeadLetterIndex != "" {
			p.Letters = es.DeadLetters()
		}
		p.Close = es.Close
	}
	if cfg.Kafka != nil {
		kafka, err := kafkaclient.New(kafkaclient.Config{Kafka: *cfg.Kafka, Program: program, Logger: log})
		if err != nil {
			p.Close()
			return nil, err
		}
		addKafka(p, kafka, cfg.Kafka, log)
	}
	return p, nil
}

// addKafka makes Kafka a sink, a place for dead letters, or both.
func addKafka(p *handler.Pipeline, kafka *kafkaclient.Client, cfg *config.Kafka, log *slog.Logger) {
	if cfg.Topic != "" {
		p.Sinks = append(p.Sinks, kafka)
	}
	switch {
	case cfg.DeadLetterTopic == "":
	case p.Letters == nil:
		p.Letters = kafka.DeadLetters()
	default:
		p.Letters = handler.BothLetters(p.Letters, kafka.DeadLetters(), log)
	}
	closeOthers := p.Close
	p.Close = func() {
		closeOthers()
		kafka.Close()
	}
}

// Options are the transform's part of a configuration. Cleaning steps of one's
// own (transform.Options.Steps) belong here.
func Options(cfg *config.Config) transform.Options {
	o := transform.Options{
		Ignore: cfg.Cleaning.Ignore, TimeField: cfg.Cleaning.TimeField, TimeOverwrite: cfg.Cleaning.TimeOverwrite,
		Zone: cfg.Cleaning.Zone, Merge: merges[cfg.Cleaning.MessageMerge],
	}
	if es := cfg.ES; es != nil {
		o.IndexPrefix, o.Period, o.TimeFields, o.FilterEmpty = es.Keyword, periods[es.Period], es.TimeFields, es.FilterEmpty
		o.WindowBack, o.WindowAhead = es.WindowBack, es.WindowAhead
		o.IDField, o.IDPrefix = es.IDField, es.IDPrefix
	}
	return o
}

//nolint:gochecknoglobals // tables that are never written
var (
	merges = [...]transform.Merge{
		config.MergeOver: transform.MergeOver, config.MergeUnder: transform.MergeUnder, config.MergeNone: transform.MergeNone,
	}
	periods = [...]transform.Period{
		config.PeriodDay: transform.Day, config.PeriodHour: transform.Hour, config.PeriodWeek: transform.Week,
		config.PeriodMonth: transform.Month, config.PeriodNone: transform.Ever,
	}
)
