package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// triggerFlagSet returns the flags of trigger.
func triggerFlagSet() *pflag.FlagSet {
	return newTrigger(&system{}).Flags()
}

// Every flag but --env has a variable, and the help says so of all.
func TestEveryFlagHasAVariable(t *testing.T) {
	flags := triggerFlagSet()
	names := flagVariables(flags)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Name != "env" && f.Name != "help" {
			assert.Contains(t, names, f.Name)
		}
	})
	assert.Equal(t, "ETLCTL_TRIGGER_MAX_WAIT", names["max-wait"])
	assert.NotContains(t, names, "env")
	assert.NotContains(t, names, "password", "ETLCTL_TRIGGER_PASSWORD is the password")
}

// What a variable sets is what the flag sets, whichever it is.
func TestVariablesSetFlags(t *testing.T) {
	values := map[string][]string{
		"bool": {"true", "false", "1"}, "string": {"a", "a b", "x=y#z"}, "int": {"0", "7", "-1"}, "int64": {"0", "64"}, "duration": {"0s", "1m30s"},
	}
	rapid.Check(t, func(t *rapid.T) {
		byFlag, byVariable := triggerFlagSet(), triggerFlagSet()
		var environ []string
		byFlag.VisitAll(func(f *pflag.Flag) {
			choices := values[f.Value.Type()]
			if choices == nil || f.Name == "help" || !rapid.Bool().Draw(t, f.Name) {
				return
			}
			value := rapid.SampledFrom(choices).Draw(t, "value")
			require.NoError(t, byFlag.Set(f.Name, value))
			environ = append(environ, variableOf(f.Name)+"="+value)
		})
		set, err := setByVariables(byVariable, environ)
		require.NoError(t, err)
		require.Len(t, set, len(environ))
		byFlag.VisitAll(func(f *pflag.Flag) {
			require.Equal(t, f.Value.String(), byVariable.Lookup(f.Name).Value.String(), f.Name)
		})
	})
}

func TestSetByVariables(t *testing.T) {
	for name, tt := range map[string]struct {
		environ []string
		args    []string
		want    map[string]string // flags
		errors  []string
	}{
		"none": {environ: []string{"ES_Address=x", "PATH=/bin", "etlctl_x=1"}},
		"several": {
			environ: []string{"ETLCTL_TRIGGER_TOPIC= logs ", "ETLCTL_TRIGGER_MAX_WAIT=2s", "ETLCTL_TRIGGER_TLS=true"},
			want:    map[string]string{"topic": "logs", "max-wait": "2s", "tls": "true"},
		},
		"the flag wins": {
			environ: []string{"ETLCTL_TRIGGER_TOPIC=variable", "ETLCTL_TRIGGER_RETRY=nonsense"}, args: []string{"--topic", "flag", "--retry", "3"},
			want: map[string]string{"topic": "flag", "retry": "3"},
		},
		"the last of two wins, as that of a file": {
			environ: []string{"ETLCTL_TRIGGER_TOPIC=environment", "ETLCTL_TRIGGER_TOPIC=file"}, want: map[string]string{"topic": "file"},
		},
		"empty is not set": {environ: []string{"ETLCTL_TRIGGER_RETRY=", "ETLCTL_TRIGGER_GRACE= "}, want: map[string]string{"retry": "10000", "grace": "30s"}},
		"the password":     {environ: []string{"ETLCTL_TRIGGER_PASSWORD=x"}},
		"all that is wrong": {
			environ: []string{
				"ETLCTL_TRIGGER_RETRY=many", "ETLCTL_TRIGGER_TLS=perhaps", "ETLCTL_TRIGGER_TOPICS=x", "ETLCTL_MAX_WAIT=1s",
				"ETLCTL_TRIGGER_ENV=A=b", "ETLCTL_TRIGGER_SERVICE_HOST=10.0.0.1", "ETLCTL_TRIGGER_HELP=true",
			},
			errors: []string{
				`ETLCTL_TRIGGER_RETRY: got "many", want what --retry takes (int)`, `ETLCTL_TRIGGER_TLS: got "perhaps", want what --tls takes (bool)`,
				"ETLCTL_TRIGGER_TOPICS: unknown variable; did you mean ETLCTL_TRIGGER_TOPIC?", "ETLCTL_MAX_WAIT: unknown variable; did you mean ETLCTL_TRIGGER_MAX_WAIT?",
				"ETLCTL_TRIGGER_ENV: unknown variable", "ETLCTL_TRIGGER_SERVICE_HOST: unknown variable\n", "ETLCTL_TRIGGER_HELP: unknown variable",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			flags := triggerFlagSet()
			require.NoError(t, flags.Parse(tt.args))
			_, err := setByVariables(flags, tt.environ)
			if tt.errors == nil {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
				assert.True(t, isUsage(err))
			}
			for _, text := range tt.errors {
				assert.Contains(t, err.Error()+"\n", text)
			}
			for flag, want := range tt.want {
				assert.Equal(t, want, flags.Lookup(flag).Value.String(), flag)
			}
		})
	}
}

