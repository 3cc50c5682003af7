package main

import (
	"fmt"
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
	flags.StringVar(&f.file, "env-file", "", "`FILE` with variables for the function, one NAME=VALUE a line; # starts a comment line")
}

// variables returns the variables that the function gets. The platform knows
// no empty values: a variable that is empty is not set.
func (f *environFlags) variables(environ []string) (map[string]string, error) {
	vars := make(map[string]string)
	set := func(where, pair string) error {
		name, value, ok := strings.Cut(pair, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			// Never the pair itself: it may be a password.
			return usagef("%s: not of the form NAME=VALUE", where)
		}
		vars[name] = strings.TrimSpace(value)
		return nil
	}
	for _, pair := range config.Relevant(environ) {
		if err := set("environment", pair); err != nil {
			return nil, err
		}
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
			if line == "" || strings.HasPrefix(line, "#") {
				continue
			}
			if err := set(fmt.Sprintf("--env-file: %s:%d", f.file, n), strings.TrimPrefix(line, "export ")); err != nil {
				return nil, err
			}
		}
	}
	for i, pair := range f.pairs {
		if err := set(fmt.Sprintf("--env, number %d", i+1), pair); err != nil {
			return nil, err
		}
	}
	maps.DeleteFunc(vars, func(_, value string) bool { return value == "" })
	return vars, nil
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
