package benchmark

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// command is what is run.
type command struct {
	argv  []string
	env   []string // besides PATH and HOME
	stdin []byte
}

// process is a contender at work.
type process struct {
	cmd    *exec.Cmd
	stdout output
	stderr output
	done   chan struct{} // closed when it has ended
	err    error         // how it ended; read after done

	mu    sync.Mutex
	peaks map[int]int64 // each process of the tree: the most memory it had
}

// memoryInterval is how often memory is looked at. The kernel keeps each
// process's peak, so that only what grows right before the end is missed.
const memoryInterval = 100 * time.Millisecond

// start runs a command. If ctx ends, it is killed.
func start(ctx context.Context, c command) (*process, error) {
	p := &process{done: make(chan struct{}), peaks: map[int]int64{}}
	p.cmd = exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	p.cmd.Env = append(inherited(), c.env...)
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = bytes.NewReader(c.stdin), &p.stdout, &p.stderr
	p.cmd.SysProcAttr = sysProcAttr()
	p.cmd.WaitDelay = 5 * time.Second
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.done)
		p.err = p.cmd.Wait()
	}()
	go p.watchMemory()
	return p, nil
}

// inherited is what every process gets of our environment.
func inherited() (env []string) {
	for _, pair := range os.Environ() { //nolint:forbidigo // none of it configures us: children are to find their programs and caches as we do
		name, _, _ := strings.Cut(pair, "=")
		if slices.Contains([]string{"PATH", "HOME", "TMPDIR", "LANG", "GOCOVERDIR", "GORACE"}, name) {
			env = append(env, pair)
		}
	}
	return env
}

func (p *process) watchMemory() {
	tick := time.NewTicker(memoryInterval)
	defer tick.Stop()
	for {
		select {
		case <-p.done:
			return
		case <-tick.C:
			p.lookAtMemory()
		}
	}
}

func (p *process) lookAtMemory() {
	seen := map[int]int64{}
	for _, pid := range processTree(p.cmd.Process.Pid) {
		if peak, ok := peakOf(pid); ok {
			seen[pid] = peak
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.Copy(p.peaks, seen)
}

// peakRSS is the sum of the peaks of all processes: no less than they took at
// any moment. 0 where the system does not tell.
func (p *process) peakRSS() (sum int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, peak := range p.peaks {
		sum += peak
	}
	return sum
}

// stop asks the process to end, and kills it if it does not within a minute.
func (p *process) stop() {
	p.lookAtMemory()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	timeout := time.NewTimer(time.Minute)
	defer timeout.Stop()
	select {
	case <-p.done:
	case <-timeout.C:
		p.kill()
	}
}

// kill ends the process at once, without a chance to do anything.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// cpu is what the process and those that it waited for have used, once it has
// ended.
func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// failure says how a process ended that should have ended well.
func (p *process) failure() error {
	if p.err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w: %s", filepath.Base(p.cmd.Path), p.err, strings.TrimSpace(p.stderr.last()+" "+p.stdout.last()))
}

// output keeps the end of what a process writes and counts its lines.
type output struct {
	mu    sync.Mutex
	text  []byte
	lines int
}

const outputKept = 16 << 10

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.lines += bytes.Count(b, []byte("\n"))
	o.text = append(o.text, b...)
	if n := len(o.text); n > 2*outputKept {
		o.text = append(o.text[:0], o.text[n-outputKept:]...)
	}
	return len(b), nil
}

// last is the last line.
func (o *output) last() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	text := strings.TrimSpace(string(o.text))
	return text[strings.LastIndexByte(text, '\n')+1:]
}

func (o *output) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.lines
}

// processTree returns a process and all below it, as far as /proc tells.
func processTree(pid int) []int {
	tree := []int{pid}
	for i := 0; i < len(tree); i++ {
		lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", tree[i]))
		for _, list := range lists {
			text, _ := os.ReadFile(list)
			for field := range strings.FieldsSeq(string(text)) {
				if child, err := strconv.Atoi(field); err == nil {
					tree = append(tree, child)
				}
			}
		}
	}
	return tree
}

// peakOf returns the most memory that a process had since it runs its program:
// getrusage would count what its parent had when it was started.
func peakOf(pid int) (int64, bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, false
	}
	_, line, found := strings.Cut(string(status), "\nVmHWM:")
	if !found {
		return 0, false
	}
	var kb int64
	_, err = fmt.Sscanf(line, "%d kB", &kb)
	return kb * 1024, err == nil
}

var errNoResult = errors.New("it ended without a result")
