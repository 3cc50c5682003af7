package main

import (
	"maps"
	"slices"
	"strings"

	"ckafka-etl/config"
	"ckafka-etl/internal/standin"
)

// target is where the function writes.
type target struct {
	config   *config.Config
	standIn  *standin.Server // nil: real servers
	listener *standin.Listener
}

// newTarget reads where vars send records. If they name no server at all, it
// starts a stand-in and adds to vars what makes the function use it. What is
// wrong with vars is a usage error.
func newTarget(sys *system, vars map[string]string) (*target, error) {
	t := new(target)
	if vars["ES_Address"] == "" && vars["kafka_address"] == "" {
		var err error
		t.standIn = standin.New()
		if t.listener, err = t.standIn.Start(); err != nil {
			return nil, err
		}
		vars["ES_Address"] = t.listener.URL()
		if vars["ES_Index_KeyWord"] == "" {
			vars["ES_Index_KeyWord"] = "demo"
		}
	}
	var err error
	if t.config, err = config.Load(pairsOf(vars)); err != nil {
		t.close()
		return nil, usage(err)
	}
	for _, w := range t.config.Warnings {
		printf(sys.stderr, "warning: %s\n", w)
	}
	if t.standIn == nil {
		printf(sys.stderr, "writing to %s\n", t.name())
	}
	return t, nil
}

func (t *target) close() {
	if t.listener != nil {
		_ = t.listener.Close()
	}
}

// indices counts the documents in each index of the stand-in. A real server may
// hold others: there it is the records that were sent to each index.
func (t *target) indices(sent map[string]int) []indexCount {
	var list []indexCount
	if t.standIn == nil {
		for _, name := range slices.Sorted(maps.Keys(sent)) {
			list = append(list, indexCount{Index: name, Sent: sent[name]})
		}
		return list
	}
	for _, name := range t.standIn.Indices() {
		list = append(list, indexCount{Index: name, Documents: t.standIn.Count(name)})
	}
	return list
}

// name says for people where the function writes. It holds no secret.
func (t *target) name() string {
	if t.standIn != nil {
		return "a stand-in for Elasticsearch inside etlctl; no server was contacted"
	}
	var names []string
	if es := t.config.ES; es != nil {
		urls := make([]string, len(es.Addresses))
		for i, a := range es.Addresses {
			urls[i] = a.URL.String()
		}
		names = append(names, "Elasticsearch "+strings.Join(urls, ", ")+" (indices "+es.IndexPattern()+")")
	}
	if k := t.config.Kafka; k != nil {
		names = append(names, "Kafka "+strings.Join(k.Brokers, ", ")+" (topic "+k.Topic+")")
	}
	return strings.Join(names, " and ")
}
