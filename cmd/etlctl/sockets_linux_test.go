package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// While replay or trigger ran, everybody who reached the machine could call the
// function, with a payload and variables of his own: write into the index, or
// have the credentials of an earlier call sent to a server of his. Now neither
// process listens on anything, and no process list shows a secret.
func TestNobodyElseCanCallTheFunction(t *testing.T) {
	const secret = "S3CRET"
	function, _, _ := build(t)
	for name, args := range map[string][]string{
		"replay":  {"replay", filepath.Join("..", "..", "testdata", "events", "access-100.json")},
		"trigger": {"trigger", "--brokers", sourceCluster(t, 20), "--topic", "logs", "--group", "g", "--position", "earliest"},
	} {
		t.Run(name, func(t *testing.T) {
			es := newHeldServer(t)
			tool := startTool(t, append(args, "--function", function),
				"ES_Address="+es.URL, "ES_Index_KeyWord=app", "ES_User=u", "ES_Password="+secret, "ES_Request_Timeout=50s")
			<-es.arrived // the function is in the middle of an event
			require.Len(t, tool.processes(t), 2)
			for _, pid := range tool.processes(t) {
				require.Empty(t, listening(t, pid), "process %d: %s", pid, cmdline(t, pid))
				require.NotContains(t, cmdline(t, pid), secret)
				if pid != tool.cmd.Process.Pid { // ours has it from the caller, and is the only one
					environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
					require.NoError(t, err)
					require.Contains(t, string(environ), "CKAFKA_ETL_PIPES=")
					require.NotContains(t, string(environ), secret)
				}
			}
			es.release()
			if name == "trigger" {
				require.NoError(t, tool.cmd.Process.Signal(os.Interrupt))
			}
			require.NoError(t, tool.cmd.Wait(), "%s", tool.stderr)
		})
	}
}

// With --http the tool listens there and nowhere else, on loopback unless an
// address is given, and the function on nothing.
func TestOnlyHTTPListens(t *testing.T) {
	for flag, want := range map[string]string{"0": `^tcp 127\.0\.0\.1:\d+$`, "0.0.0.0:0": `^tcp 0\.0\.0\.0:\d+$`} {
		es := newHeldServer(t)
		tool, _ := startService(t, es.URL, sourceCluster(t, 1), "ETLCTL_TRIGGER_HTTP="+flag, "ES_User=u", "ES_Password=S3CRET")
		<-es.arrived
		processes := tool.processes(t)
		require.Len(t, processes, 2)
		sockets := listening(t, processes[0])
		require.Len(t, sockets, 1)
		require.Regexp(t, want, sockets[0])
		require.Empty(t, listening(t, processes[1]))
		es.release()
		require.NoError(t, tool.cmd.Process.Signal(os.Interrupt))
		require.NoError(t, tool.cmd.Wait(), "%s", tool.stderr)
		require.NotContains(t, tool.stderr.String(), "S3CRET")
	}
}

// Only the stand-in of replay's own listens, on loopback.
func TestStandInListensOnLoopback(t *testing.T) {
	_, stub, _ := build(t)
	event := filepath.Join(t.TempDir(), "event.json")
	require.NoError(t, os.WriteFile(event, []byte(`{"do":"hang"}`), 0o600))
	tool := startTool(t, []string{"replay", "--verbose", "--function", stub, event})
	<-tool.hangs
	processes := tool.processes(t)
	require.Len(t, processes, 2)
	sockets := listening(t, processes[0])
	require.Len(t, sockets, 1)
	require.Regexp(t, `^tcp 127\.0\.0\.1:\d+$`, sockets[0])
	require.Empty(t, listening(t, processes[1]))
}

// The look at the sockets sees one that listens, whatever it listens on.
func TestListeningSocketsAreSeen(t *testing.T) {
	for network, address := range map[string]string{"tcp4": "127.0.0.1:0", "tcp6": "[::]:0", "unix": filepath.Join(t.TempDir(), "socket")} {
		before := listening(t, os.Getpid())
		l, err := net.Listen(network, address)
		require.NoError(t, err)
		after := listening(t, os.Getpid())
		require.Len(t, after, len(before)+1, "%s: %s", network, after)
		require.True(t, slices.ContainsFunc(after, func(s string) bool { return strings.HasSuffix(s, l.Addr().String()) }), "%s: %s", l.Addr(), after)
		require.NoError(t, l.Close())
		require.Equal(t, before, listening(t, os.Getpid()))
	}
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	require.NoError(t, err)
	require.Contains(t, listening(t, os.Getpid()), "udp "+udp.LocalAddr().String())
	require.NoError(t, udp.Close())
}

// heldServer is an Elasticsearch that takes everything, but not before it is
// released.
type heldServer struct {
	*httptest.Server
	arrived chan struct{}
	held    chan struct{}
	release func()
}

