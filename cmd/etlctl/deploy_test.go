package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"ckafka-etl/config"
)

// afterGrace is what commits and leaving the group may take once the grace is
// over; what ends a service has to wait for that, too.
const afterGrace = 10 * time.Second

// manifest is an object of Kubernetes.
type manifest map[string]any

// at returns what stands at a path, such as spec.containers.0.name.
func (m manifest) at(t *testing.T, path string) any {
	t.Helper()
	var v any = map[string]any(m)
	for step := range strings.SplitSeq(path, "/") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			require.NoError(t, err, path)
			require.Less(t, i, len(x), path)
			v = x[i]
		default:
			require.Fail(t, "nothing there", "%s of %v", path, m["kind"])
		}
	}
	require.NotNil(t, v, "%s of %v", path, m["kind"])
	return v
}

func (m manifest) text(t *testing.T, path string) string {
	t.Helper()
	return fmt.Sprint(m.at(t, path))
}

// manifests returns all objects, by kind.
func manifests(t *testing.T) map[string]manifest {
	t.Helper()
	all := map[string]manifest{}
	for _, name := range []string{"deployment.yaml", "podmonitor.yaml", "keda.yaml"} {
		dec := yaml.NewDecoder(strings.NewReader(serviceFile(t, "kubernetes", name)))
		for {
			var doc map[string]any // not manifest: yaml would make what is within one, too
			err := dec.Decode(&doc)
			if errors.Is(err, io.EOF) {
				break
			}
			require.NoError(t, err, name)
			m := manifest(doc)
			kind := m.text(t, "kind")
			require.NotContains(t, all, kind)
			require.Equal(t, "ckafka-etl", m.text(t, "metadata/name"))
			require.NotEmpty(t, m.text(t, "apiVersion"))
			all[kind] = m
		}
	}
	return all
}

// settingsOf checks that variables are those of trigger or the function, and that
// they are valid together. It returns the flags that they set.
func settingsOf(t *testing.T, vars map[string]string) (flags triggerFlags) {
	t.Helper()
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.register(set)
	var environ []string
	function := map[string]string{}
	for name, value := range vars {
		environ = append(environ, name+"="+value)
		if !strings.HasPrefix(name, ownPrefix) {
			require.True(t, slices.ContainsFunc(config.Variables, func(v config.Variable) bool { return v.Name == name }), name)
			function[name] = value
		}
	}
	_, err := setByVariables(set, environ)
	require.NoError(t, err)
	require.NoError(t, flags.checkService())
	if len(function) > 0 {
		cfg, err := config.Load(pairsOf(function))
		require.NoError(t, err)
		require.Empty(t, cfg.Warnings)
	}
	return flags
}

