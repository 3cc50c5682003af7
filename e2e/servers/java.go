package servers

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// javaCommand returns the beginning of the command line of a JVM that is at
// least of a version. What the JVM writes besides its data goes into dir too.
func javaCommand(ctx context.Context, least int, dir, heap, defaultHeap string, fullJIT bool) ([]string, error) {
	tools, err := findJDK(ctx, least)
	if err != nil {
		return nil, err
	}
	tmp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(tmp, 0o750); err != nil {
		return nil, err
	}
	if heap == "" {
		heap = defaultHeap
	}
	argv := []string{
		tools.java, "-Xms" + heap, "-Xmx" + heap,
		"-Xshare:auto", "-XX:-UsePerfData",
		"-Djava.io.tmpdir=" + tmp,
		"-XX:ErrorFile=" + filepath.Join(dir, "hs_err.log"),
	}
	if !fullJIT {
		argv = append(argv, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
	}
	return argv, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
