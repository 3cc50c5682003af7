package config

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// leaks returns the forms in which the secret stands in the text: as it is, in
// hex, in base64, and as fmt prints bytes.
func leaks(text, secret string) []string {
	forms := map[string]string{
		"plain":  secret,
		"hex":    hex.EncodeToString([]byte(secret)),
		"HEX":    strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"base64": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(secret)), "="),
		"bytes":  strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
	}
	var found []string
	for name, form := range forms {
		if strings.Contains(text, form) {
			found = append(found, name)
		}
	}
	return found
}

var verbs = []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%c", "%U", "%t", "%p", "%20v", "%-20s", "%T"}

// printed returns value as everything that the function could print it with
// does, by what did it.
func printed(t *testing.T, value any) map[string]string {
	t.Helper()
	out := map[string]string{
		"Sprint":   fmt.Sprint(value),
		"Sprintln": fmt.Sprintln(value),
		"Errorf":   fmt.Errorf("x: %v", value).Error(),
	}
	for _, verb := range verbs {
		out[verb] = fmt.Sprintf(verb, value)
	}
	data, err := json.Marshal(value)
	require.NoError(t, err)
	out["json"] = string(data)
	var jsonLog, textLog bytes.Buffer
	slog.New(slog.NewJSONHandler(&jsonLog, nil)).Info("x", "value", value, slog.Group("g", "value", value))
	slog.New(slog.NewTextHandler(&textLog, nil)).Info("x", "value", value, slog.Group("g", "value", value))
	out["slog json"], out["slog text"] = jsonLog.String(), textLog.String()
	return out
}

// TestLeaksFindsLeaks shows that the tests below can fail: a secret kept in a
// type without Secret's methods is found in all that prints it.
func TestLeaksFindsLeaks(t *testing.T) {
	const secret = "hunter22-marker"
	type open struct{ Password string }
	for by, text := range printed(t, open{secret}) {
		if by == "%T" || by == "%U" || by == "%t" || by == "%p" || by == "%d" || by == "%c" || by == "% x" {
			// These print no strings, or mark what they print as wrong or spread it.
			continue
		}
		assert.NotEmpty(t, leaks(text, secret), "%s: %s", by, text)
	}
	assert.Equal(t, []string{"bytes"}, leaks(fmt.Sprint([]byte(secret)), secret))
	assert.Equal(t, []string{"base64"}, leaks(base64.StdEncoding.EncodeToString([]byte(secret)), secret))
	// fmt calls no methods on fields that are not exported: with the text itself
	// in the struct, instead of a pointer to it, Secret would leak there.
	type naive struct{ text string }
	assert.NotEmpty(t, leaks(fmt.Sprint(struct{ s naive }{naive{secret}}), secret))
}

func TestSecretPrintsNothing(t *testing.T) {
	const secret = "hunter22-marker"
	s := NewSecret(secret)
	assert.Equal(t, secret, s.Reveal())
	assert.False(t, s.IsZero())
	for _, verb := range verbs {
		if verb != "%T" && verb != "%p" {
			assert.Equal(t, "***", fmt.Sprintf(verb, s), verb)
			assert.Equal(t, "***", fmt.Sprintf(verb, &s), verb)
		}
	}
	assert.Equal(t, "***", s.String())
	assert.Equal(t, "***", s.GoString())
	assert.Equal(t, "***", s.LogValue().String())

	type exported struct{ S Secret }
	type hidden struct {
		s Secret
		p *Secret
	}
	for name, value := range map[string]any{
		"value": s, "pointer": &s, "slice": []Secret{s}, "map": map[string]Secret{"k": s},
		"exported": exported{s}, "pointer to exported": &exported{s},
		"hidden": hidden{s, &s}, "hidden in a slice": []hidden{{s, &s}},
	} {
		for by, text := range printed(t, value) {
			assert.Empty(t, leaks(text, secret), "%s by %s: %s", name, by, text)
		}
	}

	data, err := xml.Marshal(exported{s})
	require.NoError(t, err)
	assert.Equal(t, "<exported><S>***</S></exported>", string(data))
}

func TestNoSecret(t *testing.T) {
	for name, s := range map[string]Secret{"zero": {}, "empty": NewSecret("")} {
		t.Run(name, func(t *testing.T) {
			assert.True(t, s.IsZero())
			assert.Empty(t, s.Reveal())
			assert.Equal(t, "***", s.String(), "whether it is set is nobody's business either")
		})
	}
}

