package main

import (
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ckafka-etl/config"
)

// environFlags say which variables the function gets.
type environFlags struct {
	pairs []string
	file  string
}

const environHelp = `The function's variables are ES_*, kafka_*, Log_Level and TZ of the environment,
then those of --env-file, then those of --env; later ones win.`

func (f *environFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&f.pairs, "env", "e", nil, "variable for the function, as `NAME=VALUE`; an empty value unsets it; may be repeated")
	flags.StringVar(&f.file, "env-file", "", "`FILE` with variables for the function, one NAME=VALUE a line, quotes around a value dropped; # starts a comment line")
}

// variables returns the variables that the function gets. The platform knows
// no empty values: a variable that is empty is not set. No error holds a value:
// it may be a secret.
func (f *environFlags) variables(environ []string) (map[string]string, error) {
	vars := make(map[string]string)
	set := func(name, value string, ok bool) bool {
		name = strings.TrimSpace(name)
		vars[name] = strings.TrimSpace(value)
		return ok && name != ""
	}
	for _, pair := range config.Relevant(environ) {
		set(strings.Cut(pair, "="))
	}
	if f.file != "" {
		text, err := os.ReadFile(f.file)
		if err != nil {
			return nil, usagef("--env-file: %w", err)
		}
		n := 0
		for line := range strings.Lines(string(text)) {
			n++
			line = strings.TrimSpace(line)
			if line == "" || line[0] == '#' {
				continue
			}
			name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
			if !set(name, unquote(value), ok) {
				return nil, usagef("--env-file: %s:%d: not of the form NAME=VALUE", f.file, n)
			}
		}
	}
	for i, pair := range f.pairs {
		if !set(strings.Cut(pair, "=")) {
			return nil, usagef("--env, number %d: not of the form NAME=VALUE", i+1)
		}
	}
	maps.DeleteFunc(vars, func(_, value string) bool { return value == "" })
	return vars, nil
}

// withoutPace switches off the pace of failing invocations unless somebody has
// set it: who calls the function paces its retries itself, or makes none.
func withoutPace(vars map[string]string) {
	if vars["Retry_Pace"] == "" {
		vars["Retry_Pace"] = "0"
	}
}

// unquote drops the quotes around a value, as people write them in such files.
func unquote(value string) string {
	value = strings.TrimSpace(value)
	if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[0] == value[n-1] {
		return value[1 : n-1]
	}
	return value
}

// pairsOf returns variables as os.Environ does, sorted.
func pairsOf(vars map[string]string) []string {
	pairs := make([]string, 0, len(vars))
	for name, value := range vars {
		pairs = append(pairs, name+"="+value)
	}
	slices.Sort(pairs)
	return pairs
}
