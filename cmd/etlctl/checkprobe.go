package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ckafka-etl/esclient"
	"ckafka-etl/pipeline"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// probe writes what the function would write, a document and a dead letter, with
// the function's own client and program, and deletes both. The document holds
// just what the function itself adds, so that what is refused of it would be
// refused of every record.
type probe struct {
	*esCheck
	name   string // "etlctl-check-1a2b3c4d"
	rec    record.Record
	writer *esclient.Client
	worker *transform.Worker // of the function's program
	traces []trace
}

// trace is something that was written, or may have been.
type trace struct {
	index, id string
	own       bool // the index was made for the probe
}

func newProbe(c *esCheck) *probe {
	var random [4]byte
	_, _ = rand.Read(random[:]) // never fails
	now := time.Now()
	return &probe{
		esCheck: c,
		name:    "etlctl-check-" + hex.EncodeToString(random[:]),
		rec: record.Record{
			Topic: "etlctl-check", Offset: now.UnixMicro(), Body: []byte(`{}`), Batch: &record.Batch{Arrival: now},
		},
	}
}

func (p *probe) run(ctx context.Context) {
	defer p.cleanUp(ctx)
	if p.document(ctx) && ctx.Err() == nil {
		p.deadLetter(ctx)
	}
}

// use makes a client as the function's, with the given dead-letter index.
func (p *probe) use(deadLetters string) error {
	es := *p.es
	es.DeadLetterIndex = deadLetters
	program, err := transform.New(pipeline.Options(p.cfg))
	if err != nil {
		return err
	}
	p.worker = program.NewWorker()
	p.writer, err = esclient.New(esclient.Config{Elasticsearch: es, Program: program})
	return err
}

// document writes a document and reports whether going on makes sense.
func (p *probe) document(ctx context.Context) bool {
	const check = "write"
	if err := p.use(p.es.DeadLetterIndex); err != nil {
		p.r.fail(check, "", "%v", err)
		return false
	}
	defer p.writer.Close()
	doc := p.worker.Do(&p.rec)
	to, beside := p.place(ctx, doc)
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	results, _ := p.writer.WriteReady(ctx, []esclient.Ready{{Index: to.index, ID: to.id, Generated: doc.Generated, Source: doc.AppendSource(nil)}})
	outcome, cause := results[0].Outcome, causeOf(results[0])
	switch outcome {
	case record.Stored, record.Duplicate:
		p.r.ok(check, "a document as the function's was written to %s%s", to.index, beside)
	case record.Refused:
		p.refused(check, cause, to.index)
	default:
		p.r.fail(check, p.rights(cause, p.es.IndexPattern()), "no document was written to %s: %s", to.index, serverText(cause))
		if cause.Permanent {
			return cause.Status != http.StatusUnauthorized
		}
	}
	p.traces = append(p.traces, to)
	return outcome != record.Unsettled // an ill server need not be waited for twice
}

// place says where the document goes: to the function's index of today if that
// is there, else to one beside it that the same templates make. The real one
// should be made by the first real record.
func (p *probe) place(ctx context.Context, doc *transform.Document) (to trace, beside string) {
	to = trace{index: doc.Index, id: unescaped(doc.ID)}
	if status, _, cause := p.ask(ctx, http.MethodHead, "/"+url.PathEscape(doc.Index)); cause == nil && status == http.StatusOK {
		return to, ""
	}
	to.index, to.own = doc.Index+"-"+p.name, true
	return to, ", beside " + doc.Index
}

// refused says what it means that the probe was refused for what it holds: that
// is just what the function adds, unless a pipeline wants more of it.
func (p *probe) refused(check string, cause *record.Cause, index string) {
	if p.es.Pipeline != "" {
		p.r.warn(check, "no fault if the pipeline wants fields that your records have; else look at ES_Pipeline ("+p.es.Pipeline+") and at the index templates of "+p.es.IndexPattern(),
			"allowed, but %s takes no document that holds only what the function adds: %s", index, serverText(cause))
		return
	}
	hint := cause.Hint
	if hint == "" {
		hint = "look at the index templates of " + p.es.Keyword + "-*"
		if field := p.cfg.Cleaning.TimeField; field != "" {
			hint += " and at ES_Time_Field (" + field + ")"
		}
	}
	p.r.fail(check, hint, "%s would refuse every record: %s", index, serverText(cause))
}

// causeOf returns why a record was not stored.
func causeOf(r record.Result) *record.Cause {
	if r.Cause == nil {
		return &record.Cause{Type: "unknown_error"}
	}
	return r.Cause
}

// deadLetter writes a dead letter. If the index is not there yet, the letter
// goes to an index beside it: the real one should be made by the first real
// letter, with the template that is there by then.
func (p *probe) deadLetter(ctx context.Context) {
	const check = "dead letters"
	index := p.es.DeadLetterIndex
	if index == "" {
		p.r.note(check, "none are kept: a refused document fails its batch (ES_Dead_Letter_Index=none)")
		return
	}
	status, _, _ := p.ask(ctx, http.MethodHead, "/"+url.PathEscape(index))
	if status != http.StatusNotFound {
		if cause := p.bury(ctx, index, false); cause != nil {
			p.r.fail(check, p.letterHint(cause, false), "%s took none: %s", index, serverText(cause))
			return
		}
		p.r.ok(check, "one was written to %s", index)
		return
	}
	p.template(ctx)
	beside := index + "-" + p.name
	if cause := p.bury(ctx, beside, true); cause != nil {
		p.r.fail(check, p.letterHint(cause, true), "%s is not there yet, and %s was not made: %s", index, beside, serverText(cause))
		return
	}
	p.r.ok(check, "one was written to %s; %s is not there yet", beside, index)
}

