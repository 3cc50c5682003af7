package transform

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

type maskCase struct{ name, text, want string }

// maskCases are texts with the ignored words password, Authorization, cookie,
// 密码 and a/b.
func maskCases() []maskCase {
	same := func(name, text string) maskCase { return maskCase{name, text, text} }
	return []maskCase{
		{"equals sign", `password=x1`, `password=***`},
		{"colon", `password: x1`, `password: ***`},
		{"among others", `a=1 password=x1 b=2`, `a=1 password=*** b=2`},
		{"several", `password=x1 password:x2,password="x3"`, `password=*** password:***,password=***`},
		{"other case", `PassWord=x1 AUTHORIZATION: x2`, `PassWord=*** AUTHORIZATION: ***`},
		{"nothing behind it", `password=`, `password=`},
		{"blanks behind it", "password= \t ", "password= \t "},
		{"empty before the next name", `password=&user=x`, `password=&user=x`},
		{"empty quotes", `{"password":"","user":"x"`, `{"password":***,"user":"x"`},
		{"three bytes", `password=abc`, `password=***`},
		{"stars already", `password=***`, `password=***`},
		same("no value", `the password is x`),
		same("part of a name", `passwords=1 xpassword=2 pass=3 my_password=4 password2=5`),
		same("no word at all", `{"user":"x","a":[1,2`),
		same("word as a value", `user=password`),
		{"behind punctuation", `x-password=x1 y.password=x2 (password=x3) <password=x4`, `x-password=*** y.password=*** (password=***) <password=***`},
		{"behind an escaped line break", `first\npassword=x1`, `first\npassword=***`},
		{"behind Chinese", `用户password=x1 用户密码：密码=x2`, `用户password=*** 用户密码：密码=***`},
		{"Chinese escaped", `"\u5bc6\u7801":"x1"`, `"\u5bc6\u7801":***`},
		{"slash escaped", `"a\/b":"x1","a/b":"x2"`, `"a\/b":***,"a/b":***`},
		{"in brackets", `user[password]=x1&user[a]=2`, `user[password]=***&user[a]=2`},

		{"double quotes", `password="x1 x2" b=2`, `password=*** b=2`},
		{"single quotes", `password='x1 x2' b=2`, `password=*** b=2`},
		{"backquotes", "password=`x1 x2` b=2", "password=*** b=2"},
		{"empty quotes, an escaped line break", `{\"password\":\"\"\n,\"b\":2}`, `{\"password\":***\n,\"b\":2}`},
		{"CSV, a value that starts like an escape", `"{""password"":""nx1 x2"",""b"":2}"`, `"{""password"":***,""b"":2}"`},
		{"quoted name", `"password":"x1","b":2`, `"password":***,"b":2`},
		{"blanks around", `"password"  :  "x1 x2" , "b":2`, `"password"  :  *** , "b":2`},
		{"line breaks around", "\"password\"\n:\n\t\"x1\"\n", "\"password\"\n:\n\t***\n"},
		{"escaped line break before the value", `\"password\":\n  \"x1 x2\",b`, `\"password\":\n  ***,b`},
		{"escaped quote inside", `"password":"x1\"x2","b":2`, `"password":***,"b":2`},
		{"escaped backslash at the end", `"password":"x1\\","b":2`, `"password":***,"b":2`},
		{"other quotes inside", `password="it's x1" b='it "is"'`, `password=*** b='it "is"'`},
		{"no end", `"password":"x1 x2, "`, `"password":***`},
		{"no end at all", `"password":"x1 x2`, `"password":***`},
		{"Ruby", `{:password=>"x1 x2", :b=>2}`, `{:password=>***, :b=>2}`},
		{"Go", `password := "x1 x2"`, `password := ***`},
		{"Python 2", `{u'password': u'x1 x2', u'b': 2}`, `{u'password': ***, u'b': 2}`},
		{"Python bytes", `{'password': b"x1 x2", 'b': 2}`, `{'password': ***, 'b': 2}`},
		{"SQL", `password='x1''x2 x3' AND b=2`, `password=*** AND b=2`},
		{"CSV", `7,"{""password"":""x1 x2"",""b"":2}",8`, `7,"{""password"":***,""b"":2}",8`},
		{"three quotes", `password="""x1 "x2" x3""" b=2`, `password=*** b=2`},
		{"XML", `<a password="x1 x2"/>`, `<a password=***/>`},

		{"escaped once", `{\"password\":\"x1 \\\"x2\\\" x3\",\"b\":2}`, `{\"password\":***,\"b\":2}`},
		{"escaped once, backslash at the end", `{\"password\":\"x1\\\\\",\"b\":2}`, `{\"password\":***,\"b\":2}`},
		{"escaped once, the outer string ends", `"\"password\":\"x1 x2", "b":2`, `"\"password\":***, "b":2`},
		{"escaped twice", `{\\\"password\\\":\\\"x1 \\\\\\\"x2\\\",\\\"b\\\":2}`, `{\\\"password\\\":***,\\\"b\\\":2}`},
		{"letters escaped", `"pass\u0077ord":"x1","b":2`, `"pass\u0077ord":***,"b":2`},
		{"letters escaped three times", `pass\\\\\\\\u0077ord=x1 b=2`, `pass\\\\\\\\u0077ord=*** b=2`},
		{"quotes as \\u0022", `{\u0022password\u0022:\u0022x1 x2\u0022,\u0022b\u0022:2}`, `{\u0022password\u0022:***,\u0022b\u0022:2}`},
		{"quotes as \\u0022, one inside", `\u0022password\u0022:\u0022x1 \\\u0022x2 x3\u0022,b`, `\u0022password\u0022:***,b`},
		{"quotes as \\u0022, backslash at the end", `\u0022password\u0022:\u0022x1\\\\\u0022,b`, `\u0022password\u0022:***,b`},
		{"\\u0022 inside quotes", `"password":"x1\u0022x2 x3","b":2`, `"password":***,"b":2`},
		{"\\\\u0022 inside quotes", `"password":"x1\\u0022x2 x3","b":2`, `"password":***,"b":2`},
		{"equals sign as \\u003d, ampersand as \\u0026", `/?password\u003dx1\u0026b\u003d2`, `/?password\u003d***\u0026b\u003d2`},
		{"colon escaped", `password\u003A x1`, `password\u003A ***`},
		{"arrow escaped", `password=\u003e"x1 x2"`, `password=\u003e***`},
		{"not an escape", `\u00zzpassword=x1 \upassword=2`, `\u00zzpassword=x1 \upassword=2`},

		{"object", `"password":{"old":"x1","new":["x2"]},"b":2`, `"password":***,"b":2`},
		{"array", `"password":["x1",{"a":"x2"}],"b":2`, `"password":***,"b":2`},
		{"brackets in strings", `"password":{"a":"x1}","b":"]"},"b":2`, `"password":***,"b":2`},
		{"brackets in single quotes", `'password':{'a':'x1}','b':'it"s x2'},'b':2`, `'password':***,'b':2`},
		{"brackets in single quotes, blanks", `'password': { 'a': 'x1}', 'b': '] x2' }, 'b': 2`, `'password': ***, 'b': 2`},
		{"apostrophe in brackets", `password=(it's x1) b=2`, `password=*** b=2`},
		{"object escaped", `\"password\":{\"old\":\"x1}\"},\"b\":2`, `\"password\":***,\"b\":2`},
		{"structure without an end", `"password":{"old":"x1","b":2`, `"password":***`},

		{"number", `"password":12,"b":2`, `"password":***,"b":2`},
		{"number at the end", `{"password":12}`, `{"password":***}`},
		{"query", `/?password=x1&b=2`, `/?password=***&b=2`},
		{"query, separator inside", `/?password=x1&x2 HTTP/1.1`, `/?password=*** HTTP/1.1`},
		{"query, empty next", `/?password=x1& b`, `/?password=***& b`},
		{"list", `password=x1,b=2;c=3`, `password=***,b=2;c=3`},
		{"list with blanks", `password=x1, b=2`, `password=***, b=2`},
		{"list of pairs", `password=x1; b=2`, `password=***; b=2`},
		{"bar", `password=x1|b=2`, `password=***|b=2`},
		{"separators inside", `password=x1,x2;x3|x4 b=2`, `password=*** b=2`},
		{"brackets inside", `password=x1}x2)x3]x4 b=2`, `password=*** b=2`},
		{"quote inside", `password=x1"x2 b=2`, `password=*** b=2`},
		{"in a string", `"url":"/?password=x1","b":2`, `"url":"/?password=***","b":2`},
		{"in an escaped string", `\"url\":\"/?password=x1\",\"b\":2`, `\"url\":\"/?password=***\",\"b\":2`},
		{"backslashes inside", `password=x1\x2\ x3 b=2`, `password=*** b=2`},

		{"scheme", `Authorization: Bearer x1 x2`, `Authorization: ***`},
		{"scheme, other case", `authorization=BASIC x1== x2`, `authorization=***`},
		{"scheme alone", `Authorization: Bearer`, `Authorization: ***`},
		{"scheme in quotes", `-H "Authorization: Bearer x1" /`, `-H "Authorization: ***" /`},
		{"scheme with a parameter", `Authorization: Token token="x1 x2", a="b"`, `Authorization: ***`},
		{"scheme with a list", "Authorization: Digest username=\"x1\", response=\"x2\"\nb=2", "Authorization: ***\nb=2"},
		{"signature", `Authorization: AWS4-HMAC-SHA256 Credential=x1/x2, Signature=x3`, `Authorization: ***`},
		{"cookies", `Cookie: a=x1; b=x2; c=x3 x`, `Cookie: ***`},
		{"one cookie", `Cookie: a=x1, b=2`, `Cookie: ***`},
	}
}

