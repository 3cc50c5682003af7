package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/template"
	"time"
)

//go:embed nginx.conf
var nginxConf string

// nginx is a running nginx whose files are all in dir.
type nginx struct {
	dir  string
	addr string
	cmd  *exec.Cmd
}

// startNginx starts nginx on a free port, in front of the application at
// appAddr. The process dies with ctx.
func startNginx(ctx context.Context, dir, appAddr string) (*nginx, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	_, appPort, err := net.SplitHostPort(appAddr)
	if err != nil {
		return nil, err
	}
	if err := writeFiles(dir, port, appPort); err != nil {
		return nil, err
	}
	n := &nginx{dir: dir, addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}
	n.cmd = exec.CommandContext(ctx, "nginx", "-p", dir, "-c", "nginx.conf", "-e", "error.log")
	n.cmd.Env = append(os.Environ(), "TZ=CST-8")
	n.cmd.Stderr = os.Stderr
	n.cmd.Cancel = func() error { return n.cmd.Process.Signal(syscall.SIGTERM) }
	if err := n.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start nginx (Debian: apt-get install nginx-light): %w", err)
	}
	if err := n.waitReady(ctx); err != nil {
		return nil, errors.Join(err, n.stop())
	}
	return n, nil
}

// stop lets nginx finish what it does and waits for its end, so that its logs
// are whole.
func (n *nginx) stop() error {
	if err := n.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	return n.cmd.Wait()
}

// lines reads one of nginx's logs. The temporary folder's name is replaced by
// the path a server would have, bytes that are no UTF-8 by U+FFFD, and what
// nginx says of its start and of this machine is left out.
func (n *nginx) lines(name string) ([]string, error) {
	data, err := os.ReadFile(filepath.Join(n.dir, name))
	if err != nil {
		return nil, err
	}
	text := strings.ReplaceAll(strings.ToValidUTF8(string(data), "\uFFFD"), n.dir, "/srv")
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	return slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, " [notice] ") }), nil
}

func (n *nginx) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", n.addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nginx does not answer: %w", err)
		case <-tick.C:
		}
	}
}

func freePort(ctx context.Context) (int, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	port := l.Addr().(*net.TCPAddr).Port
	return port, l.Close()
}

func writeFiles(dir string, port int, appPort string) error {
	www := filepath.Join(dir, "www")
	// nginx's worker is another user where the recording runs as root.
	if err := errors.Join(os.Chmod(dir, 0o755), os.MkdirAll(www, 0o755)); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"index.html": "<!doctype html><title>商店 shop</title><link rel=stylesheet href=/site.css><script src=/app.js></script>",
		"site.css":   "body{font:16px sans-serif}" + strings.Repeat("h1{color:#333}", 60),
		"app.js":     strings.Repeat("console.log('hello');", 120),
		"logo.png":   "\x89PNG\r\n\x1a\n" + strings.Repeat("\x00", 900),
	} {
		if err := os.WriteFile(filepath.Join(www, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	conf, err := os.Create(filepath.Join(dir, "nginx.conf"))
	if err != nil {
		return err
	}
	tmpl, err := template.New("nginx.conf").Parse(nginxConf)
	if err != nil {
		return errors.Join(err, conf.Close())
	}
	err = tmpl.Execute(conf, struct {
		Port int
		App  string
	}{port, appPort})
	return errors.Join(err, conf.Close())
}
