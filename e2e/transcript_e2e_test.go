//go:build e2e

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stepTimeout is what a test waits for anything at most. Nothing takes so long
// unless it is broken.
const stepTimeout = 2 * time.Minute

// transcript is everything that a function process says, in order. It is safe
// for concurrent use.
type transcript struct {
	mu    sync.Mutex
	lines []string
	grown chan struct{} // closed and replaced with every line
}

func newTranscript() *transcript { return &transcript{grown: make(chan struct{})} }

// Write takes one line or a whole text.
func (s *transcript) Write(line []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, strings.TrimSuffix(string(line), "\n"))
	close(s.grown)
	s.grown = make(chan struct{})
	return len(line), nil
}

func (s *transcript) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}

// await returns what find returns of the lines as soon as it is ok.
func await[T any](ctx context.Context, s *transcript, find func(lines []string) (T, bool)) (T, error) {
	for {
		s.mu.Lock()
		found, ok := find(s.lines)
		grown := s.grown
		s.mu.Unlock()
		if ok {
			return found, nil
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return found, fmt.Errorf("the line did not come: %w", context.Cause(ctx))
		}
	}
}

// secrets are what no function may ever say, and what was said by all of them.
type secrets struct {
	mu     sync.Mutex
	values []string
	said   []*transcript
}

// marker is in every field of the events that the functions have to remove.
const marker = "S3CRET"

// add makes up a secret.
func (s *secrets) add(name string) string {
	value := name + "_" + rand.Text()
	s.keep(value)
	return value
}

// addLogin makes up a password. It must not be said in the form either in
// which basic authentication sends it.
func (s *secrets) addLogin(user string) (password string) {
	password = s.add("password")
	s.keep(base64.StdEncoding.EncodeToString([]byte(user + ":" + password)))
	return password
}

func (s *secrets) keep(value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = append(s.values, value)
}

func (s *secrets) newTranscript() *transcript {
	said := newTranscript()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, said)
	return said
}

// leaks returns the lines that hold a secret.
func (s *secrets) leaks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []string
	for _, said := range s.said {
		for line := range strings.SplitSeq(said.String(), "\n") {
			for _, value := range append(s.values, marker) {
				if strings.Contains(line, value) {
					found = append(found, value+": "+line)
				}
			}
		}
	}
	return found
}

func (h *harness) checkSecrets(t *testing.T) {
	t.Helper()
	assert.Empty(t, h.secrets.leaks(), "functions gave secrets away")
	t.Logf("%d function processes, %d secrets, none said", len(h.secrets.said), len(h.secrets.values)+1)
}

// A search that finds nothing proves something only if it can find: here the
// function does say the secrets, one as a name that it warns of, one in its
// result.
func TestSecretsAreFound(t *testing.T) {
	h := newHarness(t)
	name := h.secrets.add("ES_name")
	f := h.start(t, vars{"ES_Address": "127.0.0.1:1", "ES_Index_KeyWord": "none", name: "1"})
	h.secrets.keep(`"records":0`)
	out := f.settle(t, []byte(`{"Records":[]}`))
	require.Zero(t, out.Records)
	leaks := strings.Join(h.secrets.leaks(), "\n")
	assert.Contains(t, leaks, name+": ")
	assert.Contains(t, leaks, `"records":0: {"records":0`)

	// Nor may a secret hide in another encoding of it.
	password := h.secrets.addLogin("somebody")
	said := h.secrets.newTranscript()
	header := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("somebody:"+password))
	_, err := said.Write([]byte(header))
	require.NoError(t, err)
	assert.Contains(t, strings.Join(h.secrets.leaks(), "\n"), header)
}
