package esclient

import (
	"log/slog"

	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// said is what a client has warned of already.
type said struct{ parts, time, zone, id, overwritten bool }

// oddities are the first of each kind in a batch.
type oddities struct {
	timeField, timeShape string // of a time that was not understood
	byZone               string // the field with a time that names its zone by an abbreviation
	id                   string // why an id could not be read
}

// note counts what is odd about a document.
func (s *documents) note(doc *transform.Document) {
	if doc.OutsideWindow {
		s.stats.OutsideWindow++
	}
	if doc.UnreadTime != "" {
		if s.stats.UnreadTime++; s.stats.UnreadTime == 1 {
			s.seen.timeField, s.seen.timeShape = doc.UnreadTime, doc.UnreadShape()
		}
	}
	if doc.UnreadID != "" {
		s.stats.UnreadID++
		s.seen.id = doc.UnreadID
	}
	if doc.ByZone {
		s.seen.byZone = doc.TimeField
	}
}

// say warns once of each kind of what was odd about a batch. What a record holds
// is in none of it but its shape.
func (c *Client) say(src *documents) {
	log, stats, seen := c.cfg.Logger, &src.stats, &src.seen
	if stats.UnreadTime > 0 && !c.said.time {
		c.said.time = true
		log.Warn("event times cannot be read (unread_time): such records are named by the next field of ES_Index_TimeField, or by the arrival time",
			slog.String("field", seen.timeField), slog.String("shape", seen.timeShape), slog.Int("count", stats.UnreadTime))
	}
	if seen.byZone != "" && !c.said.zone {
		c.said.zone = true
		log.Warn("event times name their zone by an abbreviation, which means what it means in ES_Index_TimeZone",
			slog.String("field", seen.byZone), slog.String("zone", c.cfg.Program.Zone()))
	}
	if stats.UnreadID > 0 && !c.said.id {
		c.said.id = true
		log.Warn("ids cannot be read (unread_id): such records get generated ones; look at ES_Id_Field and at what writes the field",
			slog.String("field", c.cfg.IDField), slog.String("cause", seen.id), slog.Int("count", stats.UnreadID))
	}
	if stats.Overwritten > 0 && !c.cfg.IDFieldSet && !c.said.overwritten {
		c.said.overwritten = true
		log.Warn("documents were overwritten by others with the same id, which they have from a field that is taken unless ES_Id_Field says otherwise; "+
			"if it does not tell records apart, set ES_Id_Field to one that does, or to none", slog.String("field", c.cfg.IDField), slog.Int("count", stats.Overwritten))
	}
}

// warnOfParts warns, once, of a batch that is stored in part under an index that
// is named by the arrival: another instance would name the index of the rest by
// its own clock, and write what is stored once more.
func (c *Client) warnOfParts(results []record.Result) {
	if c.said.parts || !c.cfg.Program.NamesByArrival() {
		return
	}
	stored, open := false, false
	for i := range results {
		stored = stored || results[i].Outcome == record.Stored
		open = open || results[i].Outcome == record.Unsettled
	}
	if stored && open {
		c.said.parts = true
		c.cfg.Logger.Warn("a batch is stored in part, and its index is named by the arrival time: if this instance is lost and the batch " +
			"comes to another one behind the end of the index's day or hour, what is stored is stored again; ES_Index_TimeField names the index by the event's time")
	}
}
