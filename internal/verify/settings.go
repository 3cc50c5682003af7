package verify

import (
	"context"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// settings asks for the topic's settings that matter. Who may not see them, or
// has brokers before 0.11, is taken to have a topic that is not compacted, as
// most are.
func (t *topic) settings(ctx context.Context) {
	const policy, format = "cleanup.policy", "message.format.version"
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, t.cfg.Name, []string{policy, format}
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(ctx, t.client)
	if err != nil {
		return
	}
	for _, r := range resp.Resources {
		for _, c := range r.Configs {
			switch {
			case c.Value == nil:
			case c.Name == policy:
				t.compact = strings.Contains(*c.Value, "compact")
			case c.Name == format:
				t.format = *c.Value
			}
		}
	}
}

// headerless says why the topic's records have no headers, "" if they may have
// some. It is asked before anything is read, which may take long.
func (t *topic) headerless(ctx context.Context) (string, error) {
	for _, old := range []string{"0.8", "0.9", "0.10"} {
		if t.format == old || strings.HasPrefix(t.format, old+".") || strings.HasPrefix(t.format, old+"-") {
			return "its message.format.version is " + t.format, nil
		}
	}
	// Headers came with the third version of the request to produce.
	const firstWithHeaders = 3
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, t.client)
	if err != nil {
		return "", err
	}
	for _, k := range resp.ApiKeys {
		if k.ApiKey == int16(kmsg.Produce) && k.MaxVersion < firstWithHeaders {
			return "its brokers are older than Kafka 0.11", nil
		}
	}
	return "", nil
}

// requireHeaders fails if records cannot be paired by headers.
func (t *topic) requireHeaders(ctx context.Context) error {
	why, err := t.headerless(ctx)
	if err == nil && why != "" {
		err = fmt.Errorf("%s, so its records have no headers that say which source record they are copies of: compare by content (--match content)", why)
	}
	return err
}