// A trigger with no flag at all: where a value is from is what an error names.
func TestTriggerByVariables(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "trigger.env")
	write := func(text string) { require.NoError(t, os.WriteFile(file, []byte(text), 0o600)) }
	environ := []string{
		"ES_Address=127.0.0.1:1", "ES_Index_KeyWord=app", "ETLCTL_TRIGGER_BROKERS=127.0.0.1:1", "ETLCTL_TRIGGER_TOPIC=logs", "ETLCTL_TRIGGER_GROUP=g",
		"ETLCTL_TRIGGER_FUNCTION=/bin/true",
	}
	for name, tt := range map[string]struct {
		more []string
		file string
		args []string
		want string
	}{
		"wrong value":          {more: []string{"ETLCTL_TRIGGER_MAX_WAIT=61s"}, want: "ETLCTL_TRIGGER_MAX_WAIT: got 1m1s"},
		"wrong value of flag":  {more: []string{"ETLCTL_TRIGGER_MAX_WAIT=1s"}, args: []string{"--max-wait", "61s"}, want: "--max-wait: got 1m1s"},
		"unknown":              {more: []string{"ETLCTL_TRIGGER_MAXWAIT=1s"}, want: "did you mean ETLCTL_TRIGGER_MAX_WAIT?"},
		"unknown in the file":  {file: "ETLCTL_TRIGGER_MAXWAIT=1s", want: "did you mean ETLCTL_TRIGGER_MAX_WAIT?"},
		"the file wins":        {more: []string{"ETLCTL_TRIGGER_POSITION=earliest"}, file: "ETLCTL_TRIGGER_POSITION=never", want: `ETLCTL_TRIGGER_POSITION: got "never"`},
		"file within the file": {file: "A=b\nETLCTL_TRIGGER_ENV_FILE=x", want: file + ":2: ETLCTL_TRIGGER_ENV_FILE has no effect in the file itself"},
		"broken file":          {file: "A='hunter2", want: "--env-file: " + file + ":1: the quote that begins here is not closed"},
		"password for nobody":  {file: "ETLCTL_TRIGGER_PASSWORD=hunter2", want: "--user: not set, but --password-env is"},
		"password variable":    {file: "OTHER=hunter2\nETLCTL_TRIGGER_PASSWORD_ENV=OTHER", want: "not set, but ETLCTL_TRIGGER_PASSWORD_ENV is"},
		"empty is not set":     {more: []string{"ETLCTL_TRIGGER_PASSWORD="}, args: []string{"--max-wait", "61s"}, want: "--max-wait: got 1m1s"},
		"http":                 {more: []string{"ETLCTL_TRIGGER_HTTP=here"}, want: `ETLCTL_TRIGGER_HTTP: got "here", want a port such as 9090`},
		"log format":           {args: []string{"--log-format", "xml"}, want: `--log-format: got "xml", want text or json`},
		"two formats":          {args: []string{"--log-format", "json", "--json"}, want: "--log-format: cannot be together with --json"},
	} {
		t.Run(name, func(t *testing.T) {
			write(tt.file)
			own := append([]string{"ETLCTL_TRIGGER_ENV_FILE=" + file}, environ...)
			stdout, stderr, code := runTool(t, append(own, tt.more...), append([]string{"trigger"}, tt.args...)...)
			assert.Equal(t, exitUsage, code, stderr)
			assert.Empty(t, stdout)
			assert.NotContains(t, stderr, "hunter2")
			assert.Contains(t, stderr, tt.want)
		})
	}
}