// maskedText returns text with the values of all of r's words hidden.
func maskedText(r *rules, text string) string {
	var m masker
	return string(appendMasked(nil, []byte(text), m.spans(&r.text, []byte(text))))
}

func TestMaskText(t *testing.T) {
	r, err := newRules([]string{"password", "user.password", "**.authorization", "cookie", "密码", "a/b"})
	require.NoError(t, err)
	for _, c := range maskCases() {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, maskedText(r, c.text))
			assert.Equal(t, c.want, maskedText(r, c.want), "again")
		})
	}
}

// Words that end as no name in text could be told to end.
func TestMaskOddWords(t *testing.T) {
	for _, c := range []struct{ name, word, text, want string }{
		{"quote at the end", `it"`, `it"=x1`, `it"=***`},
		{"only a quote", `"`, `"=x1`, `"=x1`},
		{"colon inside", `a:b`, `a:b: x1`, `a:b: ***`},
		{"equals sign inside", `a=b`, `a=b=x1`, `a=b=***`},
		{"blank inside", `my word`, `"my word":"x1"`, `"my word":***`},
		{"beyond the basic plane", `🎉`, `"🎉":"x1","\ud83c\udf89":"x2","\udf89":3`, `"🎉":***,"\ud83c\udf89":***,"\udf89":3`},
		{"backslash inside", `a\b`, `"a\\b":"x1"`, `"a\\b":***`},
		{"last name of a path", `a.b.c`, `c=x1 b=2 a.b.c=x3`, `c=*** b=2 a.b.c=***`},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := newRules([]string{c.word})
			require.NoError(t, err)
			assert.Equal(t, c.want, maskedText(r, c.text))
		})
	}
}

