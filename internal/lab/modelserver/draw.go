package modelserver

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// refusedWhole are the statuses with which a whole request is refused.
var refusedWhole = []int{400, 403, 413, 429, 503, 401, 404, 500, 502, 504, 408, 302, 405, 415, 422, 501}

// drawReply draws a refusal of a whole request.
func drawReply(t *rapid.T) Fault {
	r := rapid.SampledFrom(Pages()).Draw(t, "page")
	r.Status = rapid.SampledFrom(refusedWhole).Draw(t, "status")
	r.Form = rapid.SampledFrom([]Form{Plain, Plain, Marked, Compressed, Chunked}).Draw(t, "form")
	if r.Status == http.StatusTooManyRequests || r.Status == http.StatusServiceUnavailable {
		r.RetryAfter = rapid.SampledFrom([]time.Duration{0, 0, time.Second, 20 * time.Second, time.Minute}).Draw(t, "retry after")
		r.AsDate = rapid.Bool().Draw(t, "as a date")
	}
	return refusesWhole(r)
}

// refusesWhole is a refusal of whole requests. Of some statuses nobody knows what
// they are about, unless Elasticsearch itself says what its user may not do.
func refusesWhole(r Reply) Fault {
	f := Fault{How: Replies, Reply: r}
	switch r.Status {
	case http.StatusForbidden:
		if !strings.HasPrefix(r.Body, `{"error":`) {
			f.Proof = Unproved
		}
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		f.Proof = Unproved
	}
	return f
}

// EveryRefusal are the faults that RefusesEverything draws from.
func EveryRefusal() []Fault {
	faults := []Fault{{How: NoConnection}, {How: Reset}, {How: BreaksInBody, Proof: Unproved}, {How: Stalls}}
	for _, status := range refusedWhole {
		for _, r := range Pages() {
			r.Status = status
			faults = append(faults, refusesWhole(r))
		}
	}
	for _, body := range NoAnswers() {
		faults = append(faults, Fault{How: Replies, Reply: Reply{Status: http.StatusOK, Body: body}})
	}
	for _, r := range slices.Concat(ServerRefusals(), IndexRefusals(), UnknownRefusals()) {
		faults = append(faults, Fault{How: RefusesItems, Items: Items{Refusal: r}})
		if r.Status >= http.StatusInternalServerError {
			faults = append(faults, Fault{How: RefusesItems, Items: Items{Refusal: r, Keeps: KeepsVisible}})
		}
	}
	return faults
}

// drawItems draws a refusal of documents that says nothing of them.
func drawItems(t *rapid.T) Fault {
	r := rapid.SampledFrom(slices.Concat(ServerRefusals(), IndexRefusals(), UnknownRefusals())).Draw(t, "refusal")
	f := Fault{How: RefusesItems, Items: Items{Refusal: r}}
	if r.Status >= http.StatusInternalServerError && rapid.Bool().Draw(t, "seems to be written") {
		f.Items.Keeps = KeepsVisible
	}
	return f
}

func drawConnection(t *rapid.T) Fault {
	return rapid.SampledFrom([]Fault{{How: NoConnection}, {How: Reset}, {How: BreaksInBody, Proof: Unproved}, {How: Stalls}}).Draw(t, "connection")
}

func drawNoAnswer(t *rapid.T) Fault {
	return Fault{How: Replies, Reply: Reply{Status: http.StatusOK, Body: rapid.SampledFrom(NoAnswers()).Draw(t, "no answer")}}
}

// RefusesEverything draws a fault with which nothing is written for good, and
// which speaks of no document. spared is an index that may be well; "": none is.
func RefusesEverything(spared string) *rapid.Generator[Fault] {
	return rapid.Custom(func(t *rapid.T) Fault {
		draw := rapid.SampledFrom([]func(*rapid.T) Fault{drawReply, drawItems, drawItems, drawConnection, drawNoAnswer}).Draw(t, "kind")
		f := draw(t)
		if spared != "" && rapid.Bool().Draw(t, "spares dead letters") {
			f.Spares = spared
		}
		return f
	})
}

