package config

import (
	"slices"
	"strings"
)

// Relevant returns the pairs of environ that Load looks at, sorted by name.
// While slices.Equal finds it unchanged, the configuration is unchanged, too,
// but for the contents of certificate files. It costs a few microseconds. The
// pairs hold secrets: keep them, don't print them.
func Relevant(environ []string) []string {
	var own []string
	for _, pair := range environ {
		if name, _, ok := strings.Cut(pair, "="); ok && IsRelevant(name) {
			own = append(own, pair)
		}
	}
	// By name only and stable: of equal names the last must stay the last.
	slices.SortStableFunc(own, func(a, b string) int {
		a, _, _ = strings.Cut(a, "=")
		b, _, _ = strings.Cut(b, "=")
		return strings.Compare(a, b)
	})
	return own
}

// IsRelevant reports whether Load looks at the variable of that name.
func IsRelevant(name string) bool { return ours(name) || name == "TZ" }

// ours reports whether a variable is one of ours or was probably meant to be.
func ours(name string) bool {
	return hasPrefixFold(name, "ES_") || hasPrefixFold(name, "kafka_") ||
		strings.EqualFold(name, "Log_Level") || strings.EqualFold(name, "Retry_Pace")
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// strangerText says what is odd about a variable that looks like ours but is
// not in the table.
func strangerText(name string) string {
	names := make([]string, len(Variables))
	for i := range Variables {
		names[i] = Variables[i].Name
		if strings.EqualFold(names[i], name) {
			return "ignored: capitals matter in names; write " + names[i]
		}
	}
	best := Nearest(name, names)
	if best == "" {
		return "ignored: unknown variable"
	}
	return "ignored: unknown variable; did you mean " + best + "?"
}

// Nearest returns the one of the names that name is a slip of the pen of, or ""
// if none is near enough. Capitals do not matter.
func Nearest(name string, names []string) string {
	best, bestDistance := "", 3
	if len(name) > 12 {
		bestDistance = 4
	}
	for _, known := range names {
		if d := distance(strings.ToLower(known), strings.ToLower(name)); d < bestDistance {
			best, bestDistance = known, d
		}
	}
	return best
}

// distance is the Levenshtein distance between a and b in bytes.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}
