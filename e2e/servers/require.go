package servers

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
)

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
	// Each version of Java is asked for once, by the first server that needs it.
	asked := map[int]bool{}
	for _, kind := range kinds {
		r, err := recipeOf(kind)
		if err != nil || asked[r.java] {
			continue // what is unknown is said below
		}
		asked[r.java] = true
		if _, err := findJDK(ctx, r.java); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", kind, err))
		}
	}
	for _, kind := range kinds {
		if r, err := recipeOf(kind); err == nil && r.zstd {
			_, err := findZstd()
			errs = append(errs, err)
			break
		}
	}
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

func findZstd() (string, error) {
	for _, pattern := range []string{"/usr/lib/*/libzstd.so.1", "/usr/lib64/libzstd.so.1"} {
		if found, err := filepath.Glob(pattern); err == nil && len(found) > 0 {
			return found[0], nil
		}
	}
	return "", errors.New("libzstd.so.1 not found: install it (Debian: apt-get install libzstd1)")
}
