package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ckafka-etl/config"
	"ckafka-etl/internal/envfile"
)

// environFlags say which variables the function gets.
type environFlags struct {
	pairs []string
	file  string
}

const environHelp = `The function's variables are ES_*, kafka_*, Log_Level and TZ of the environment,
then those of --env-file, then those of --env; later ones win. Secrets belong
into the environment or the file: what stands on a command line is seen in the
process list, and --env takes none.

` + envFileHelp

const envFileHelp = `A file of --env-file has one NAME=VALUE a line, "export" before it or not; lines
that begin with # are comments. A value ends with its line, and a # in it
belongs to it; blanks around it are dropped. In single quotes it is taken as it
is, in double quotes with \" \\ \$ for " \ $ and \n for a line break. A value in
quotes may have several lines. Nothing is expanded. Errors name file and line.`

func (f *environFlags) register(flags *pflag.FlagSet) {
	flags.StringArrayVarP(&f.pairs, "env", "e", nil, "variable for the function, as `NAME=VALUE`; an empty value unsets it; may be repeated")
	flags.StringVar(&f.file, "env-file", "", "`FILE` with variables for the function, one NAME=VALUE a line")
}

// variables returns the variables that the function gets. The platform knows
// no empty values: a variable that is empty is not set. No error holds a value:
// it may be a secret.
func (f *environFlags) variables(environ []string) (map[string]string, error) {
	vars := make(map[string]string)
	for _, pair := range config.Relevant(environ) {
		name, value, _ := strings.Cut(pair, "=")
		vars[name] = strings.TrimSpace(value)
	}
	list, err := f.read()
	if err != nil {
		return nil, err
	}
	for _, v := range list {
		if !strings.HasPrefix(v.Name, ownPrefix) {
			vars[v.Name] = v.Value
		}
	}
	for i, pair := range f.pairs {
		name, value, ok := strings.Cut(pair, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok || name == "":
			return nil, usagef("--env, number %d: not of the form NAME=VALUE", i+1)
		case strings.HasPrefix(name, ownPrefix):
			return nil, usagef("--env, number %d: %s is no variable of the function", i+1, name)
		case isSecret(name, value):
			return nil, usagef("--env, number %d: %s holds a secret, which everybody on this machine would see in the process list: set it in the environment, or in a file with --env-file", i+1, name)
		}
		vars[name] = value
	}
	maps.DeleteFunc(vars, func(_, value string) bool { return value == "" })
	return vars, nil
}

// read returns the variables of the file, if there is one.
func (f *environFlags) read() ([]envfile.Variable, error) {
	if f.file == "" {
		return nil, nil
	}
	list, err := envfile.Read(f.file)
	if err != nil {
		return nil, usagef("--env-file: %w", err)
	}
	return list, nil
}

// isSecret reports whether a value of the variable is a secret, or has one in it.
func isSecret(name, value string) bool {
	i := slices.IndexFunc(config.Variables, func(v config.Variable) bool { return strings.EqualFold(v.Name, name) })
	if i < 0 || value == "" {
		return false
	}
	return config.Variables[i].Secret || config.Variables[i].Name == "ES_Address" && strings.Contains(value, "@")
}

// withoutPace switches off the pace of failing invocations unless somebody has
// set it: who calls the function paces its retries itself, or makes none.
func withoutPace(vars map[string]string) {
	if vars["Retry_Pace"] == "" {
		vars["Retry_Pace"] = "0"
	}
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

// over returns an environment with variables over it: those win.
func over(environ []string, vars []envfile.Variable) []string {
	environ = slices.Clone(environ)
	for _, v := range vars {
		environ = append(environ, v.Name+"="+v.Value)
	}
	return environ
}

// lookup returns the value of a variable, the last one if there are several.
func lookup(environ []string, name string) (string, bool) {
	for _, pair := range slices.Backward(environ) {
		if value, ok := strings.CutPrefix(pair, name+"="); ok {
			return value, true
		}
	}
	return "", false
}