// TestConfigPrintsNoSecret prints configurations that hold every secret there
// can be.
func TestConfigPrintsNoSecret(t *testing.T) {
	const secret = "hunter22-marker"
	kafka := with(kafkaOn, "kafka_user=u", "kafka_password="+secret)
	for name, env := range map[string][]string{
		"passwords":   with(kafka, "ES_Index_KeyWord=log", "ES_Address=http://u:"+secret+"@a/es,b", "ES_User=u", "ES_Password="+secret),
		"API key":     with(esOn, "ES_ApiKey="+secret),
		"escaped":     with(esOn, "ES_Address=u:%68unter22-marker@a"),
		"two servers": with(esOn, "ES_Address=u:"+secret+"@a,u:"+secret+"@a"),
	} {
		t.Run(name, func(t *testing.T) {
			cfg := mustLoad(t, env)
			values := map[string]any{"config": *cfg, "pointer": cfg, "warnings": cfg.Warnings}
			if cfg.ES != nil {
				values["ES"], values["address"], values["URL"] = *cfg.ES, cfg.ES.Addresses[0], cfg.ES.Addresses[0].URL
			}
			if cfg.Kafka != nil {
				values["Kafka"] = *cfg.Kafka
			}
			for what, value := range values {
				for by, text := range printed(t, value) {
					assert.Empty(t, leaks(text, secret), "%s by %s", what, by)
				}
			}
		})
	}
}

// TestErrorsHoldNoSecret makes every kind of mistake beside or within a secret.
func TestErrorsHoldNoSecret(t *testing.T) {
	const secret = "hunter22-marker"
	tests := []struct{ name, pair string }{
		{"password alone", "ES_Password=" + secret},
		{"kafka password alone", "kafka_password=" + secret},
		{"API key with a colon", "ES_ApiKey=id:" + secret},
		{"API key with its scheme", "ES_ApiKey=ApiKey " + secret},
		{"password in UTF-16", "ES_Password=\xff\xfe" + secret},
		{"misspelt name", "ES_Pasword=" + secret},
		{"wrong capitals", "KAFKA_PASSWORD=" + secret},
		{"scheme", "ES_Address=ftp://u:" + secret + "@host"},
		{"colon for slashes", "ES_Address=http:u:" + secret + "@host"},
		{"no host", "ES_Address=http://u:" + secret + "@"},
		{"no @host", "ES_Address=http://u:" + secret},
		{"no @host, without a scheme", "ES_Address=u:" + secret},
		{"no user", "ES_Address=http://:" + secret + "@host"},
		{"password as user", "ES_Address=http://" + secret + "@host"},
		{"two colons", "ES_Address=http://u:x:" + secret},
		{"slash in the password", "ES_Address=http://u:a/" + secret + "@host"},
		{"slash after a number", "ES_Address=http://u:1/" + secret + "@host"},
		{"question mark", "ES_Address=http://u:" + secret + "?x@host"},
		{"hash before", "ES_Address=http://u:#" + secret + "@host"},
		{"percent", "ES_Address=http://u:%" + secret + "@host"},
		{"comma before", "ES_Address=http://u:x," + secret + "@host"},
		{"comma after", "ES_Address=http://u:" + secret + ",x@host"},
		{"commas around", "ES_Address=http://u:x," + secret + ",x@host"},
		{"bad port behind it", "ES_Address=http://u:" + secret + "@host:x"},
		{"bad neighbour", "ES_Address=ftp://x,http://u:" + secret + "@host"},
		{"token in the query", "ES_Address=http://host/?token=" + secret},
		{"broken path behind it", "ES_Address=http://u:" + secret + "@host/%zz"},
		{"kafka address with a user", "kafka_address=u:" + secret + "@k"},
		{"kafka address as a URL", "kafka_address=SASL_SSL://u:" + secret + "@k:9092"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := problemsOf(t, []string{"ES_Index_KeyWord=log", "kafka_topic_name=t", tt.pair})
			for by, text := range printed(t, e) {
				assert.Empty(t, leaks(text, secret), by)
			}
			assert.Empty(t, leaks(errors.Join(errors.New("x"), e).Error(), secret))
		})
	}
	t.Run("private key in a certificate's place", func(t *testing.T) {
		_, key := newCert(t, now())
		e := problemsOf(t, with(httpsOn, "ES_CA_Cert="+string(key)))
		assert.NotContains(t, e.Error(), strings.Split(string(key), "\n")[1])
	})
}
