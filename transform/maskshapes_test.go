package transform

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// shapes are the ways in which names and values were seen in logs: S1, S2 … are
// the secrets. Most of them went through to the index until one model took the
// place of a list of cases. The ignored words are password, token, Authorization,
// Set-Cookie, cookie, private_key, id_card and 密码.
func shapes() []maskCase {
	esc := func(s string) string {
		return strings.NewReplacer("␛", "\x1b", "⏎", "\n", "↵", "\r\n", "→|", "\t").Replace(s)
	}
	same := func(name, text string) maskCase { return maskCase{name, text, text} }
	cases := []maskCase{
		// Separators.
		{"equals", `password=S1 b`, `password=*** b`},
		{"colon", `password: S1`, `password: ***`},
		{"colon, no blank", `password:S1,b x`, `password:*** x`},
		{"Go", `password:=S1`, `password:=***`},
		{"hash rocket", `password=>S1`, `password=>***`},
		{"arrow", `password->S1`, `password->***`},
		{"typographic arrow", `password → S1`, `password → ***`},
		{"full-width colon", `密码：S1`, `密码：***`},
		{"full-width equals", `密码＝S1`, `密码＝***`},
		{"two equals", `password==S1`, `password==***`},
		{"not equal", `password != "S1 S2"`, `password != ***`},
		{"SQL's not equal", `password <> 'S1'`, `password <> ***`},
		{"plus equals", `password += "S1"`, `password += ***`},
		{"dotted leader", `password ....... : S1`, `password ....... : ***`},
		{"tabs around", `password→|:→|S1`, `password→|:→|***`},
		{"no-break blanks", "password\u00a0=\u00a0S1", "password\u00a0=\u00a0***"},
		{"full-width blanks", "密码　：　S1　x", "密码　：　***　x"},
		{"zero-width blank", "password\u200b: S1", "password\u200b: ***"},
		{"option and value", `mysqldump --user=root --password S1 db`, `mysqldump --user=root --password *** db`},
		{"option, one dash", `java -password S1 -x`, `java -password *** -x`},
		{"option, quoted value", `cmd --password "S1 S2" x`, `cmd --password *** x`},
		{"option, prefixed", `cmd --db-password S1 x`, `cmd --db-password *** x`},
		{"option without a value", `mysql --password --host db`, `mysql --password --host db`},
		{"system property", `-Dpassword=S1 -Dtoken=S2`, `-Dpassword=*** -Dtoken=***`},
		{"arguments as JSON", `["--password","S1","-v"]`, `["--password",***,"-v"]`},
		{"Windows option", `tool /password:S1`, `tool /password:***`},
		{"second string", `"password" "S1"`, `"password" ***`},
		{"second string behind a comma", `put("password", "S1")`, `put("password", ***)`},
		{"second string in apostrophes", `setProperty('password','S1');`, `setProperty('password',***);`},
		{"second string that is a key", `{"type":"password","name":"x",}`, `{"type":"password","name":"x",}`},
		{"bindings of Rails", `[["password", "S1"], ["id", 1]]`, `[["password", ***], ["id", 1]]`},
		{"serialized by PHP", `a:2:{s:8:"password";s:2:"S1";s:1:"a";i:1;}`, `a:2:{s:8:"password";s:2:***;s:1:"a";i:1;}`},
		{"number serialized by PHP", `s:8:"password";i:12345;s:1:"a"`, `s:8:"password";i:***;s:1:"a"`},
		{"SQL's PASSWORD", `CREATE USER x WITH PASSWORD 'S1 S2' LOGIN`, `CREATE USER x WITH PASSWORD *** LOGIN`},
		{"bars", `password|S1 S2|x`, `password|***|x`},
		{"table of Markdown", `| password | S1 S2 | x |`, `| password | *** | x |`},
		{"psql, expanded", `password | S1⏎name     | x`, `password | ***⏎name     | x`},
		same("a bar in a sentence", `give user or password | see below`),
		{"box", `│ password │ S1 │`, `│ password │ *** │`},
		// What stands between.
		{"brackets", `password[]=S1&x=1`, `password[]=***&x=1`},
		{"number in brackets", `password[0]=S1`, `password[0]=***`},
		{"name in brackets", `user[password]=S1&x=1`, `user[password]=***&x=1`},
		{"quoted name in brackets", `$_POST["password"] = "S1";`, `$_POST["password"] = ***;`},
		{"remark in brackets", `password (old): S1`, `password (old): ***`},
		{"name below", `password.old=S1 b=2`, `password.old=*** b=2`},
		{"template's braces", `{{password}}: S1`, `{{password}}: ***`},
		{"bold", `**password**: S1`, `**password**: ***`},
		{"bold with the colon", `**password:** S1 x`, `**password:** *** x`},
		{"bold without a separator", `**password** S1`, `**password** ***`},
		{"code", "`password`: `S1 S2` x", "`password`: *** x"},
		{"star", `password*: S1`, `password*: ***`},
		{"bold tag", `<b>password</b>: S1</p>`, `<b>password</b>: ***</p>`},
		{"tag behind the colon", `<b>password:</b> <i>S1</i>`, `<b>password:</b> <i>***</i>`},
		{"table of HTML", `<tr><td>password</td><td>S1 S2</td></tr>`, `<tr><td>password</td><td>***</td></tr>`},
		{"Hadoop", `<name>password</name><value>S1</value>`, `<name>password</name><value>***</value>`},
		{"colours", `␛[36mpassword␛[0m=S1 ␛[36muser␛[0m=ann`, `␛[36mpassword␛[0m=*** ␛[36muser␛[0m=ann`},
		{"colour behind the sign", `␛[36mpassword=␛[0mS1 ␛[36muser=␛[0mann`, `␛[36mpassword=␛[0m*** ␛[36muser=␛[0mann`},
		{"coloured quotes", `␛[32m'password'␛[39m: ␛[32m'S1'␛[39m`, `␛[32m'password'␛[39m: ␛[32m***␛[39m`},
		{"colours as \\u001b", `\u001b[36mpassword\u001b[0m=S1`, `\u001b[36mpassword\u001b[0m=***`},
		{"colours as \\x1b", `\x1b[36mpassword\x1b[0m=S1`, `\x1b[36mpassword\x1b[0m=***`},
		{"colours as \\033", `\033[36mpassword\033[0m=S1`, `\033[36mpassword\033[0m=***`},
		{"colours as \\e", `\e[36mpassword\e[0m=S1`, `\e[36mpassword\e[0m=***`},
		{"colours of syslog", `#033[36mpassword#033[0m=S1`, `#033[36mpassword#033[0m=***`},
		{"colours as cat shows them", `^[[36mpassword^[[0m=S1`, `^[[36mpassword^[[0m=***`},
		{"colours without their first byte", `[36mpassword[0m=S1 [0m`, `[36mpassword[0m=*** [0m`},
		// Ends of values.
		{"list in brackets", `User(name=wang, password=S1, age=3)`, `User(name=wang, password=***, age=3)`},
		{"last in braces", `{name=wang, password=S1}`, `{name=wang, password=***}`},
		{"commas in the value", `password:S1,S2;x=1`, `password:***;x=1`},
		{"query", `/?a=1&password=S1&b=2 HTTP/1.1`, `/?a=1&password=***&b=2 HTTP/1.1`},
		{"query, encoded separators inside", `/?password=S1%26S2%3DS3&b=2`, `/?password=***&b=2`},
		{"query, encoded quote inside", `/?password=S1%22,S2%0AS3&b=2`, `/?password=***&b=2`},
		{"HTML's ampersand", `?password=S1&amp;b=2`, `?password=***&amp;b=2`},
		{"doubled apostrophe", `SET password = 'S1''S2', x=1`, `SET password = ***, x=1`},
		{"apostrophe inside", `password='it's S1' x=1`, `password=*** x=1`},
		{"national string", `password=N'S1 S2' x`, `password=*** x`},
		{"raw string", `password=r"S1 S2" x`, `password=*** x`},
		{"character set", `password=_utf8mb4'S1 S2' x`, `password=*** x`},
		{"function", `password=md5("S1 S2") AND x`, `password=*** AND x`},
		{"constructor", `password: new Secret('S1 S2'), b`, `password: ***, b`},
		{"joined strings", `password = "S1 " + "S2"; x`, `password = ***; x`},
		{"typographic quotes", `password: “S1 S2” x`, `password: *** x`},
		{"German quotes", `password: „S1 S2“ x`, `password: *** x`},
		{"guillemets", `password: «S1 S2» x`, `password: *** x`},
		{"Chinese quotes", `密码：「S1 S2」。`, `密码：***。`},
		{"Chinese comma", `密码：S1，用户：wang`, `密码：***，用户：wang`},
		{"structure", `password={"a":["S1","S2}"]} x`, `password=*** x`},
		{"structure over lines", `"password": {⏎ "a": "S1"⏎}, "b": 2`, `"password": ***, "b": 2`},
		{"quotes over lines", `password="S1⏎S2" b=2`, `password=*** b=2`},
		{"quotes that never close", `password="S1 S2⏎next line "quoted" x`, `password=***⏎next line "quoted" x`},
		{"a brace that never closes", `Unexpected token: {⏎    at f (a.js:1:2)⏎    at g (b.js:3:4)`, `Unexpected token: ***⏎    at f (a.js:1:2)⏎    at g (b.js:3:4)`},
		{"a bracket that never closes", `Unexpected token: [⏎    at f (a.js:1:2)`, `Unexpected token: ***⏎    at f (a.js:1:2)`},
		{"a quote that never closes", `Unexpected token: "⏎    at f (a.js:1:2)`, `Unexpected token: ***⏎    at f (a.js:1:2)`},
		{"a brace in a line that is written out", `Unexpected token: {\n    at f (a.js:1:2)`, `Unexpected token: ***\n    at f (a.js:1:2)`},
		{"value in the next line", `password:⏎  S1⏎user: x`, `password:⏎  ***⏎user: x`},
		{"no value, the next line is another's", `password:⏎user: x`, `password:⏎user: x`},
		{"no value in a file of properties", `password=⏎user=x`, `password=⏎user=x`},
		{"YAML block", `a: 1⏎password: |⏎  S1⏎  S2⏎b: 2`, `a: 1⏎password: ***⏎b: 2`},
		{"YAML block, folded", `- password: >-⏎    S1⏎⏎    S2⏎  b: 2`, `- password: ***⏎  b: 2`},
		same("YAML block whose lines are other records", `password: >-`),
		{"whole PEM key", `private_key: -----BEGIN RSA PRIVATE KEY-----⏎S1⏎S2+/=⏎-----END RSA PRIVATE KEY-----⏎next`, `private_key: ***⏎next`},
		{"quoted PEM key", `private_key="-----BEGIN PRIVATE KEY-----⏎S1⏎-----END PRIVATE KEY-----⏎" next`, `private_key=*** next`},
		{"PEM key with \\n", `private_key=-----BEGIN PRIVATE KEY-----\nS1\nS2\n-----END PRIVATE KEY-----\nnext`, `private_key=***\nnext`},
		{"PEM key that is cut off", `private_key: -----BEGIN PRIVATE KEY-----⏎S1⏎S2`, `private_key: ***`},
		// Tags and elements.
		{"tag", `<user><password>S1</password></user>`, `<user><password>***</password></user>`},
		{"tag with attributes", `<password type="text">S1</password>`, `<password type="text">***</password>`},
		{"tag with a name space", `<wsse:Password Type="x#y">S1</wsse:Password>`, `<wsse:Password Type="x#y">***</wsse:Password>`},
		{"tag around tags", `<password><old>S1</old><new>S2</new></password>`, `<password>***</password>`},
		{"tag with CDATA", `<password><![CDATA[S1<S2]]></password>x`, `<password>***</password>x`},
		{"empty tag", `<password></password><a>1</a>`, `<password></password><a>1</a>`},
		{"tag that ends itself", `<password/><a>1</a>`, `<password/><a>1</a>`},
		{"tag with its value inside", `<password value="S1"/>`, `<password value=***/>`},
		{"tag as entities", `&lt;password&gt;S1&lt;/password&gt;`, `&lt;password&gt;***&lt;/password&gt;`},
		{"tag cut off", `<password>S1`, `<password>***`},
		{"element with key and value", `<add key="password" value="S1"/>`, `<add key="password" value=***/>`},
		{"element with name, type and value", `<input name="password" type="hidden" value="S1">`, `<input name="password" type="hidden" value=***>`},
		{"field of a form that hides what is typed", `<input type="password" name="q" value="S1">`, `<input type="password" name="q" value=***>`},
		{"element with a name", `<property name="password">S1</property>`, `<property name="password">***</property>`},
		{"object with key and value", `[{"key":"password","value":"S1"},{"key":"a","value":"b"}]x`, `[{"key":"password","value":***},{"key":"a","value":"b"}]x`},
		{"variable of a container", `- name: password⏎  value: S1⏎- name: a⏎  value: b`, `- name: password⏎  value: ***⏎- name: a⏎  value: b`},
		{"part of a form", `Content-Disposition: form-data; name="password"↵↵S1↵--boundary↵x`, `Content-Disposition: form-data; name="password"↵↵***↵--boundary↵x`},
		{"part of a form, escaped", `name=\x22password\x22\x0D\x0A\x0D\x0AS1\x0D\x0A--b`, `name=\x22password\x22\x0D\x0A\x0D\x0A***\x0D\x0A--b`},
		// Writers in writers.
		{"nginx", `{\x22password\x22:\x22S1 S2\x22,\x22n\x22:1}`, `{\x22password\x22:***,\x22n\x22:1}`},
		{"nginx, quote inside", `{\x22password\x22:\x22S1\x5C\x22S2\x22,\x22n\x22:1}`, `{\x22password\x22:***,\x22n\x22:1}`},
		{"nginx in JSON", `{\\x22password\\x22:\\x22S1 S2\\x22,\\x22n\\x22:1}`, `{\\x22password\\x22:***,\\x22n\\x22:1}`},
		{"octal", `{\042password\042:\042S1 S2\042,\042n\042:1}`, `{\042password\042:***,\042n\042:1}`},
		{"percent", `%7B%22password%22%3A%22S1%20S2%22%2C%22n%22%3A1%7D`, `%7B%22password%22%3A***%2C%22n%22%3A1%7D`},
		{"percent twice", `password%253DS1%2526b%253D2`, `password%253D***%2526b%253D2`},
		{"entities", `{&quot;password&quot;:&quot;S1 S2&quot;,&quot;n&quot;:1}`, `{&quot;password&quot;:***,&quot;n&quot;:1}`},
		{"numbered entities", `{&#34;password&#34;:&#x22;S1 S2&#x22;,&#34;n&#34;:1}`, `{&#34;password&#34;:***,&#34;n&#34;:1}`},
		{"entities twice", `{&amp;quot;password&amp;quot;:&amp;quot;S1 S2&amp;quot;,n}`, `{&amp;quot;password&amp;quot;:***,n}`},
		{"three layers", `{\\\"password\\\":\\\"S1 \\\\\\\"S2\\\",\\\"n\\\":1}`, `{\\\"password\\\":***,\\\"n\\\":1}`},
		{"letters in hexadecimal", `\x70assword=S1 b`, `\x70assword=*** b`},
		{"letters as entities", `&#112;assword=S1 b`, `&#112;assword=*** b`},
		{"letters in percent", `%70assword=S1 b`, `%70assword=*** b`},
		{"Chinese in percent", `%E5%AF%86%E7%A0%81=S1&b=2`, `%E5%AF%86%E7%A0%81=***&b=2`},
		{"Chinese of syslog", `#345#257#206#347#240#201=S1 b=2`, `#345#257#206#347#240#201=*** b=2`},
		{"underscore of Markdown", `id\_card: S1`, `id\_card: ***`},
		{"line breaks of syslog", `x#012password=S1#012b=2`, `x#012password=***#012b=2`},
		{"a path that looks like an escape", `C:\token=S1`, `C:\token=***`},
		{"a path in the value", `password=C:\new\S1 x`, `password=*** x`},
		// One value never swallows the next name.
		{"header behind header, written out", `X-Token: S1\r\nAuthorization: Bearer S2\r\nHost: x`, `X-Token: ***\r\nAuthorization: ***\r\nHost: x`},
		{"name behind \\n", `token=S1\npassword: S2`, `token=***\npassword: ***`},
		{"name behind a tag", `token: S1<br>password: S2`, `token: ***<br>password: ***`},
		{"name behind a Chinese comma", `token=S1，password: S2`, `token=***，password: ***`},
		{"name behind a slash", `/token=S1/password=S2/x`, `/token=***/password=***`},
		{"name in quotes that never close", `password="S1 token="S2" x`, `password=*** x`},
		{"name behind a structure that never closes", `token={S1⏎password=S2`, `token=***⏎password=***`},
		// Credentials and cookies go with their line.
		{"TC3", `Authorization: TC3-HMAC-SHA256 Credential=S1/x, SignedHeaders=a;b, Signature=S2⏎Host: x`, `Authorization: ***⏎Host: x`},
		{"signature of COS", `Authorization: q-sign-algorithm=sha1&q-ak=S1&q-signature=S2⏎x`, `Authorization: ***⏎x`},
		{"any other scheme", `authorization=Frob a="S1", b=S2; c S3⏎x`, `authorization=***⏎x`},
		{"quoted header", `curl -H "Authorization: Bearer S1" -H 'Cookie: a=S2; b=S3' http://x`, `curl -H "Authorization: ***" -H 'Cookie: ***' http://x`},
		{"cookies", `Set-Cookie: sid=S1; Path=/; HttpOnly⏎x`, `Set-Cookie: ***⏎x`},
		{"scheme behind another name", `token: Bearer S1 S2⏎x`, `token: ***⏎x`},
		{"headers of Go", `map[Authorization:[Bearer S1] Host:[x]]`, `map[Authorization:***`},
		// What is no secret stays.
		same("other names", `passwd=x userPassword=x password2=x my_password=x tokens=3 tokenizer=bpe`),
		same("a sentence", `the password is wrong, the token has expired`),
		same("a token without a separator", `Unexpected token < in JSON at position 0`),
		same("a table's columns", `INSERT INTO user(name,password) VALUES('wang','x')`),
		same("a name as a value", `{"kind":"password","n":1,}`),
		same("stars", `password=*** token: *** "password":***`),
		same("nothing", `password= token: &password=&x=1`),
	}
	for i := range cases {
		cases[i].text, cases[i].want = esc(cases[i].text), esc(cases[i].want)
	}
	return cases
}

func TestShapes(t *testing.T) {
	words := []string{"**.password", "**.token", "**.Authorization", "**.Set-Cookie", "**.cookie", "**.private_key", "**.id_card", "**.密码"}
	r, err := newRules(words)
	require.NoError(t, err)
	w := newWorker(t, Options{Ignore: words})
	cases := shapes()
	require.GreaterOrEqual(t, len(cases), 120)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			assert.Equal(t, c.want, maskedText(r, c.text))
			assert.Equal(t, c.want, maskedText(r, c.want), "again")
			// As a text of its own in every string of a document.
			for range 2 {
				source := string(w.Do(newRecord(`{"a":[{"log":` + string(refQuote(c.text)) + `}]}`)).AppendSource(nil))
				assert.Equal(t, `{"a":[{"log":`+string(refQuote(c.want))+`}]}`, source)
				source = string(w.Do(newRecord(`{"message":` + string(refQuote(" "+c.text)) + `}`)).AppendSource(nil))
				assert.Equal(t, `{"message":`+string(refQuote(" "+c.want))+`}`, source)
			}
		})
	}
}
