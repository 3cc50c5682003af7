package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ckafka-etl/config"
	"ckafka-etl/pipeline"
	"ckafka-etl/transform"
)

type previewFlags struct {
	environ environFlags
	lines   bool
	json    bool
	limit   int
	at      string
}

func newPreview(sys *system) *cobra.Command {
	var flags previewFlags
	cmd := &cobra.Command{
		Use:   "preview FILE...",
		Short: "show what becomes of records; writes nothing and contacts nobody",
		Long: `preview shows for each record where it would go, under which id, the document,
and what was removed and why, and in the end how often each word of
ES_Log_IgnoreWord matched. It writes nothing and contacts nobody.

A FILE is an event, the value of a single record (JSON or text), or one event or
JSON value a line; - is stdin. With --lines every line is a record, whatever it
looks like. Records that do not come from an event have no coordinates; topic
"topic", partition 0 and offsets from 0 stand for them.

ES_Address is not needed, and ES_Index_KeyWord is "demo" unless it is set.

` + environHelp,
		Example: `  etlctl preview record.json
  etlctl preview -e ES_Log_IgnoreWord=password,**.token testdata/events/app-200.json
  tail -n 100 app.log | etlctl preview --lines --limit 0 -
  etlctl preview --json event.json | jq -r .elasticsearch.index | sort | uniq -c
  etlctl preview --at 2026-11-24T23:59:00+08:00 record.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runPreview(cmd.Context(), sys, &flags, args) },
	}
	flags.environ.register(cmd.Flags())
	cmd.Flags().BoolVar(&flags.lines, "lines", false, "every line is a record's value")
	cmd.Flags().BoolVar(&flags.json, "json", false, "print one JSON object a record on a line")
	cmd.Flags().IntVar(&flags.limit, "limit", -1, "show at most `N` records; 0: all (default 10; with --json all)")
	cmd.Flags().StringVar(&flags.at, "at", "", "`TIME` of arrival, such as 2026-11-24T23:59:00+08:00; without a zone in that of ES_Index_TimeZone (default now)")
	cmd.Flags().Lookup("limit").DefValue = "0" // not shown; the text says it
	return cmd
}

func runPreview(ctx context.Context, sys *system, flags *previewFlags, args []string) error {
	limit := flags.limit
	switch {
	case limit < -1:
		return usagef("--limit: got %d, want at least 0", limit)
	case limit == -1 && flags.json:
		limit = 0
	case limit == -1:
		limit = 10
	}
	vars, err := flags.environ.variables(sys.environ)
	if err != nil {
		return err
	}
	cfg, err := previewConfig(vars)
	if err != nil {
		return err
	}
	now := time.Now
	if flags.at != "" {
		at, err := parseAt(flags.at, cfg.Cleaning.Zone)
		if err != nil {
			return err
		}
		now = func() time.Time { return at }
	}
	files, err := findPayloads(args)
	if err != nil {
		return err
	}
	for _, w := range cfg.Warnings {
		printf(sys.stderr, "warning: %s\n", w)
	}
	p, err := newPreviewer(cfg)
	if err != nil {
		return usage(err)
	}
	broken := 0
	source := &recordSource{files: files, stdin: sys.stdin, lines: flags.lines, now: now, broken: func(name string, err error) {
		broken++
		printf(sys.stderr, "%s: %v\n", name, err)
	}}
	// Nothing ends the wait for stdin, so nobody waits for it.
	done := make(chan error, 1)
	go func() { done <- p.print(source, newPreviewPrinter(sys, flags.json), limit) }()
	select {
	case <-ctx.Done():
		return errors.New("interrupted")
	case err := <-done:
		if err != nil {
			return err
		}
	}
	if broken > 0 {
		return fmt.Errorf("%s cannot be read; a record's value that looks like an event needs --lines", number(broken, "event"))
	}
	return nil
}

// previewConfig is the configuration of vars. Where documents would be stored
// does not matter, so a stand-in's address does when there is none.
func previewConfig(vars map[string]string) (*config.Config, error) {
	if vars["ES_Address"] == "" && (vars["kafka_address"] == "" || anyVariable(vars, config.GroupElasticsearch)) {
		vars["ES_Address"] = "https://preview.invalid" // https, so that variables about certificates have a meaning
	}
	if vars["ES_Address"] != "" && vars["ES_Index_KeyWord"] == "" {
		vars["ES_Index_KeyWord"] = "demo"
	}
	cfg, err := config.Load(pairsOf(vars))
	if err != nil {
		return nil, usage(err)
	}
	return cfg, nil
}

// anyVariable reports whether a variable of the group is set.
func anyVariable(vars map[string]string, g config.Group) bool {
	for i := range config.Variables {
		if v := &config.Variables[i]; v.Group == g && vars[v.Name] != "" {
			return true
		}
	}
	return false
}

func parseAt(text string, zone *time.Location) (time.Time, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, usagef("--at: got %q, want a time such as 2026-11-24T23:59:00+08:00 or 2026-11-24", text)
}

// previewer makes previews.
type previewer struct {
	cfg    *config.Config
	worker *transform.Worker
	words  *wordCount
}

func newPreviewer(cfg *config.Config) (*previewer, error) {
	program, err := transform.New(pipeline.Options(cfg))
	if err != nil {
		return nil, err
	}
	p := &previewer{cfg: cfg, worker: program.NewWorker(), words: newWordCount(cfg)}
	p.worker.Explain = true
	return p, nil
}

// errLimit stops the reading of records.
var errLimit = errors.New("there are more records than are to be shown")

func (p *previewer) print(source *recordSource, to *previewPrinter, limit int) error {
	err := source.each(func(r sourceRecord) error {
		if limit > 0 && to.shown == limit {
			return errLimit
		}
		return to.record(p.preview(r))
	})
	if err != nil && !errors.Is(err, errLimit) {
		return err
	}
	return to.end(errors.Is(err, errLimit), p.words)
}

// previewPrinter writes previews, for people or as JSON.
type previewPrinter struct {
	out      io.Writer
	errs     io.Writer
	json     *json.Encoder // nil: for people
	paint    paint
	shown    int
	unread   int // records with an event time or id that cannot be read
	outcomes map[string]int
}

func newPreviewPrinter(sys *system, asJSON bool) *previewPrinter {
	to := &previewPrinter{out: sys.stdout, errs: sys.stderr, outcomes: make(map[string]int)}
	if asJSON {
		to.json = json.NewEncoder(sys.stdout)
		to.json.SetEscapeHTML(false)
	} else {
		to.paint = newPaint(sys, sys.stdout)
	}
	return to
}

func (to *previewPrinter) record(p *preview) error {
	to.shown++
	to.outcomes[p.outcome()]++
	if p.UnreadTime != nil || p.UnreadID != "" {
		to.unread++
	}
	if to.json != nil {
		return to.json.Encode(p)
	}
	var b strings.Builder
	p.text(&b, to.paint)
	_, err := io.WriteString(to.out, b.String())
	return err
}

// end says for people what it comes to, and how often each ignored word matched;
// with --json only which words never did.
func (to *previewPrinter) end(more bool, words *wordCount) error {
	if to.json != nil {
		words.each(func(word, text, hint string) {
			if hint != "" {
				printf(to.errs, "warning: %s: %s %s: %s\n", ignoreVariable, word, text, hint)
			}
		})
		return nil
	}
	var b strings.Builder
	words.each(func(word, text, hint string) {
		sign := to.paint.green("✓")
		if hint != "" {
			sign, hint = to.paint.yellow("!"), ": "+hint
		}
		fmt.Fprintf(&b, "%s %s %s %s%s\n", sign, ignoreVariable, oneLine(word), text, hint)
	})
	parts := make([]string, 0, len(outcomeOrder))
	for _, o := range outcomeOrder {
		if n := to.outcomes[o]; n > 0 {
			parts = append(parts, thousands(n)+" "+outcomeText[o])
		}
	}
	text := number(to.shown, "record")
	if len(parts) > 0 {
		text += ": " + strings.Join(parts, ", ")
	}
	if to.unread > 0 {
		text += "; " + "of " + thousands(to.unread) + " an event time or id cannot be read"
	}
	if more {
		text += "; there are more, --limit 0 shows all"
	}
	_, err := fmt.Fprintf(to.out, "%s%s. Nothing was written.\n", b.String(), text)
	return err
}
