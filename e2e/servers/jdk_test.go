package servers

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeJDK makes a JDK's folder whose java says that it is of a version.
func fakeJDK(t *testing.T, home, version string) string {
	t.Helper()
	bin := filepath.Join(home, "bin")
	require.NoError(t, os.MkdirAll(bin, 0o700))
	for _, name := range []string{"java", "javac"} {
		script := fmt.Sprintf("#!/bin/sh\necho 'openjdk version \"%s\" 2025-04-15' >&2\n", version)
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o700))
	}
	return home
}

func TestFindJDK(t *testing.T) {
	old, newer := fakeJDK(t, t.TempDir(), "17.0.15"), fakeJDK(t, t.TempDir(), "21.0.1")
	t.Setenv("PATH", "")
	for name, tt := range map[string]struct {
		java, java21 string
		least        int
		want         string // a JDK's folder
		err          string
	}{
		"the usual one":              {java: old, least: 17, want: old},
		"is new enough":              {java: newer, least: 21, want: newer},
		"is not new enough":          {java: old, java21: newer, least: 21, want: newer},
		"a newer one for newer only": {java: old, java21: newer, least: 17, want: old},
		"the named one is too old":   {java: newer, java21: old, least: 21, err: "JAVA21_HOME: java is version 17: install a JDK 21 or newer"},
		"the named one is empty":     {java: newer, java21: t.TempDir(), least: 21, err: "JAVA21_HOME: has no java: install a JDK 21"},
		"none anywhere":              {java: old, least: 9999, err: "no JDK of version 9999 or newer was found: install a JDK 9999 or newer"},
		"too old for all":            {java: fakeJDK(t, t.TempDir(), "1.8.0_292"), least: 17, err: "java is version 8: install a JDK 17"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("JAVA_HOME", tt.java)
			t.Setenv("JAVA21_HOME", tt.java21)
			got, err := findJDK(t.Context(), tt.least)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, filepath.Join(tt.want, "bin", "java"), got.java)
		})
	}
}

func TestNewestJDK(t *testing.T) {
	folder := t.TempDir()
	for name, version := range map[string]string{"a-17": "17.0.15", "b-21": "21.0.1", "c-25": "25", "d-24": "24.0.1", "e-odd": "none"} {
		fakeJDK(t, filepath.Join(folder, name), version)
	}
	require.NoError(t, os.MkdirAll(filepath.Join(folder, "f-empty"), 0o700))
	got, ok := newestJDK(t.Context(), folder, 21)
	require.True(t, ok)
	assert.Equal(t, filepath.Join(folder, "c-25", "bin", "java"), got.java)
	_, ok = newestJDK(t.Context(), folder, 26)
	assert.False(t, ok)
	_, ok = newestJDK(t.Context(), filepath.Join(folder, "nowhere"), 1)
	assert.False(t, ok)
}

func TestJavaMajor(t *testing.T) {
	tests := map[string]struct {
		out  string
		want int
	}{
		"17":           {`openjdk version "17.0.15" 2025-04-15`, 17},
		"first of 21":  {`openjdk version "21" 2023-09-19`, 21},
		"early access": {`openjdk version "25-ea" 2025-09-16`, 25},
		"8":            {`java version "1.8.0_292"`, 8},
		"with options": {"Picked up JAVA_TOOL_OPTIONS: -Xmx1g\nopenjdk version \"11.0.2\"", 11},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := javaMajor(tt.out)
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
	_, err := javaMajor("command not found")
	require.ErrorContains(t, err, "printed no version")
}
