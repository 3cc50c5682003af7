package main

import (
	"ckafka-etl/config"
	"ckafka-etl/transform"
)

// transformOptions are the transform's part of a configuration.
func transformOptions(cfg *config.Config) transform.Options {
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
