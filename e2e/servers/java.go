package servers

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// javaCommand returns the beginning of a JVM's command line. What the JVM
// writes besides its data goes into dir too.
func javaCommand(dir, heap, defaultHeap string, fullJIT bool) ([]string, error) {
	tools, err := findJDK()
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
