// Package writers draws records as logs really hold them: what one writer wrote,
// inside what the next one wrote, each with its own escapes. Somewhere in them is
// the value of a field that is to be ignored. It is for tests only.
package writers

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"pgregory.net/rapid"
)

const (
	// Marker is part of every secret, more than once where it has several words:
	// it may be in nothing that leaves the function.
	Marker = "S3CR3T"
	// Kept is in what stands before the secret: it may not be lost.
	Kept = "KEEPTHIS"
)

// Names are the names that have secrets, as an operator would write the rule.
var Names = []string{"**.password", "**.token", "**.Authorization", "**.密码"}

// Record is a record's value with a secret in it.
type Record struct{ Body, How string }

// Draw draws a record.
func Draw(t *rapid.T) Record {
	text, how := source(t)
	for range rapid.IntRange(0, 4).Draw(t, "writers") {
		w := rapid.SampledFrom(wraps).Draw(t, "writer")
		text, how = w.wrap(text), how+" in "+w.name
	}
	last := rapid.SampledFrom([]string{"text", "JSON", "JSON", "message"}).Draw(t, "shipper")
	body := Kept + " " + text
	switch last {
	case "JSON":
		body = `{"first":"` + Kept + `","b":{"log":[` + quote(text) + `]}}`
	case "message":
		body = `{"first":"` + Kept + `","message":` + quote(text) + `}`
	}
	if len(body) > 64<<10 { // each writer may double it
		return Record{Kept + " password=" + Marker, "too long"}
	}
	return Record{body, how + " in " + last}
}

// word draws a secret without blanks, phrase one that only quotes hold together.
func word(t *rapid.T) string {
	return Marker + pieces(t, "word", []string{"-", "_", "!", "@", "$", "^", "*", "~", "+", "/", "0", "x", "中", "é"})
}

func phrase(t *rapid.T) string {
	return Marker + pieces(t, "phrase", []string{" ", "  ", ", ", "; ", " = ", ": ", "&", "{", "}", "]", "(", ")", "|", "<", ">", "#", "%", "中", "'", "\\", "\"", "\n", "a:", " token ", "\t"})
}

// pieces draws some pieces, with a marker behind each.
func pieces(t *rapid.T, label string, of []string) string {
	var b strings.Builder
	for _, p := range rapid.SliceOfN(rapid.SampledFrom(of), 0, 5).Draw(t, label) {
		b.WriteString(p + Marker)
	}
	return b.String()
}

func name(t *rapid.T) string {
	return rapid.SampledFrom([]string{"password", "Password", "PASSWORD", "token", "X-Token", "user.password", "密码"}).Draw(t, "name")
}

// source draws what the first writer wrote.
func source(t *rapid.T) (text, how string) {
	key := name(t)
	kind := rapid.IntRange(0, 13).Draw(t, "source")
	if kind < 2 && key == "X-Token" {
		key = "token" // in an object a name is whole
	}
	switch kind {
	case 0:
		return `{"user":"ann",` + quote(key) + `:` + quote(phrase(t)) + `,"n":1}`, "JSON"
	case 1:
		return `{"a":[1,{"b":{` + quote(key) + ` : {"old":` + quote(phrase(t)) + `,"x":[` + quote(phrase(t)) + `]} }}]}`, "JSON, a structure"
	case 2:
		return "user=ann " + key + rapid.SampledFrom([]string{"=", ": ", ":=", "=>", " = ", "->"}).Draw(t, "sign") + word(t) + " n=1", "pairs"
	case 3:
		return "user='ann' " + key + "='" + strings.NewReplacer("'", "''", "\n", " ", `\`, "/").Replace(phrase(t)) + "' n=1", "SQL"
	case 4:
		return "/login?user=ann&" + url.QueryEscape(key) + "=" + url.QueryEscape(phrase(t)) + "&n=1", "query"
	case 5:
		return "<user><name>ann</name><Password>" + strings.NewReplacer("<", "&lt;", ">", "&gt;", "&", "&amp;").Replace(phrase(t)) + "</Password></user>", "XML"
	case 6:
		return "Host: x\r\nAuthorization: " + rapid.SampledFrom([]string{"Bearer ", "TC3-HMAC-SHA256 Credential=", "q-sign=", ""}).Draw(t, "scheme") + word(t) + ", " + word(t) + "\r\nAccept: y", "headers"
	case 7:
		return "{'user': 'ann', '" + key + "': " + strings.ReplaceAll(strings.ReplaceAll(fmt.Sprintf("'%s'", strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`).Replace(phrase(t))), "\t", " "), "\r", "") + ", 'n': 1}", "Python"
	case 8:
		return "user: ann\n" + key + ": |\n  " + word(t) + "\n  " + word(t) + " " + word(t) + "\nn: 1", "YAML"
	case 9:
		return "--b\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n" + word(t) + "\r\n--b--", "form"
	case 10:
		return "7,\"" + strings.ReplaceAll(`{"user":"ann",`+quote(key)+`:`+quote(word(t)+" "+word(t))+`,"n":1}`, `"`, `""`) + "\",8", "CSV"
	case 11:
		return "login \x1b[36m" + key + "\x1b[0m=" + word(t) + " \x1b[36mn\x1b[0m=1", "colours"
	case 12:
		return `cmd --user ann --password ` + word(t) + ` -v`, "command"
	default:
		return "token=" + word(t) + rapid.SampledFrom([]string{" ", "\n", ", ", "; ", "&", " | ", "<br>"}).Draw(t, "between") + "password: " + word(t), "two"
	}
}

type wrap struct {
	name string
	wrap func(string) string
}

var wraps = []wrap{
	{"JSON", func(s string) string { return `{"ts":1,"log":` + quote(s) + `,"n":2}` }},
	{"JSON of Go", func(s string) string {
		b, err := json.Marshal(map[string]string{"log": s})
		if err != nil {
			panic(err)
		}
		return string(b)
	}},
	{"a JSON string", quote},
	{"nginx", func(s string) string { return `10.0.0.9|POST /x|` + nginx(s) + `|200` }},
	{"syslog", func(s string) string { return "<13>Nov 27 10:00:00 host app: " + syslog(s) }},
	{"HTML", func(s string) string {
		return "<p>" + strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#39;").Replace(s) + "</p>"
	}},
	{"a query", func(s string) string { return "/x?q=" + url.QueryEscape(s) + "&z=1 HTTP/1.1" }},
	{"a line", func(s string) string { return "2026-11-27 10:00:00 INFO [main] body: " + s }},
	{"printf %q", func(s string) string { return fmt.Sprintf("msg=%q n=1", s) }},
}

func quote(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err)
	}
	return strings.TrimSpace(b.String())
}

// nginx escapes as nginx's log format does by default.
func nginx(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0x7F {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// syslog escapes control characters as rsyslog does.
func syslog(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == 0x7F {
			fmt.Fprintf(&b, "#%03o", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