// checkMask fails the test unless masking only replaced parts of text.
func checkMask(t require.TestingT, text, masked string) {
	require.True(t, utf8.ValidString(masked), "%q", masked)
	rest := text
	parts := strings.Split(masked, "***")
	require.True(t, strings.HasPrefix(rest, parts[0]), "%q of %q", masked, text)
	for i, part := range parts {
		at := strings.Index(rest, part)
		require.GreaterOrEqual(t, at, 0, "%q of %q", masked, text)
		if i == len(parts)-1 {
			require.True(t, strings.HasSuffix(rest, part), "%q of %q", masked, text)
		}
		rest = rest[at+len(part):]
	}
}

func FuzzMask(f *testing.F) {
	for _, c := range slices.Concat(maskCases(), shapes()) {
		f.Add(c.text)
	}
	for _, rec := range testdataRecords(f) {
		if len(rec.Body) < 500 && strings.Contains(string(rec.Body), "S3CRET") {
			f.Add(string(rec.Body))
		}
	}
	r, err := newRules([]string{"password", "**.authorization", "密码", "a"})
	require.NoError(f, err)
	none, err := newRules([]string{"no such word"})
	require.NoError(f, err)
	deep := newWorker(f, Options{Ignore: []string{"**.password"}})
	f.Fuzz(func(t *testing.T, text string) {
		text, _ = refValidUTF8(text)
		checkMask(t, text, maskedText(r, text))
		require.Empty(t, refLeaks(maskedText(r, text), "password", "authorization", "密码"), "%q", text)
		if !strings.Contains(text, "word") {
			require.Equal(t, text, maskedText(none, text))
		}
		// What has a word before it is hidden, whatever stands around.
		if strings.Contains(text, "H1DDEN") {
			return
		}
		for _, inside := range []string{text + ` password=H1DDEN`, text + `,"password":"H1DDEN"`, `password="H1DDEN` + text, `{"password":"H1DDEN",` + text} {
			require.NotContains(t, maskedText(r, inside), "H1DDEN", "%q", inside)
			source := deep.Do(newRecord(`{"a":["b",` + string(refQuote(inside)) + `]}`)).AppendSource(nil)
			require.NotContains(t, string(source), "H1DDEN", "%q", inside)
		}
	})
}