// bury writes a dead letter to an index and returns why it could not.
func (p *probe) bury(ctx context.Context, index string, own bool) *record.Cause {
	if err := p.use(index); err != nil {
		return &record.Cause{Type: "invalid_configuration", Reason: err.Error(), Permanent: true}
	}
	defer p.writer.Close()
	ctx, cancel := context.WithTimeout(ctx, p.timeout)
	defer cancel()
	results, _ := p.writer.DeadLetters().Write(ctx, []record.DeadLetter{{
		Record: &p.rec, Sink: p.writer.Name(),
		Cause: &record.Cause{Type: "etlctl_check", Reason: "written by etlctl check, which deletes it again; it means nothing"},
	}})
	cause := causeOf(results[0])
	if done := results[0].Outcome == record.Dead; done || !cause.Permanent {
		p.traces = append(p.traces, trace{index, unescaped(p.worker.CoordinateID(&p.rec)), own})
		if done {
			return nil
		}
	}
	return cause
}

// rights says what to do about a refusal.
func (p *probe) rights(cause *record.Cause, indices string) string {
	switch {
	case cause.Status == http.StatusForbidden || cause.Type == "security_exception":
		return fmt.Sprintf("give %s the privileges index and auto_configure (before 7.9: index and create_index) on %s", p.holder(), indices)
	case cause.Type == "index_not_found_exception":
		return fmt.Sprintf("it is not made by itself: let action.auto_create_index allow %s, or make it yourself", indices)
	}
	return cause.Hint
}

// letterHint says what to do when a dead letter was not taken: by the index, or
// by one beside it.
func (p *probe) letterHint(cause *record.Cause, beside bool) string {
	hint := p.rights(cause, p.es.DeadLetterIndex)
	switch {
	case cause.Status == http.StatusForbidden && beside:
		hint += "; if it has them for just this name, make the index and check again"
	case cause.Status == http.StatusBadRequest:
		hint = "its mapping must fit: make it with the dead-letter template of deploy/, or set ES_Dead_Letter_Index to another"
	}
	return hint
}

// holder names who holds the rights.
func (p *probe) holder() string {
	switch {
	case p.es.Addresses[0].User != "":
		return "user " + p.es.Addresses[0].User
	case p.es.User != "":
		return "user " + p.es.User
	case !p.es.APIKey.IsZero():
		return "the key of ES_ApiKey"
	}
	return "the anonymous user"
}

// serverText is a cause with the server's own words: they can quote nothing but
// the probe.
func serverText(c *record.Cause) string {
	s := c.Type
	if c.Status != 0 {
		s += fmt.Sprintf(" (HTTP %d)", c.Status)
	}
	reason := strings.Join(strings.Fields(cmp.Or(c.Reason, c.Safe)), " ")
	if reason != "" {
		s += ": " + clip(reason)
	}
	return s
}

// cleanUp deletes what was written, even if the user has had enough.
func (p *probe) cleanUp(ctx context.Context) {
	if len(p.traces) == 0 {
		return
	}
	ctx = context.WithoutCancel(ctx)
	var left []string
	for _, t := range p.traces {
		left = append(left, p.erase(ctx, t)...)
	}
	if len(left) > 0 {
		p.r.warn("clean-up", "the function needs no right to delete; delete it as somebody who has it", "left behind: %s", strings.Join(left, "; "))
		return
	}
	p.r.ok("clean-up", "what was written is deleted")
}

// erase deletes what was written and says what is left.
func (p *probe) erase(ctx context.Context, t trace) []string {
	index := "/" + url.PathEscape(t.index)
	// Only an index with the probe's own name, never the dead letters'.
	if t.own && strings.Contains(t.index, p.name) {
		if p.delete(ctx, index) != kept || p.delete(ctx, "/_data_stream"+index) == deleted {
			return nil
		}
	}
	switch d := p.delete(ctx, index+"/_doc/"+url.PathEscape(t.id)); {
	case d == noIndex || d == deleted && !t.own:
		return nil
	case d == deleted:
		return []string{"the empty index " + t.index}
	case t.own:
		return []string{"the index " + t.index + " with one document"}
	default:
		return []string{"the document " + t.id + " in " + t.index}
	}
}

// deletion is what came of deleting something.
type deletion int

const (
	kept    deletion = iota // it is there still, or nobody knows
	deleted                 // it is gone
	noIndex                 // there is no such index
)

func (p *probe) delete(ctx context.Context, path string) deletion {
	status, answer, cause := p.ask(ctx, http.MethodDelete, path)
	switch {
	case cause != nil:
		return kept
	case status/100 == 2:
		return deleted
	// A proxy that lets no such request through may say 404, too.
	case status == http.StatusNotFound && bytes.Contains(answer, []byte("index_not_found_exception")):
		return noIndex
	case status == http.StatusNotFound && bytes.Contains(answer, []byte(`"not_found"`)):
		return deleted
	}
	return kept
}

// template says whether an index template will give the dead letters' index its
// mapping. Not being told is no failure.
func (p *probe) template(ctx context.Context) {
	const check = "template"
	name, listed := p.coveringTemplate(ctx)
	switch {
	case !listed:
		p.r.note(check, "not shown to us; is that of deploy/ there for %s?", p.es.DeadLetterIndex)
	case name == "":
		p.r.warn(check, "install the dead-letter template of deploy/ before the first dead letter makes the index",
			"none covers %s: letters are kept all the same, but their fields become text, which cannot be counted by cause", p.es.DeadLetterIndex)
	default:
		p.r.ok(check, "%s covers %s", name, p.es.DeadLetterIndex)
	}
}
