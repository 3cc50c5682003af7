// Package sonic does the job with github.com/bytedance/sonic: its decoder, which
// compiles itself at run time, for the event and its lazy tree for the records.
// Values that are kept are copied as they are.
package sonic

import (
	"strings"

	"github.com/bytedance/sonic"
	"github.com/bytedance/sonic/ast"

	"ckafka-etl/bench/job"
)

type event struct {
	Records []struct {
		Ckafka struct {
			Topic     string `json:"topic"`
			Partition int64  `json:"partition"`
			Offset    int64  `json:"offset"`
			Key       string `json:"msgKey"`
			Body      string `json:"msgBody"`
		} `json:"Ckafka"`
	} `json:"Records"`
}

// Candidate does the job with sonic.
type Candidate struct {
	namer   *job.Namer
	ignored []string
	api     sonic.API
	event   event
	object  job.Object
}

// New returns the candidate.
func New() (job.Candidate, error) {
	return &Candidate{namer: job.NewNamer(), ignored: job.Ignored(), api: sonic.ConfigDefault}, nil
}

// Run does the job.
func (c *Candidate) Run(payload, dst []byte) (body []byte, records int, err error) {
	clear(c.event.Records) // a member that an element lacks must not be the last event's
	if err := c.api.UnmarshalFromString(job.View(payload), &c.event); err != nil {
		return dst, 0, err
	}
	for i := range c.event.Records {
		k := &c.event.Records[i].Ckafka
		r := job.Record{Topic: k.Topic, Partition: k.Partition, Offset: k.Offset, Body: job.Bytes(k.Body)}
		dst = c.document(dst, &r, k.Body)
	}
	return dst, len(c.event.Records), nil
}

func (c *Candidate) document(dst []byte, r *job.Record, text string) []byte {
	for layer := 0; ; layer++ {
		node, ok := parse(text, `{"`)
		if !ok {
			return c.namer.AppendText(dst, r, job.Bytes(text))
		}
		if node.TypeSafe() == ast.V_OBJECT {
			c.object.Reset()
			if c.members(&node) {
				break
			}
			return c.namer.AppendText(dst, r, job.Bytes(text))
		}
		inner, err := node.StrictString()
		if err != nil || layer == job.MaxLayers || !sonic.ValidString(inner) {
			return c.namer.AppendText(dst, r, job.Bytes(text))
		}
		text = inner
	}
	if message := c.object.Get(job.MessageField); message != "" && message[0] == '"' {
		raw := ast.NewRaw(message)
		if inner, err := raw.StrictString(); err == nil {
			if node, ok := parse(inner, "{"); ok {
				c.object.Delete(job.MessageField)
				c.members(&node)
			}
		}
	}
	return c.object.Append(dst, c.namer, r, c.ignored)
}

// parse checks text, which has to start with one of first. What it returns is
// still to be read.
func parse(text, first string) (ast.Node, bool) {
	if !job.MayBe(text, first) {
		return ast.Node{}, false
	}
	node, err := ast.NewSearcher(text).GetByPath()
	if err != nil {
		return node, false
	}
	raw, err := node.Raw()
	if err != nil || strings.Trim(text, " \t\r\n") != raw {
		return node, false // something follows
	}
	return node, true
}

// members adds an object's members to c.object.
func (c *Candidate) members(node *ast.Node) bool {
	members, err := node.Properties()
	if err != nil {
		return false
	}
	var pair ast.Pair
	for members.Next(&pair) {
		value, err := pair.Value.Raw()
		if err != nil {
			return false
		}
		if strings.IndexByte(value, '\n') >= 0 {
			if value, err = oneLine(value); err != nil {
				return false
			}
		}
		c.object.Set(pair.Key, value)
	}
	return node.Check() == nil
}

// oneLine takes the line breaks between a value's tokens away.
func oneLine(value string) (string, error) {
	var tree any
	api := sonic.Config{UseNumber: true}.Froze()
	if err := api.UnmarshalFromString(value, &tree); err != nil {
		return "", err
	}
	return api.MarshalToString(tree)
}
