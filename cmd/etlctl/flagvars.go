package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"ckafka-etl/config"
)

// Flags of trigger are variables, too, for those who run it as a service.
const (
	ownPrefix     = "ETLCTL_" // of all variables of this tool
	triggerPrefix = ownPrefix + "TRIGGER_"
	// passwordVariable holds the password for the brokers that are read from,
	// unless --password-env names another one.
	passwordVariable = triggerPrefix + "PASSWORD"
)

const flagVarsHelp = `Every flag but --env can be set with a variable as well: ETLCTL_TRIGGER_ and the
flag's name, in capitals and with _ for -, such as ETLCTL_TRIGGER_MAX_WAIT=2s.
A flag wins over its variable, and a variable of --env-file over one of the
environment. An empty one is not set; one of a name that starts with ETLCTL_ and
that nobody knows is an error. ETLCTL_TRIGGER_PASSWORD is the password for
--user, unless --password-env names another variable.`

// withoutVariable are flags that no variable sets. What --env has for the
// function is set in the environment as it is.
//
//nolint:gochecknoglobals // a table that is never written
var withoutVariable = []string{"env", "help"}

// variableOf returns the variable that sets a flag.
func variableOf(flag string) string {
	return triggerPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// flagVariables returns the variables that set flags, by flag.
func flagVariables(flags *pflag.FlagSet) map[string]string {
	names := make(map[string]string)
	flags.VisitAll(func(f *pflag.Flag) {
		if !slices.Contains(withoutVariable, f.Name) {
			names[f.Name] = variableOf(f.Name)
		}
	})
	return names
}

// setByVariables sets the flags that are not on the command line from an
// environment. It returns those that it has set, with their variables, and all
// that is wrong at once.
func setByVariables(flags *pflag.FlagSet, environ []string) (set map[string]string, err error) {
	set = make(map[string]string)
	known := []string{passwordVariable}
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if slices.Contains(withoutVariable, f.Name) {
			return
		}
		name := variableOf(f.Name)
		known = append(known, name)
		value, ok := lookup(environ, name)
		if value = strings.TrimSpace(value); !ok || value == "" || f.Changed {
			return
		}
		if err := flags.Set(f.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: got %q, want what --%s takes (%s)", name, value, f.Name, f.Value.Type()))
			return
		}
		set[f.Name] = name
	})
	slices.Sort(known)
	var strangers []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, ownPrefix) && !slices.Contains(known, name) && !slices.Contains(strangers, name) {
			strangers = append(strangers, name)
			errs = append(errs, fmt.Errorf("%s: unknown variable%s", name, suggestion(name, known)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, usage(err)
	}
	return set, nil
}

// suggestion says which of the names is meant, if one is near enough.
func suggestion(name string, names []string) string {
	near := config.Nearest(name, names)
	if near == "" { // the middle is missing
		near = config.Nearest(triggerPrefix+strings.TrimPrefix(name, ownPrefix), names)
	}
	if near == "" {
		return ""
	}
	return "; did you mean " + near + "?"
}

// byVariable names the variable in errors about a flag that a variable has set.
func byVariable(err error, set map[string]string) error {
	if !isUsage(err) {
		return err
	}
	text := flagInText.ReplaceAllStringFunc(err.Error(), func(flag string) string {
		if name, ok := set[strings.TrimPrefix(flag, "--")]; ok {
			return name
		}
		return flag
	})
	if text == err.Error() {
		return err
	}
	return usage(errors.New(text))
}

var flagInText = regexp.MustCompile(`--[a-z][a-z-]*`)