// Whatever an ignored field of a broken document holds, and however often the
// document was encoded: nothing of it is to be seen.
func TestMaskHidesWholeValues(t *testing.T) {
	words := []string{"password", "**.token", "a.密码"}
	r, err := newRules(words)
	require.NoError(t, err)
	piece := rapid.SampledFrom([]string{`"`, `\`, `\\`, `'`, "{", "}", "[", "]", "(", ")", ",", ":", "=", " ", "\n", "中", "&", ";", "a:", `","`, "u0022", "/"})
	rapid.Check(t, func(t *rapid.T) {
		value := "S3CRET"
		for _, p := range rapid.SliceOfN(piece, 0, 8).Draw(t, "pieces") {
			value += p + "S3CRET"
		}
		var json string
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			json = string(refQuote(value))
		case 1:
			json = `[` + string(refQuote(value)) + `,{"x":` + string(refQuote(value)) + `}]`
		case 2:
			json = `{ "x" :` + string(refQuote(value)) + "\n}"
		case 3:
			json = string(ascii(refQuote(value)))
		}
		name := rapid.SampledFrom([]string{`password`, `token`, `密码`, `pass\u0077ord`, `\u5bc6\u7801`, `to\u006Ben`}).Draw(t, "name")
		space := rapid.SampledFrom([]string{"", " ", "\n", "\t \n"})
		text := `{"keep":"KEEP` + `","` + name + `"` + space.Draw(t, "before") + ":" + space.Draw(t, "after") + json
		text += rapid.SampledFrom([]string{"", ",", `,"n":NaN}`, "}"}).Draw(t, "end")
		for range rapid.IntRange(0, 4).Draw(t, "layers") {
			text = string(refQuote(text))
			if rapid.Bool().Draw(t, "ascii") {
				text = string(ascii([]byte(text)))
			}
			// Without its quotes it is text with escapes.
			text = text[1 : len(text)-1]
		}
		masked := maskedText(r, text)
		require.NotContains(t, masked, "S3CRET", "%s", text)
		require.Contains(t, masked, "KEEP", "%s", text)
		checkMask(t, text, masked)
	})
}

// ascii writes all quotes inside a JSON string, and what is not ASCII, as \u….
func ascii(quoted []byte) []byte {
	var out []byte
	for i, r := range string(quoted[1 : len(quoted)-1]) {
		switch {
		case r >= utf8.RuneSelf && r < 0x10000:
			out = append(out, `\u`...)
			for shift := 12; shift >= 0; shift -= 4 {
				out = append(out, "0123456789abcdef"[r>>shift&15])
			}
		case r == '"' && quoted[i] == '\\':
			out = append(out[:len(out)-1], `\u0022`...)
		default:
			out = utf8.AppendRune(out, r)
		}
	}
	return slices.Concat([]byte{'"'}, out, []byte{'"'})
}