// AnyFault draws a fault of any kind: with some the server has worked, some hit
// a part of the documents. One of hosts may be the only one that is ill.
func AnyFault(spared string, hosts ...string) *rapid.Generator[Fault] {
	return rapid.Custom(func(t *rapid.T) Fault {
		var f Fault
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0: // time passes
		case 1, 2:
			f.How = rapid.SampledFrom([]How{CutAnswer, ShortAnswer, LongAnswer, ShuffledAnswer, ForeignAnswer}).Draw(t, "answer")
		case 3, 4:
			f = drawItems(t)
			f.Items.Of = rapid.SampledFrom([]int{1, 2, 3}).Draw(t, "one of")
			f.Items.doubt()
			if f.Items.Keeps == KeepsVisible && rapid.Bool().Draw(t, "is written") {
				f.Items.Keeps = KeepsDurable
			}
		default:
			f = RefusesEverything("").Draw(t, "fault")
			f.Worked = f.worksFirst() && rapid.Bool().Draw(t, "worked")
		}
		if f.Proof == ProvesNothing && spared != "" && rapid.IntRange(0, 3).Draw(t, "spares dead letters") == 0 {
			f.Spares = spared
		}
		if len(hosts) > 1 && rapid.Bool().Draw(t, "one host") {
			f.Host = rapid.SampledFrom(hosts).Draw(t, "host")
		}
		return f
	})
}

// doubt makes a refusal that hits only some documents of an index one that might
// speak of them, unless its status or type says that it does not.
func (i *Items) doubt() {
	r := &i.Refusal
	switch {
	case i.Of <= 1:
	case r.Status == http.StatusBadRequest, r.Status == http.StatusInternalServerError && r.Type == "illegal_state_exception":
		r.Proof = Unproved
	}
}

// worksFirst reports whether a server can have done its work when a request
// ends so: the answer is lost, or stands for what somebody before it thinks.
func (f *Fault) worksFirst() bool {
	switch f.How {
	case Reset, Stalls:
		return true
	case Replies:
		return f.Reply.Status >= http.StatusInternalServerError || f.Reply.Status == http.StatusOK || f.Reply.Status == http.StatusRequestTimeout
	default:
		return false
	}
}

// LosesAnswers draws a fault after which nobody knows what became of a request:
// the server has worked or not, and said nothing that could be read.
func LosesAnswers() *rapid.Generator[Fault] {
	return rapid.Custom(func(t *rapid.T) Fault {
		how := rapid.SampledFrom([]How{Reset, Reset, Stalls, CutAnswer, ShortAnswer, Replies, NoConnection}).Draw(t, "how")
		f := Fault{How: how}
		if how == Replies {
			f.Reply = Reply{Status: http.StatusOK, Body: rapid.SampledFrom(NoAnswers()).Draw(t, "no answer")}
		}
		f.Worked = how != NoConnection && rapid.Bool().Draw(t, "worked")
		return f
	})
}

// Lasting draws how long a fault lasts: some requests or some time.
func Lasting(faults *rapid.Generator[Fault]) *rapid.Generator[Phase] {
	return rapid.Custom(func(t *rapid.T) Phase {
		p := Phase{Fault: faults.Draw(t, "fault")}
		if rapid.IntRange(0, 3).Draw(t, "lasts some time") == 0 {
			p.For = time.Duration(rapid.SampledFrom([]int{100, 2_500, 20_000, 90_000}).Draw(t, "ms")) * time.Millisecond
		} else {
			p.Requests = rapid.SampledFrom([]int{1, 1, 2, 3, 6, 12}).Draw(t, "requests")
			if p.Fault.Reply.RetryAfter > 0 {
				p.Requests = min(p.Requests, 2) // or it lasts for an hour
			}
		}
		return p
	})
}
