package transform

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	refISO = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d+))?)?( ?(?:[Zz]|[+-]\d\d:?(?:\d\d)?))?)?$`)
	// The basic form, which has no date alone: that is a number.
	refBasic     = regexp.MustCompile(`^(\d{4})(\d\d)(\d\d)[Tt](\d\d)(\d\d)(?:(\d\d)(?:[.,](\d+))?)?( ?(?:[Zz]|[+-]\d\d:?(?:\d\d)?))?$`)
	refCommonLog = regexp.MustCompile(`^(\d\d/(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)/\d{4}:\d\d:\d\d:)(\d\d)(.+)$`)
	refCommon    = regexp.MustCompile(`^(?:\[(.*)\]|([^\[].*))$`)
	refEpoch     = regexp.MustCompile(`^(\d{1,19})(?:\.(\d+))?$`)
	refZone      = regexp.MustCompile(`^ ?(?:[Zz]|([+-])([01]\d|2[0-3])(?::?([0-5]\d))?)$`)
)

// refTime reads a time from a field's value, nil if there is none.
func refTime(value json.RawMessage, zone *time.Location) (time.Time, bool) {
	if value == nil {
		return time.Time{}, false
	}
	text := string(value)
	if value[0] == '"' {
		if err := json.Unmarshal(value, &text); err != nil {
			panic(err)
		}
		text = strings.TrimSpace(text)
	}
	if len(text) < 4 || len(text) > 64 {
		return time.Time{}, false
	}
	if m := refISO.FindStringSubmatch(text); m != nil {
		return refParse(m, zone)
	}
	if m := refBasic.FindStringSubmatch(text); m != nil {
		return refParse(m, zone)
	}
	if m := refEpoch.FindStringSubmatch(text); m != nil {
		return refParseEpoch(m[1], m[2])
	}
	if m := refCommon.FindStringSubmatch(text); m != nil {
		return refParseCommon(m[1] + m[2])
	}
	return time.Time{}, false
}

// refParse reads year, month, day, hour, minute, second, fraction and zone.
func refParse(m []string, zone *time.Location) (time.Time, bool) {
	for i, unset := range []string{4: "00", 5: "00", 6: "00", 7: "0"} {
		if m[i] == "" {
			m[i] = unset
		}
	}
	// time.Parse knows neither the last moment of a day nor leap seconds.
	var extra time.Duration
	if m[4] == "24" {
		if m[5] != "00" || m[6] != "00" || strings.Trim(m[7][:min(9, len(m[7]))], "0") != "" {
			return time.Time{}, false
		}
		m[4], extra = "00", 24*time.Hour
	}
	if m[6] == "60" {
		m[6], extra = "59", extra+time.Second
	}
	if m[8] != "" {
		offset, ok := refOffset(m[8])
		if !ok {
			return time.Time{}, false
		}
		zone = time.FixedZone("", offset)
	}
	t, err := time.ParseInLocation("2006-01-02T15:04:05",
		fmt.Sprintf("%s-%s-%sT%s:%s:%s.%s", m[1], m[2], m[3], m[4], m[5], m[6], m[7]), zone)
	if err != nil {
		return time.Time{}, false
	}
	if extra != 0 { // the calendar's, not the clock's
		t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second()+int(extra/time.Second), t.Nanosecond(), zone)
	}
	return t, true
}

func refOffset(text string) (seconds int, ok bool) {
	m := refZone.FindStringSubmatch(text)
	if m == nil || strings.HasSuffix(text, ":") {
		return 0, false
	}
	hours, _ := strconv.Atoi("0" + m[2])
	minutes, _ := strconv.Atoi("0" + m[3])
	seconds = hours*3600 + minutes*60
	if m[1] == "-" {
		seconds = -seconds
	}
	return seconds, true
}

func refParseCommon(text string) (time.Time, bool) {
	m := refCommonLog.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	offset, ok := refOffset(m[3])
	if !ok {
		return time.Time{}, false
	}
	var extra time.Duration
	if m[2] == "60" {
		m[2], extra = "59", time.Second
	}
	t, err := time.ParseInLocation("02/Jan/2006:15:04:05", m[1]+m[2], time.FixedZone("", offset))
	return t.Add(extra), err == nil
}

// refParseEpoch reads a count of seconds, or of thousandths and so on if it is
// too large for that.
func refParseEpoch(whole, fraction string) (time.Time, bool) {
	n, _ := new(big.Rat).SetString(whole)
	perSecond := int64(1)
	for _, limit := range []string{"100000000000", "100000000000000", "100000000000000000"} {
		if l, _ := new(big.Rat).SetString(limit); n.Cmp(l) >= 0 {
			perSecond *= 1000
		}
	}
	if n.Cmp(new(big.Rat).SetInt64(1<<63-1)) > 0 {
		return time.Time{}, false
	}
	exact, _ := new(big.Rat).SetString(whole + "." + fraction + "0")
	nanos := exact.Mul(exact, big.NewRat(1_000_000_000, perSecond))
	cut := new(big.Int).Quo(nanos.Num(), nanos.Denom())
	seconds, rest := new(big.Int).QuoRem(cut, big.NewInt(1_000_000_000), new(big.Int))
	return time.Unix(seconds.Int64(), rest.Int64()), true
}
