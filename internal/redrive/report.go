package redrive

// Fate is what became of a letter.
type Fate struct {
	// Outcome is one of the constants below.
	Outcome string
	// Reason says why it was left (a constant Left…), refused again or not
	// settled: a text without contents.
	Reason string
}

// What becomes of a letter.
const (
	Stored    = "stored"    // sent, taken, removed
	Duplicate = "duplicate" // it was there already; removed
	Refused   = "refused"   // refused again; it stays
	Unsettled = "unsettled" // nobody knows, or the server could not; it stays
	Left      = "left"      // cannot be sent; it stays
	Skipped   = "skipped"   // the filter does not choose it; it stays
	Sendable  = "sendable"  // a dry run would have sent it; it stays
)

// Report is what came of a run.
type Report struct {
	Read       int            `json:"read"`
	Outcomes   map[string]int `json:"outcomes"`
	NotRemoved int            `json:"not_removed"` // stored or duplicate, and still there
	// Groups are the letters that were chosen, by what they have in common.
	Groups map[Group]int `json:"-"`
	// Reasons are why letters stay, by outcome.
	Reasons map[string]map[string]int `json:"reasons,omitempty"`
	// Limited says that the limit ended the run, Interrupted that the user did.
	Limited     bool `json:"limited,omitempty"`
	Interrupted bool `json:"interrupted,omitempty"`
	// Notes are what else there is to say.
	Notes []string `json:"notes,omitempty"`
}

// Group is what letters can be counted by.
type Group struct{ Cause, Topic, Sink, Target, Outcome string }

// Stays is how many of the letters that were chosen are still there because
// they could not be sent, were refused again or are unsettled.
func (r *Report) Stays() int {
	return r.Outcomes[Refused] + r.Outcomes[Unsettled] + r.Outcomes[Left]
}
