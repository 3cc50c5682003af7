package servers

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the strongest hash that every nginx build knows
	"encoding/base64"
	"fmt"
	"strings"
)

// htpasswd returns a password file with salted hashes, as nginx and Apache
// read it.
func htpasswd(users map[string]string) ([]byte, error) {
	var b bytes.Buffer
	for _, user := range sortedKeys(users) {
		if user == "" || strings.ContainsAny(user, ":\r\n") {
			return nil, fmt.Errorf("user name %q: it must not be empty or hold a colon or a line break", user)
		}
		salt := make([]byte, 8)
		if _, err := rand.Read(salt); err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s:%s\n", user, saltedSHA(users[user], salt))
	}
	return b.Bytes(), nil
}

func saltedSHA(password string, salt []byte) string {
	sum := sha1.Sum(append([]byte(password), salt...)) //nolint:gosec // see the import
	return "{SSHA}" + base64.StdEncoding.EncodeToString(append(sum[:], salt...))
}
