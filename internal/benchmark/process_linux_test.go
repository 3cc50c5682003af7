package benchmark

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestProcess(t *testing.T) {
	p, err := start(t.Context(), command{argv: []string{"sh", "-c", `cat; echo "$GREETING"; sleep 300 & wait`}, env: []string{"GREETING=hello"}, stdin: []byte("from stdin\n")})
	require.NoError(t, err)
	defer p.kill()
	require.Eventually(t, func() bool { return p.stdout.count() == 2 && len(processTree(p.cmd.Process.Pid)) == 2 }, time.Minute, time.Millisecond)
	assert.Equal(t, "hello", p.stdout.last())
	assert.False(t, p.ended())
	p.lookAtMemory()
	assert.Len(t, p.peaks, 2)
	assert.Greater(t, p.peakRSS(), int64(100<<10))
	for _, child := range processTree(p.cmd.Process.Pid)[1:] {
		child, err := os.FindProcess(child)
		require.NoError(t, err)
		require.NoError(t, child.Kill())
	}
	p.stop()
	assert.True(t, p.ended())
}

func TestProcessThatFails(t *testing.T) {
	p, err := start(t.Context(), command{argv: []string{"sh", "-c", "echo out; echo why >&2; exit 3"}})
	require.NoError(t, err)
	<-p.done
	assert.EqualError(t, p.failure(), "sh: exit status 3: why out")
	_, err = start(t.Context(), command{argv: []string{"/does/not/exist"}})
	assert.Error(t, err)
}

func TestOutputKeepsTheEnd(t *testing.T) {
	var o output
	line := []byte("0123456789abcde\n")
	for range 10_000 {
		_, err := o.Write(line)
		require.NoError(t, err)
	}
	assert.Equal(t, 10_000, o.count())
	assert.Equal(t, "0123456789abcde", o.last())
	assert.LessOrEqual(t, len(o.text), 2*outputKept)
}