// What the manifests say fits the program: its variables, paths and times; and
// what belongs together is the same in all of them.
func TestKubernetesManifests(t *testing.T) {
	all := manifests(t)
	require.Len(t, all, 6)
	vars := map[string]string{}
	for name, value := range all["ConfigMap"].at(t, "data").(map[string]any) {
		vars[name] = value.(string) // a number would be refused
	}
	flags := settingsOf(t, vars)
	for _, name := range []string{"ES_Password", "ETLCTL_TRIGGER_PASSWORD"} {
		require.NotContains(t, vars, name)
	}

	deployment := all["Deployment"]
	pod := manifest(deployment.at(t, "spec/template/spec").(map[string]any))
	c := manifest(pod.at(t, "containers/0").(map[string]any))
	require.Equal(t, "[trigger]", c.text(t, "args"))
	require.Equal(t, "ckafka-etl", c.text(t, "envFrom/0/configMapRef/name"))
	require.Equal(t, "ckafka-etl", c.text(t, "envFrom/1/secretRef/name"))
	require.Equal(t, "false", pod.text(t, "enableServiceLinks"), "they would set ETLCTL_…_PORT")
	require.Equal(t, "false", pod.text(t, "automountServiceAccountToken"))
	require.Equal(t, "true", pod.text(t, "securityContext/runAsNonRoot"))
	require.Equal(t, "true", c.text(t, "securityContext/readOnlyRootFilesystem"))
	require.Equal(t, "false", c.text(t, "securityContext/allowPrivilegeEscalation"))
	require.Equal(t, "[ALL]", c.text(t, "securityContext/capabilities/drop"))

	ends := time.Duration(pod.at(t, "terminationGracePeriodSeconds").(int)) * time.Second
	require.GreaterOrEqual(t, ends, flags.grace+afterGrace)
	for probe, path := range map[string]string{"startupProbe": livePath, "livenessProbe": livePath, "readinessProbe": readyPath} {
		require.Equal(t, path, c.text(t, probe+"/httpGet/path"))
		require.Equal(t, c.text(t, "ports/0/name"), c.text(t, probe+"/httpGet/port"))
	}
	require.Equal(t, "0.0.0.0:"+c.text(t, "ports/0/containerPort"), flags.http, "probes come from outside of the pod")

	requests, limits := mebibytes(t, c.text(t, "resources/requests/memory")), mebibytes(t, c.text(t, "resources/limits/memory"))
	require.GreaterOrEqual(t, requests, int(flags.memory)+32+flags.instances*80)
	require.Greater(t, limits, requests)

	labels := deployment.text(t, "spec/template/metadata/labels")
	for kind, path := range map[string]string{
		"Deployment": "spec/selector/matchLabels", "PodDisruptionBudget": "spec/selector/matchLabels",
		"Service": "spec/selector", "PodMonitor": "spec/selector/matchLabels",
	} {
		require.Equal(t, labels, all[kind].text(t, path), kind)
	}
	require.Equal(t, c.text(t, "ports/0/name"), all["Service"].text(t, "spec/ports/0/targetPort"))
	require.Equal(t, c.text(t, "ports/0/name"), all["PodMonitor"].text(t, "spec/podMetricsEndpoints/0/port"))
	require.Equal(t, metricsPath, all["PodMonitor"].text(t, "spec/podMetricsEndpoints/0/path"))

	keda := all["ScaledObject"]
	require.Equal(t, "ckafka-etl", keda.text(t, "spec/scaleTargetRef/name"))
	for key, want := range map[string]string{
		"bootstrapServers": flags.source.brokers, "topic": flags.source.topic, "consumerGroup": flags.group, "offsetResetPolicy": flags.source.position,
	} {
		require.Equal(t, want, keda.text(t, "spec/triggers/0/metadata/"+key))
	}
}

func mebibytes(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimRight(text, "Mi"))
	require.NoError(t, err, text)
	return n
}

// unit is a unit of systemd: by key all of its values.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	keys := map[string][]string{}
	section := ""
	for line := range strings.Lines(serviceFile(t, "etlctl-trigger.service")) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
		case line[0] == '[':
			section = line
		default:
			key, value, ok := strings.Cut(line, "=")
			require.True(t, ok, line)
			keys[section+key] = append(keys[section+key], value)
		}
	}
	return keys
}

// The unit starts what is there, ends it as it has to be, and keeps the rest of
// the machine from it. With KillMode=control-group the function would get SIGTERM,
// too, and die in the middle of the batch that the trigger waits for.
func TestSystemdUnit(t *testing.T) {
	keys := unit(t)
	vars := map[string]string{}
	for _, pair := range keys["[Service]Environment"] {
		name, value, _ := strings.Cut(pair, "=")
		vars[name] = value
	}
	flags := settingsOf(t, vars)
	require.Equal(t, "127.0.0.1:9090", flags.http)
	require.Equal(t, []string{"mixed"}, keys["[Service]KillMode"])
	stop, err := strconv.Atoi(keys["[Service]TimeoutStopSec"][0])
	require.NoError(t, err)
	require.GreaterOrEqual(t, time.Duration(stop)*time.Second, flags.grace+afterGrace)
	require.Equal(t, []string{strconv.Itoa(exitUsage)}, keys["[Service]RestartPreventExitStatus"])

	command := strings.Fields(keys["[Service]ExecStart"][0])
	credential, _, _ := strings.Cut(keys["[Service]LoadCredential"][0], ":")
	require.Equal(t, []string{"/usr/local/bin/etlctl", "trigger", "--env-file", "${CREDENTIALS_DIRECTORY}/" + credential}, command)
	for key, want := range map[string]string{
		"DynamicUser": "yes", "NoNewPrivileges": "yes", "CapabilityBoundingSet": "", "ProtectSystem": "strict", "ProtectHome": "yes",
		"PrivateTmp": "yes", "PrivateDevices": "yes", "MemoryDenyWriteExecute": "yes", "RestrictAddressFamilies": "AF_INET AF_INET6",
		"RestrictNamespaces": "yes", "SystemCallArchitectures": "native",
	} {
		require.Equal(t, []string{want}, keys["[Service]"+key], key)
	}
	require.Contains(t, keys["[Service]SystemCallFilter"], "@system-service")
}

