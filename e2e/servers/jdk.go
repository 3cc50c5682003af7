package servers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
)

// A jdk is where a JDK's programs are.
type jdk struct{ java, javac string }

// defaultJava is the version that most servers want: what JAVA_HOME or PATH
// lead to.
const defaultJava = 17

const (
	installJDK      = "install a JDK 17 or newer (Debian: apt-get install openjdk-17-jdk-headless) or let JAVA_HOME point to one"
	installNewerJDK = "install a JDK %d or newer (Debian 13: apt-get install openjdk-21-jdk-headless) or let JAVA21_HOME point to one"
)

// findJDK returns a JDK that is at least of a version. The usual one may be
// older than the newest servers want: for them it looks in jvmFolder too.
func findJDK(ctx context.Context, least int) (jdk, error) {
	usual, err := usualJDK()
	if least <= defaultJava {
		if err == nil {
			err = checkJava(ctx, usual.java, least)
		}
		if err != nil {
			return jdk{}, fmt.Errorf("%w: %s", err, installJDK)
		}
		return usual, nil
	}
	if home := os.Getenv("JAVA21_HOME"); home != "" { //nolint:forbidigo // as for PATH, every tool looks there
		tools, err := jdkIn(home)
		if err == nil {
			err = checkJava(ctx, tools.java, least)
		}
		if err != nil {
			return jdk{}, fmt.Errorf("JAVA21_HOME: %w: "+installNewerJDK, err, least)
		}
		return tools, nil
	}
	if err == nil && checkJava(ctx, usual.java, least) == nil {
		return usual, nil
	}
	if tools, ok := newestJDK(ctx, jvmFolder, least); ok {
		return tools, nil
	}
	return jdk{}, fmt.Errorf("no JDK of version %d or newer was found: "+installNewerJDK, least, least)
}

// usualJDK looks in JAVA_HOME, else on PATH.
func usualJDK() (jdk, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" { //nolint:forbidigo // as for PATH, every tool looks there
		tools, err := jdkIn(home)
		if err != nil {
			return jdk{}, fmt.Errorf("JAVA_HOME %w", err)
		}
		return tools, nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return jdk{}, errors.New("java not found")
	}
	javac, err := exec.LookPath("javac")
	if err != nil {
		return jdk{}, errors.New("javac not found (a JRE is not enough)")
	}
	return jdk{java, javac}, nil
}

func jdkIn(home string) (jdk, error) {
	tools := jdk{filepath.Join(home, "bin", "java"), filepath.Join(home, "bin", "javac")}
	for _, p := range []string{tools.java, tools.javac} {
		if _, err := exec.LookPath(p); err != nil {
			return jdk{}, fmt.Errorf("has no %s", filepath.Base(p))
		}
	}
	return tools, nil
}

// jvmFolder is where Linux systems keep their JDKs side by side.
const jvmFolder = "/usr/lib/jvm"

// newestJDK returns the newest JDK of a folder that has one in each of its own.
func newestJDK(ctx context.Context, folder string, least int) (jdk, bool) {
	type found struct {
		jdk
		major int
	}
	var all []found
	homes, _ := filepath.Glob(filepath.Join(folder, "*")) // it fails only for a bad pattern
	for _, home := range homes {
		if tools, err := jdkIn(home); err == nil {
			if major, err := javaVersion(ctx, tools.java); err == nil && major >= least {
				all = append(all, found{tools, major})
			}
		}
	}
	if len(all) == 0 {
		return jdk{}, false
	}
	return slices.MaxFunc(all, func(a, b found) int { return cmp.Compare(a.major, b.major) }).jdk, true
}

func checkJava(ctx context.Context, java string, least int) error {
	major, err := javaVersion(ctx, java)
	if err == nil && major < least {
		err = fmt.Errorf("java is version %d", major)
	}
	return err
}

func javaVersion(ctx context.Context, java string) (int, error) {
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("java -version: %w", err)
	}
	return javaMajor(string(out))
}

// javaMajor reads the major version from what java -version prints: 17 from
// "17.0.15", and 8 from "1.8.0_292", as versions before 9 were written.
func javaMajor(out string) (int, error) {
	m := regexp.MustCompile(`version "(?:1\.)?(\d+)`).FindStringSubmatch(out)
	if m == nil {
		return 0, errors.New("java -version printed no version")
	}
	return strconv.Atoi(m[1])
}