func newHeldServer(t *testing.T) *heldServer {
	t.Helper()
	s := &heldServer{arrived: make(chan struct{}), held: make(chan struct{})}
	s.release = sync.OnceFunc(func() { close(s.held) })
	var first sync.Once
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		first.Do(func() { close(s.arrived) })
		<-s.held
		items := make([]string, bytes.Count(body, []byte("\n"))/2)
		for i := range items {
			items[i] = `{"create":{"status":201}}`
		}
		_, _ = io.WriteString(w, `{"errors":false,"items":[`+strings.Join(items, ",")+`]}`)
	}))
	t.Cleanup(s.Close)
	t.Cleanup(s.release)
	return s
}

// tool is etlctl as a process.
type tool struct {
	cmd    *exec.Cmd
	stderr *watchedWriter
	hangs  chan struct{} // closed when the stub has said that it hangs
}

func startTool(t *testing.T, args []string, environ ...string) *tool {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	r := &tool{cmd: exec.Command(exe, args...), hangs: make(chan struct{})}
	r.stderr = &watchedWriter{text: "hanging\n", seen: func() { close(r.hangs) }}
	r.cmd.Args[0] = "etlctl" // see TestMain
	r.cmd.Env = append(environ, "HOME="+t.TempDir(), "PATH="+os.Getenv("PATH"))
	r.cmd.Stderr = r.stderr
	require.NoError(t, r.cmd.Start())
	t.Cleanup(func() {
		if r.cmd.ProcessState == nil {
			assert.NoError(t, r.cmd.Process.Kill())
			_ = r.cmd.Wait()
		}
	})
	return r
}

// processes returns the tool's process and those that it has started.
func (r *tool) processes(t *testing.T) []int {
	t.Helper()
	pids := []int{r.cmd.Process.Pid}
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", r.cmd.Process.Pid))
	require.NoError(t, err)
	for _, list := range lists {
		text, err := os.ReadFile(list)
		require.NoError(t, err)
		for field := range strings.FieldsSeq(string(text)) {
			pid, err := strconv.Atoi(field)
			require.NoError(t, err)
			pids = append(pids, pid)
		}
	}
	return pids
}

func cmdline(t *testing.T, pid int) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	require.NoError(t, err)
	return strings.ReplaceAll(string(text), "\x00", " ")
}

// listening returns the sockets of a process on which it takes what anybody
// sends: "tcp 0.0.0.0:80".
func listening(t *testing.T, pid int) (sockets []string) {
	t.Helper()
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	require.NoError(t, err)
	require.NotEmpty(t, links)
	own := map[string]bool{}
	for _, link := range links {
		target, err := os.Readlink(link)
		if inode, ok := strings.CutPrefix(target, "socket:["); ok && err == nil { // else it is closed
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	// In tcp and udp: local address, remote address, state, …, inode. Ten is
	// LISTEN; seven is that of a UDP socket that takes packets from anywhere.
	for _, protocol := range []string{"tcp", "tcp6", "udp", "udp6"} {
		for _, f := range socketTable(t, pid, protocol) {
			if (f[3] == "0A" || strings.HasPrefix(protocol, "udp") && f[3] == "07") && own[f[9]] {
				sockets = append(sockets, strings.TrimSuffix(protocol, "6")+" "+address(t, f[1]))
			}
		}
	}
	const accepts = "00010000" // __SO_ACCEPTCON
	for _, f := range socketTable(t, pid, "unix") {
		if f[3] == accepts && own[f[6]] {
			sockets = append(sockets, strings.Join(append([]string{"unix"}, f[7:]...), " "))
		}
	}
	slices.Sort(sockets)
	return sockets
}

// socketTable reads one of the kernel's tables of sockets, without its heading.
func socketTable(t *testing.T, pid int, name string) (rows [][]string) {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", pid, name))
	if os.IsNotExist(err) && strings.HasSuffix(name, "6") {
		return nil // a kernel without IPv6
	}
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		rows = append(rows, strings.Fields(line))
	}
	return rows[1:]
}

// address reads "0100007F:1F90": groups of four bytes, the last one first.
func address(t *testing.T, text string) string {
	t.Helper()
	host, port, _ := strings.Cut(text, ":")
	ip, err := hex.DecodeString(host)
	require.NoError(t, err)
	for group := range slices.Chunk(ip, 4) {
		slices.Reverse(group)
	}
	number, err := strconv.ParseUint(port, 16, 16)
	require.NoError(t, err)
	return net.JoinHostPort(net.IP(ip).String(), strconv.FormatUint(number, 10))
}

// --allow-listening does not make a function listen that need not.
func TestAllowListeningOnlyAllows(t *testing.T) {
	_, stub, _ := build(t)
	old := filepath.Join(t.TempDir(), "old-listening")
	require.NoError(t, os.Symlink(stub, old))
	for path, listens := range map[string]bool{stub: false, old: true} {
		flags := functionFlags{path: path, timeout: time.Minute, memory: 128, listen: true}
		fn, err := flags.function(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, listens, fn.Listens)
	}
}
