package config

import (
	"fmt"
	"io"
	"log/slog"
)

const masked = "***"

// Secret is a password or key that cannot print itself: whatever prints,
// formats, logs or marshals it gets "***", set or not. The zero value is no
// secret. Secrets are not comparable by value with ==.
type Secret struct {
	// A pointer, because fmt calls no methods on the fields that a struct does
	// not export: there it prints an address, and not the text.
	text *string
}

// NewSecret returns s as a Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{&s}
}

// Reveal returns the secret itself.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

// String returns "***".
func (Secret) String() string { return masked }

// GoString returns "***".
func (Secret) GoString() string { return masked }

// Format writes "***", whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// LogValue returns "***".
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText returns "***"; encoding/json and the like use it.
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }
