package transform

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func ignoreCases() []bodyCase {
	const bom = "\uFEFF"
	top, deep, path := []string{"password"}, []string{"**.password"}, []string{"user.password"}
	deepPath := []string{"**.user.password"}
	return []bodyCase{
		{name: "top level", ignore: top, body: `{"a":1,"password":"x","b":2}`, want: `{"a":1,"b":2}`},
		{name: "first", ignore: top, body: `{"password":"x","b":2}`, want: `{"b":2}`},
		{name: "last", ignore: top, body: `{"b":2,"password":"x"}`, want: `{"b":2}`},
		{name: "only", ignore: top, body: `{"password":"x"}`, want: `{}`},
		{name: "any kind of value", ignore: top, body: `{"password":{"a":[1]},"b":2}`, want: `{"b":2}`},
		{name: "escaped", ignore: top, body: `{"pass\u0077ord":"x","b":2}`, want: `{"b":2}`},
		{name: "all escaped", ignore: top, body: `{"\u0070\u0061\u0073\u0073\u0077\u006F\u0072\u0064":"x","b":2}`, want: `{"b":2}`},
		{name: "duplicate", ignore: top, body: `{"password":1,"b":2,"password":3}`, want: `{"b":2}`},
		{name: "duplicate, escaped", ignore: top, body: `{"password":1,"pass\u0077ord":2,"b":2}`, want: `{"b":2}`},
		{name: "other case stays", ignore: top, body: `{"Password":1}`, want: `{"Password":1}`},
		{name: "longer name stays", ignore: top, body: `{"passwords":1,"apassword":2,"passwor":3}`, want: `{"passwords":1,"apassword":2,"passwor":3}`},
		{name: "nested stays", ignore: top, body: `{"user":{"password":1}}`, want: `{"user":{"password":1}}`},
		{name: "name with a dot behind it", ignore: top, body: `{"password.old":1,"b":2}`, want: `{"b":2}`},
		{name: "name with a dot before it stays", ignore: top, body: `{"user.password":1}`, want: `{"user.password":1}`},
		{name: "name that ends in a dot", ignore: top, body: `{"password.":1,"b":2}`, want: `{"b":2}`},
		{name: "in message", ignore: top, body: `{"message":"{\"password\":1,\"b\":2}"}`, want: `{"b":2}`},
		{name: "in message, escaped twice", ignore: top, body: `{"message":"{\"pass\\u0077ord\":1,\"b\":2}"}`, want: `{"b":2}`},
		{name: "in message and beside it", ignore: top, body: `{"password":0,"message":"{\"password\":1,\"b\":2}"}`, want: `{"b":2}`},
		{name: "behind a byte order mark", ignore: top, body: bom + `{"password":1,"b":2}`, want: `{"b":2}`},
		{name: "double encoded", ignore: top, body: encoded(`{"pass\u0077ord":1,"b":2}`, 2), want: `{"b":2}`},
		{name: "double encoded behind byte order marks", ignore: top, body: bom + encoded(bom+`{"password":1,"b":2}`, 1), want: `{"b":2}`},
		{name: "name with dots behind a nested name", ignore: top, body: `{"a":{"password":1},"b":[{"password":1}]}`, want: `{"a":{"password":1},"b":[{"password":1}]}`},

		{name: "path", ignore: path, body: `{"user":{"password":1,"name":"x"}}`, want: `{"user":{"name":"x"}}`},
		{name: "path, the only member", ignore: path, body: `{"user":{"password":1}}`, want: `{"user":{}}`},
		{name: "path, escaped", ignore: path, body: `{"us\u0065r":{"pass\u0077ord":1,"name":"x"}}`, want: `{"us\u0065r":{"name":"x"}}`},
		{name: "path, dotted", ignore: path, body: `{"user.password":1,"user":{"name":"x"}}`, want: `{"user":{"name":"x"}}`},
		{name: "path, dot escaped", ignore: path, body: `{"user\u002epassword":1,"b":2}`, want: `{"b":2}`},
		{name: "path, dotted and longer", ignore: path, body: `{"user.password.old":1,"user":{"password.old":2,"password":{"old":3}},"b":2}`, want: `{"user":{},"b":2}`},
		{name: "path, in arrays", ignore: path, body: `{"user":[{"password":1},[{"password":2,"a":3}],4]}`, want: `{"user":[{},[{"a":3}],4]}`},
		{name: "path, duplicates", ignore: path, body: `{"user":{"password":1,"a":0,"password":2}}`, want: `{"user":{"a":0}}`},
		{name: "path, elsewhere stays", ignore: path, body: `{"password":1,"a":{"user":{"password":2}},"user":{"a":{"password":3}}}`, want: `{"password":1,"a":{"user":{"password":2}},"user":{"a":{"password":3}}}`},
		{name: "path, parent is no object", ignore: path, body: `{"user":"password"}`, want: `{"user":"password"}`},
		{name: "path, in message", ignore: path, body: `{"message":"{\"user\":{\"password\":1,\"a\":2}}"}`, want: `{"user":{"a":2}}`},
		{name: "path, partly dotted", ignore: []string{"a.b.c.d"}, body: `{"a.b":{"c.d":1,"c":{"d":2,"e":3}},"a":{"b.c":{"d":4},"b":{"c.d":5}}}`, want: `{"a.b":{"c":{"e":3}},"a":{"b.c":{},"b":{}}}`},
		{name: "path and its parent", ignore: []string{"user.password", "user"}, body: `{"user":{"password":1},"b":2}`, want: `{"b":2}`},
		{name: "two paths, one start", ignore: []string{"a.b", "a.c.d"}, body: `{"a":{"b":1,"c":{"d":2,"e":3},"f":4}}`, want: `{"a":{"c":{"e":3},"f":4}}`},

		{name: "any depth, top level", ignore: deep, body: `{"password":1,"b":2}`, want: `{"b":2}`},
		{name: "any depth, nested", ignore: deep, body: `{"a":{"b":{"password":1,"c":2}}}`, want: `{"a":{"b":{"c":2}}}`},
		{name: "any depth, escaped", ignore: deep, body: `{"a":{"pass\u0077ord":1,"c":2}}`, want: `{"a":{"c":2}}`},
		{name: "any depth, arrays", ignore: deep, body: `{"a":[[{"password":1}],{"b":[{"password":2,"c":3}]}]}`, want: `{"a":[[{}],{"b":[{"c":3}]}]}`},
		{name: "any depth, dotted", ignore: deep, body: `{"a.password":1,"b":{"c.password":2,"c.password.d":3,"e":4}}`, want: `{"b":{"e":4}}`},
		{name: "any depth, escaped dot", ignore: deep, body: `{"a\u002epassword":1,"b":{"c\u002epassword":2,"e":4}}`, want: `{"b":{"e":4}}`},
		{name: "any depth, duplicates", ignore: deep, body: `{"a":{"password":1,"b":0,"password":2}}`, want: `{"a":{"b":0}}`},
		{name: "any depth, all of an object", ignore: deep, body: `{"a":{"password":1,"pass\u0077ord":2}}`, want: `{"a":{}}`},
		{name: "any depth, longer names stay", ignore: deep, body: `{"a":{"passwords":1,"xpassword":2,"password_":3}}`, want: `{"a":{"passwords":1,"xpassword":2,"password_":3}}`},
		{name: "any depth, other case", ignore: deep, body: `{"PassWord":1,"a":{"PASSWORD":2,"passwörd":3}}`, want: `{"a":{"passwörd":3}}`},
		{name: "any depth, path, other case", ignore: deepPath, body: `{"User":{"passWord":1},"a":{"USER.PASSWORD":2}}`, want: `{"User":{},"a":{}}`},
		{name: "any depth, in strings", ignore: deep, body: `{"a":["password","\"password\":1"],"b":"x \u0026password=x1\u0026 y","c":{"d":"\u4e2d \"Password\": \"x1\" \/"}}`, want: `{"a":["password","\"password\":***"],"b":"x \u0026password=***\u0026 y","c":{"d":"\u4e2d \"Password\": *** \/"}}`},
		{name: "top level, not in strings", ignore: top, body: `{"a":"password=1"}`, want: `{"a":"password=1"}`},
		{name: "of message, merged", ignore: []string{"message.password", "message.a.b", "**.message.c"}, body: `{"password":1,"message":"{\"password\":2,\"a\":{\"b\":3,\"d\":4},\"c\":5,\"e\":6}"}`, want: `{"password":1,"a":{"d":4},"e":6}`},
		{name: "of message, an object", ignore: []string{"message.password"}, body: `{"message":{"password":1,"a":2}}`, want: `{"message":{"a":2}}`},
		{name: "any depth, at 1000 levels", ignore: deep, body: strings.Repeat(`{"a":`, 999) + `{"password":1}` + strings.Repeat("}", 999), want: nested(1000)},
		{name: "any depth, beside white space", ignore: deep, body: `{"a":{ "x" : 1 , "password" : 2 , "y" : [ 3 ] },"b":{ "c" : 1 }}`, want: `{"a":{"x":1,"y":[3]},"b":{ "c" : 1 }}`},
		{name: "any depth, in message", ignore: deep, body: `{"message":"{\"a\":{\"pass\\u0077ord\":1,\"c\":2}}"}`, want: `{"a":{"c":2}}`},
		{name: "any depth, path", ignore: deepPath, body: `{"user":{"password":1},"a":{"user":{"password":2,"b":3}},"password":4}`, want: `{"user":{},"a":{"user":{"b":3}},"password":4}`},
		{name: "any depth, path, dotted", ignore: deepPath, body: `{"x.user.password":1,"x.user":{"password":2,"b":1},"y":{"z.user":{"password":3}}}`, want: `{"x.user":{"b":1},"y":{"z.user":{}}}`},
		{name: "any depth, path that starts again", ignore: []string{"**.a.a.b"}, body: `{"a":{"a":{"a":{"b":1,"c":2}}}}`, want: `{"a":{"a":{"a":{"c":2}}}}`},
		{name: "any depth, path across an array", ignore: deepPath, body: `{"x":[{"user":[{"password":1}]}]}`, want: `{"x":[{"user":[{}]}]}`},

		{name: "Chinese name", ignore: []string{"**.密码"}, body: `{"密码":1,"a":{"\u5bc6\u7801":2,"密":3}}`, want: `{"a":{"密":3}}`},
		{name: "long name", ignore: []string{strings.Repeat("n", 70)}, body: `{"` + strings.Repeat("n", 70) + `":1,"` + strings.Repeat("n", 69) + `":2}`, want: `{"` + strings.Repeat("n", 69) + `":2}`},
		{name: "name beyond 63 bytes, any depth", ignore: []string{"**." + strings.Repeat("n", 63)}, body: `{"a":{"` + strings.Repeat("n", 63) + `":1,"` + strings.Repeat("n", 64) + `":2}}`, want: `{"a":{"` + strings.Repeat("n", 64) + `":2}}`},
		{name: "a star is a name", ignore: []string{"*"}, body: `{"*":1,"a":2}`, want: `{"a":2}`},
		{name: "msg_body", ignore: []string{"msg_body"}, body: `text`, want: `{}`, text: true},
	}
}

