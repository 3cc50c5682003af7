package servers

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
)

const minJava = 17

// Require reports, all at once, what this machine lacks to start the kinds (no
// kinds: every kind and nginx) and how to install it. Maven is missed only
// where a kind's jars are not in the cache yet. It starts nothing but the
// tools' own version commands.
func Require(ctx context.Context, kinds ...Kind) error {
	errs := []error{platformSupported()}
	if len(kinds) == 0 {
		kinds = Kinds()
		_, err := findNginx()
		errs = append(errs, err)
	}
	tools, err := findJDK()
	if err == nil {
		err = checkJava(ctx, tools.java)
	}
	errs = append(errs, err)
	for _, kind := range kinds {
		if _, ready, err := cached(kind); err != nil {
			errs = append(errs, err)
		} else if !ready {
			_, err := findMaven()
			errs = append(errs, err)
			break
		}
	}
	return errors.Join(errs...)
}

// A jdk is where a JDK's programs are.
type jdk struct{ java, javac string }

const installJDK = "install a JDK 17 or newer (Debian: apt-get install openjdk-17-jdk-headless) or let JAVA_HOME point to one"

// findJDK looks in JAVA_HOME, else on PATH.
func findJDK() (jdk, error) {
	if home := os.Getenv("JAVA_HOME"); home != "" { //nolint:forbidigo // as for PATH, every tool looks there
		tools := jdk{filepath.Join(home, "bin", "java"), filepath.Join(home, "bin", "javac")}
		for _, p := range []string{tools.java, tools.javac} {
			if _, err := exec.LookPath(p); err != nil {
				return jdk{}, fmt.Errorf("JAVA_HOME has no %s: %s", filepath.Base(p), installJDK)
			}
		}
		return tools, nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return jdk{}, fmt.Errorf("java not found: %s", installJDK)
	}
	javac, err := exec.LookPath("javac")
	if err != nil {
		return jdk{}, fmt.Errorf("javac not found (a JRE is not enough): %s", installJDK)
	}
	return jdk{java, javac}, nil
}

func checkJava(ctx context.Context, java string) error {
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil {
		return fmt.Errorf("java -version: %w: %s", err, installJDK)
	}
	major, err := javaMajor(string(out))
	if err != nil {
		return err
	}
	if major < minJava {
		return fmt.Errorf("java is version %d: %s", major, installJDK)
	}
	return nil
}

// javaMajor reads the major version from what java -version prints: 17 from
// "17.0.15", and 8 from "1.8.0_292", as versions before 9 were written.
func javaMajor(out string) (int, error) {
	m := regexp.MustCompile(`version "(?:1\.)?(\d+)`).FindStringSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("java -version printed no version: %s", installJDK)
	}
	return strconv.Atoi(m[1])
}

func findMaven() (string, error) {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return "", errors.New("mvn not found: install Maven (Debian: apt-get install maven); it fetches the servers' jars once")
	}
	return mvn, nil
}

func findNginx() (string, error) {
	// Debian keeps it where only root's PATH leads.
	for _, name := range []string{"nginx", "/usr/sbin/nginx"} {
		if p, err := exec.LookPath(name); err == nil {
			return p, nil
		}
	}
	return "", errors.New("nginx not found: install it (Debian: apt-get install nginx-light)")
}
