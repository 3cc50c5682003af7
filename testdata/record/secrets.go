package main

import (
	"fmt"
	"strings"
)

// secrets is an event whose every record hides an ignored password in another
// disguise. With ES_Log_IgnoreWord=password,**.password no output may hold
// "S3CRET"; every KEEP-nn stands before the secret and outside its value.
func secrets() []byte {
	wrap := func(s string, layers int) string {
		for range layers {
			s = quote(s)
		}
		return s
	}
	disguises := []string{
		// Members of a document.
		`{"keep":"K","password":"S"}`,
		`{"keep":"K","pass\u0077ord":"S"}`,
		`{"keep":"K","\u0070\u0061\u0073\u0073\u0077\u006F\u0072\u0064":"S"}`,
		`{"keep":"K","password":"S","n":1,"password":"S"}`,
		`{"keep":"K","password":1,"pass\u0077ord":"S"}`,
		`{"keep":"K","password":{"old":"S","new":["S"]}}`,
		`{"keep":"K","password":["S",{"x":"S"}]}`,
		`{"keep":"K","user":{"password":"S"}}`,
		`{"keep":"K","user":{"pass\u0077ord":"S"}}`,
		`{"keep":"K","user":{"password":1,"password":"S"}}`,
		`{"keep":"K","users":[{"name":"a","password":"S"},[{"password":"S"}]]}`,
		`{"keep":"K","a":` + strings.Repeat(`{"a":`, 200) + `{"password":"S"}` + strings.Repeat("}", 200) + `}`,
		"{\n  \"keep\" : \"K\" ,\n  \"password\"\t:\r\n  \"S\"\n}",
		`{"keep":"K","password":"S\ud800"}`,
		"{\"keep\":\"K\",\"password\":\"S\xff\"}",
		`{"keep":"K","password":"x\"S\\"}`,
		// Inside message.
		`{"keep":"K","message":"{\"password\":\"S\"}"}`,
		`{"keep":"K","message":"{\"pass\\u0077ord\":\"S\"}"}`,
		`{"keep":"K","message":"{\"user\":{\"password\":\"S\"}}"}`,
		`{"keep":"K","message":"{\"password\":1,\"password\":\"S\"}","password":"S"}`,
		`{"keep":"K","mess\u0061ge":"{\"password\":\"S\"}"}`,
		// Under layers of encoding: eight are unwrapped, the ninth is text.
		wrap(`{"keep":"K","password":"S"}`, 1),
		wrap(`{"keep":"K","pass\u0077ord":"S"}`, 3),
		wrap(`{"keep":"K","message":"{\"password\":\"S\"}"}`, 2),
		wrap(`{"keep":"K","password":"S"}`, 8),
		wrap(`{"keep":"K","password":"S"}`, 9),
		wrap(`K password=S`, 1),
		wrap(`K password=S`, 4),
		// Text that is no JSON object.
		`[{"keep":"K","password":"S"}]`,
		"\uFEFF" + `{"keep":"K","password":"S"}`,
		`{"keep":"K","password":"S","cut":`,
		`{"keep":"K","password":"S`,
		`{"keep":"K","pass\u0077ord":"S","cut":`,
		`{"keep":"K","password":"S","value":NaN}`,
		`{"keep":"K","password":"S"} trailing`,
		`{"keep":"K"}{"password":"S"}`,
		"{\"keep\":\"K\"}\n{\"user\":{\"password\":\"S\"}}",
		`{'keep':'K','password':'S'}`,
		`{keep:"K",password:"S"}`,
		`{"keep":"K","password":"say \"S\" twice S","cut":`,
		`{"keep":"K","password":["S","S"],"cut":`,
		`{"keep":"K","password":{"old":"S","new":"S"},"cut":`,
		"{\"keep\":\"K\",\"password\":\"line\nS\"}",
		`{\"keep\":\"K\",\"password\":\"S\"}`,
		`{\\\"keep\\\":\\\"K\\\",\\\"password\\\":\\\"S\\\"}`,
		`K password=S`,
		`K password="S S"`,
		`K password='S S'`,
		`K password = S next=1`,
		`K password: S`,
		`K password : "S S"`,
		"K password:\t\"S\"",
		"K password=\n  \"S\"",
		`K "password"="S"`,
		`K password=\"S\"`,
		`K password="say \"S\" twice S"`,
		`GET /login?user=K&password=S&next=/ HTTP/1.1`,
		`<user name="K" password="S"/>`,
		`K password=S password=S "password":"S"`,
		`K (password=S)`,
	}
	var elements []string
	for i, text := range disguises {
		text = strings.NewReplacer("S", fmt.Sprintf("S3CRET-%02d", i+1), "K", fmt.Sprintf("KEEP-%02d", i+1)).Replace(text)
		elements = append(elements, ckafka(i, quote(text)))
	}
	// Malformed records: their raw text is what a dead letter keeps.
	n := len(elements)
	for i, element := range []string{
		`{"Ckafka":{"topic":"cases","partition":1,"offset":%d,"keep":"KEEP-%02d","msgBody":{"password":"S3CRET-%02d"}}}`,
		`{"Ckafka":{"topic":"cases","partition":1,"offset":%d,"keep":"KEEP-%02d","password":"S3CRET-%02d"}}`,
		`{"Ckafka":{"topic":"cases","partition":1,"offset":%d,"keep":"KEEP-%02d","body":"{\"password\":\"S3CRET-%02d\"}"}}`,
	} {
		elements = append(elements, fmt.Sprintf(element, 36+n+i, n+i+1, n+i+1))
	}
	return records(elements...)
}