func TestIgnoredFieldsGo(t *testing.T) {
	for _, c := range ignoreCases() {
		t.Run(c.name, func(t *testing.T) {
			source, doc := document(t, Options{IndexPrefix: "app", Ignore: c.ignore}, c.body)
			assert.Equal(t, c.want, source)
			assert.Equal(t, c.text, doc.Text)
		})
	}
}

// The recorded disguises of an ignored field: not one may show its value, and
// what stands before it stays.
func TestNoSecretSurvives(t *testing.T) {
	opts := Options{IndexPrefix: "app", Ignore: []string{"password", "**.password"}}
	w := newWorker(t, opts)
	kept := 0
	for _, rec := range testdataRecords(t) {
		if !strings.Contains(string(rec.Body), "S3CRET") {
			continue
		}
		rec.Batch.Arrival = arrival
		agree(t, w, opts, &rec)
		source := string(w.Do(&rec).AppendSource(nil))
		require.NotContains(t, source, "S3CRET")
		if strings.Contains(string(rec.Body), "KEEP") {
			require.Contains(t, source, "KEEP")
			kept++
		}
	}
	require.GreaterOrEqual(t, kept, 60)
}

func TestRulesRefusePaths(t *testing.T) {
	for _, path := range []string{"", ".", "a.", ".a", "a..b", "**", "**.", "a.**", "a.**.b", "**.**"} {
		_, err := New(Options{Ignore: []string{"good", path}})
		require.ErrorContains(t, err, `"`+path+`"`)
	}
}
