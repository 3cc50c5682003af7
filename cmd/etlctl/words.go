package main

import (
	"strings"

	"ckafka-etl/config"
)

// ignoreVariable is the variable whose words are counted.
const ignoreVariable = "ES_Log_IgnoreWord"

// wordCount says how often each ignored word took something away from the records
// that were seen.
type wordCount struct {
	words   []string
	times   []int
	records int
}

func newWordCount(cfg *config.Config) *wordCount {
	return &wordCount{words: cfg.Cleaning.Ignore, times: make([]int, len(cfg.Cleaning.Ignore))}
}

// add counts what was taken away from a record.
func (c *wordCount) add(matched []int) {
	c.records++
	for i, n := range matched {
		c.times[i] += n
	}
}

// matched returns the words of one record that took something away, nil for none.
func (c *wordCount) matched(times []int) map[string]int {
	var words map[string]int
	for i, n := range times {
		if n > 0 {
			if words == nil {
				words = make(map[string]int)
			}
			words[c.words[i]] = n
		}
	}
	return words
}

// each calls say with each word, how often it matched, and for one that never did
// what to look at.
func (c *wordCount) each(say func(word, text, hint string)) {
	for i, word := range c.words {
		in := " in " + number(c.records, "record")
		if n := c.times[i]; n > 0 {
			say(word, "matched "+number(n, "time")+in, "")
			continue
		}
		hint := "look at its spelling"
		if name, deep := strings.CutPrefix(word, "**."); !deep {
			last := name[strings.LastIndexByte(name, '.')+1:]
			hint += " and at where the field stands; **." + last + " is " + last + " at any depth, in any case, and in text"
		}
		say(word, "matched nothing"+in, hint)
	}
}
