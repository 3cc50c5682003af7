//go:build linux

package main

import (
	"bytes"
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// terminal opens a pseudo-terminal: what is written to tty is read from screen.
func terminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = screen.Close() })
	require.NoError(t, unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	require.NoError(t, err)
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = tty.Close() })
	return screen, tty
}

func TestProgressOnTerminalOnly(t *testing.T) {
	screen, tty := terminal(t)
	p := newProgress(tty, 2048)
	p.add(1024)
	ready, err := unix.Poll([]unix.PollFd{{Fd: int32(screen.Fd()), Events: unix.POLLIN}}, 10_000)
	require.NoError(t, err)
	require.Equal(t, 1, ready, "nothing was shown")
	buf := make([]byte, 4096)
	n, err := screen.Read(buf)
	require.NoError(t, err)
	assert.Contains(t, string(buf[:n]), " 50% ")

	var piped bytes.Buffer
	p = newProgress(&piped, 2048)
	p.add(1024)
	p.clear()
	assert.Empty(t, piped.String())

	file, err := os.Create(t.TempDir() + "/stderr")
	require.NoError(t, err)
	defer file.Close()
	newProgress(file, 2048).add(1024)
	info, err := file.Stat()
	require.NoError(t, err)
	assert.Zero(t, info.Size(), "a file is no terminal")
}