// systemd itself has nothing to say against the unit, where it is there to ask.
func TestSystemdVerifiesTheUnit(t *testing.T) {
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log("no systemd-analyze: the unit's keys were checked alone")
		return
	}
	exe, err := os.Executable()
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "etlctl-trigger.service")
	text := strings.ReplaceAll(serviceFile(t, "etlctl-trigger.service"), "/usr/local/bin/etlctl", exe)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NotContains(t, string(out), "etlctl-trigger", "what it says of a unit begins with its name")
}

// The image has nothing but two programs and the authorities, runs as nobody in
// particular, and gets SIGTERM itself, not a shell.
func TestDockerfile(t *testing.T) {
	var stages [][][2]string // instruction and arguments
	text := strings.ReplaceAll(serviceFile(t, "Dockerfile"), "\\\n", " ")
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		instruction, arguments, ok := strings.Cut(line, " ")
		require.True(t, ok, line)
		require.Contains(t, []string{"FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "STOPSIGNAL", "ENTRYPOINT", "CMD"}, instruction)
		if instruction == "FROM" {
			stages = append(stages, nil)
		}
		require.NotEmpty(t, stages, "FROM is the first")
		stages[len(stages)-1] = append(stages[len(stages)-1], [2]string{instruction, strings.TrimSpace(arguments)})
	}
	require.Len(t, stages, 2)
	mod, err := os.ReadFile(filepath.Join("..", "..", "go.mod"))
	require.NoError(t, err)
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))[1]
	require.Equal(t, [2]string{"FROM", "golang:" + version + " AS build"}, stages[0][0])
	built := fmt.Sprint(stages[0])
	require.Contains(t, built, "CGO_ENABLED=0", "there is no C library in scratch")

	last := map[string][]string{}
	for _, i := range stages[1] {
		last[i[0]] = append(last[i[0]], i[1])
	}
	require.Equal(t, []string{"scratch"}, last["FROM"])
	require.NotContains(t, last, "RUN")
	require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, last["USER"][0])
	require.Equal(t, []string{`["/etlctl"]`}, last["ENTRYPOINT"])
	require.Equal(t, []string{`["trigger"]`}, last["CMD"])
	require.Equal(t, []string{"SIGTERM"}, last["STOPSIGNAL"])
	copied := map[string]bool{}
	for _, c := range last["COPY"] {
		fields := strings.Fields(c)
		require.Equal(t, "--from=build", fields[0])
		to := fields[len(fields)-1]
		for _, from := range fields[1 : len(fields)-1] {
			if strings.HasPrefix(from, "/out/") {
				require.Contains(t, built, "-o "+from+" ")
				from = to + filepath.Base(from)
			} else {
				require.Equal(t, from, to)
			}
			copied[from] = true
		}
	}
	require.Equal(t, map[string]bool{"/etlctl": true, "/ckafka-etl": true, "/etc/ssl/certs/ca-certificates.crt": true}, copied)
	vars := map[string]string{}
	for pair := range strings.FieldsSeq(last["ENV"][0]) {
		name, value, _ := strings.Cut(pair, "=")
		vars[name] = value
	}
	flags := settingsOf(t, vars)
	require.True(t, copied[flags.function.path])
}

// What stands in the folder of the service about flags and variables is there.
func TestServiceNamesWhatThereIs(t *testing.T) {
	flags := triggerFlagSet()
	known := flagVariables(flags)
	variables := []string{passwordVariable, triggerPrefix, ownPrefix}
	for _, name := range known {
		variables = append(variables, name)
	}
	root := filepath.Join("..", "..", "deploy", "service")
	files := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`ETLCTL_[A-Z_]*`).FindAllString(string(text), -1) {
			assert.Contains(t, variables, name, path)
		}
		if filepath.Base(path) == "README.md" {
			for _, m := range regexp.MustCompile("`--([a-z-]+)").FindAllStringSubmatch(string(text), -1) {
				assert.NotNil(t, flags.Lookup(m[1]), "%s: --%s", path, m[1])
			}
			for _, m := range regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(string(text), -1) {
				_, err := os.Stat(filepath.Join(root, m[1]))
				assert.NoError(t, err, path)
			}
		}
		return nil
	}))
	require.GreaterOrEqual(t, files, 9)
}
