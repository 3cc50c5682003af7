package servers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

const (
	// buildVersion is part of a cache entry's name: raise it when build
	// changes what it makes of the same recipe.
	buildVersion = "3"

	partialPrefix = ".partial-"
	// pluginDescriptor tells a modular server what its HTTP layer is.
	pluginDescriptor = "plugin-descriptor.properties"
	dependencies     = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
)

// CacheDir returns the folder that keeps the servers' jars: servers in
// CKAFKA_ETL_CACHE, which is by default ckafka-etl in the user's cache folder.
// It may be removed while nothing runs; some 550 MB for all kinds.
func CacheDir() (string, error) {
	if dir := os.Getenv("CKAFKA_ETL_CACHE"); dir != "" { //nolint:forbidigo // tests have no main that could pass it
		return filepath.Abs(filepath.Join(dir, "servers"))
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder for the servers' jars, set CKAFKA_ETL_CACHE: %w", err)
	}
	return filepath.Join(dir, "ckafka-etl", "servers"), nil
}

// cached returns the folder of a kind's jars and whether it is there. It is
// made under another name and then renamed, so being there means complete.
func cached(kind Kind) (dir string, ready bool, err error) {
	r, err := recipeOf(kind)
	if err != nil {
		return "", false, err
	}
	files, err := r.files()
	if err != nil {
		return "", false, err
	}
	root, err := CacheDir()
	if err != nil {
		return "", false, err
	}
	dir = filepath.Join(root, string(kind)+"-"+r.id(files))
	_, err = os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return dir, false, nil
	}
	return dir, err == nil, err
}

// Install fetches what the kinds need and is not in the cache yet. Starting a
// server does so too; calling it first keeps the download out of a measurement
// or a deadline. It is safe in several processes at once: one works, the
// others wait.
func Install(ctx context.Context, kinds ...Kind) error {
	for _, kind := range kinds {
		if _, err := install(ctx, kind); err != nil {
			return err
		}
	}
	return nil
}

func install(ctx context.Context, kind Kind) (string, error) {
	dir, ready, err := cached(kind)
	if err != nil || ready {
		return dir, err
	}
	if err := Require(ctx, kind); err != nil {
		return "", err
	}
	root := filepath.Dir(dir)
	if err := os.MkdirAll(root, 0o750); err != nil {
		return "", err
	}
	// One lock for all kinds, because Maven's local repository is no safer
	// for two downloads at once than our cache.
	unlock, err := lockFile(ctx, filepath.Join(root, "install.lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, ready, err = cached(kind); err != nil || ready {
		return dir, err
	}
	// The lock is ours, so a partial folder was left by a process that died.
	leftovers, err := filepath.Glob(filepath.Join(root, partialPrefix+"*"))
	if err != nil {
		return "", err
	}
	for _, l := range leftovers {
		if err := os.RemoveAll(l); err != nil {
			return "", err
		}
	}
	partial, err := os.MkdirTemp(root, partialPrefix)
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(partial) }()
	if err := build(ctx, kind, partial); err != nil {
		return "", fmt.Errorf("preparing %s: %w", kind, err)
	}
	return dir, os.Rename(partial, dir)
}

// build fills dir: lib has the jars, classes the compiled launcher, and
// modules, where the server wants it, its HTTP layer.
func build(ctx context.Context, kind Kind, dir string) error {
	r, err := recipeOf(kind)
	if err != nil {
		return err
	}
	files, err := r.files()
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	mvn, err := findMaven()
	if err != nil {
		return err
	}
	lib := filepath.Join(dir, "lib")
	err = runTool(ctx, mvn, "-q", "-B", "-Dstyle.color=never", "-f", filepath.Join(dir, "pom.xml"),
		"-P", r.profile, "-Dserver.version="+r.version, "-Dlog4j.version="+r.log4j, "-Dscala.version="+r.scala, dependencies, "-DoutputDirectory="+lib)
	if err != nil {
		return fmt.Errorf("fetching the jars (the first run needs Maven's central repository, or a mirror of it in settings.xml): %w", err)
	}
	if r.launcher == "" {
		return nil
	}
	if r.modular {
		if err := moveNetty(dir); err != nil {
			return err
		}
	}
	if r.zstd {
		if err := linkZstd(dir); err != nil {
			return err
		}
	}
	tools, err := findJDK(ctx, r.java)
	if err != nil {
		return err
	}
	args := append(classPath(r, dir), "-d", filepath.Join(dir, "classes"), filepath.Join(dir, "Launcher.java"))
	return runTool(ctx, tools.javac, args...)
}

// classPath returns the options that let java and javac find a server in dir.
func classPath(r recipe, dir string) []string {
	lib, classes := filepath.Join(dir, "lib"), filepath.Join(dir, "classes")
	if r.modular {
		return []string{"--module-path", lib, "--add-modules", "ALL-MODULE-PATH", "-cp", classes}
	}
	return []string{"-cp", classes + string(os.PathListSeparator) + filepath.Join(lib, "*")}
}

// moveNetty lays out the HTTP layer as the distribution does: a module with
// class loader and descriptor of its own.
func moveNetty(dir string) error {
	module := filepath.Join(dir, "modules", "transport-netty4")
	// The server refuses to start without a plugins folder, even an empty one.
	for _, d := range []string{module, filepath.Join(dir, "plugins")} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return err
		}
	}
	jars, err := os.ReadDir(filepath.Join(dir, "lib"))
	if err != nil {
		return err
	}
	for _, jar := range jars {
		name := jar.Name()
		if strings.HasPrefix(name, "netty") || strings.HasPrefix(name, "transport-netty4") {
			if err := os.Rename(filepath.Join(dir, "lib", name), filepath.Join(module, name)); err != nil {
				return err
			}
		}
	}
	return os.Rename(filepath.Join(dir, pluginDescriptor), filepath.Join(module, pluginDescriptor))
}

// nativeLibs is the folder for what the server takes from outside Java. The
// distribution brings a zstd library; the jars do not.
func nativeLibs(home string) string { return filepath.Join(home, "native") }

// linkZstd has the server find the system's zstd library under the name that
// it knows.
func linkZstd(dir string) error {
	library, err := findZstd()
	if err != nil {
		return err
	}
	if err := os.Mkdir(nativeLibs(dir), 0o750); err != nil {
		return err
	}
	return os.Symlink(library, filepath.Join(nativeLibs(dir), "libzstd.so"))
}

// runTool runs a command to its end; its output is part of the error.
func runTool(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	// A child of detach dies with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	detach(cmd)
	cmd.Cancel = func() error { return signalGroup(cmd.Process.Pid, sigKill) }
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", filepath.Base(name), err, tail(out))
	}
	return nil
}
