package event_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

// The decoder expects every element to be written like the first. What it makes
// of an element must not depend on what that one was like.
func TestDecodeElementsOfUnlikeShape(t *testing.T) {
	elements := map[string]string{
		"as the platform writes them": `{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"k","msgBody":"b"}}`,
		"other values":                `{"Ckafka":{"topic":"u","partition":12,"offset":4,"msgKey":"None","msgBody":"a longer \"one\""}}`,
		"spaces":                      `{ "Ckafka" : { "topic" : "t" , "partition" : 1 , "offset" : 36 , "msgKey" : "k" , "msgBody" : "b" } }`,
		"more spaces before values":   `{"Ckafka":  {"topic":  "t","partition":  1,"offset":  36,"msgKey":  "k","msgBody":  "b"}}`,
		"lines":                       "{\n\"Ckafka\":\n{\n\"topic\":\n\"t\",\n\"offset\":\n7,\n\"msgBody\":\n\"b\"\n}\n}",
		"another order":               `{"Ckafka":{"msgBody":"b","msgKey":"k","offset":36,"partition":1,"topic":"t"}}`,
		"a member less":               `{"Ckafka":{"topic":"t","partition":1,"msgKey":"k","msgBody":"b"}}`,
		"members more":                `{"v":[1,{"x":"}"}],"Ckafka":{"id":"x","topic":"t","partition":1,"n":null,"offset":36,"msgKey":"k","msgBody":"b","z":0},"w":1}`,
		"names that begin alike":      `{"Ckafka":{"topics":"t","partitions":1,"offset2":36,"msgKeys":"k","msgBody":"b"}}`,
		"escaped names":               `{"Ck\u0061fka":{"top\u0069c":"t","partition":1,"offset":36,"msgKey":"k","msg\u0042ody":"b"}}`,
		"values of other types":       `{"Ckafka":{"topic":1,"partition":"1","offset":"36","msgKey":{"a":1},"msgBody":["b"]}}`,
		"no body":                     `{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"k"}}`,
		"Ckafka twice":                `{"Ckafka":{"topic":"t","msgBody":"a"},"Ckafka":{"topic":"u","msgBody":"b"}}`,
		"Ckafka no object":            `{"Ckafka":"topic"}`,
		"empty Ckafka":                `{"Ckafka":{}}`,
		"empty":                       `{}`,
		"no object":                   `"{\"Ckafka\":{}}"`,
		"many members": `{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1,"j":1,"k":1,"l":1,"m":1,"n":1,"o":1,"p":1,"q":1,` +
			`"Ckafka":{"topic":"t","msgBody":"b"}}`,
	}
	alone := make(map[string]record.Record, len(elements))
	for name, element := range elements {
		recs, err := decode(`{"Records":[` + element + `]}`)
		require.NoError(t, err)
		require.Len(t, recs, 1)
		alone[name] = recs[0]
	}
	require.Equal(t, "b", string(alone["as the platform writes them"].Body))
	for first, a := range elements {
		for then, b := range elements {
			recs, err := decode(`{"Records":[` + a + "," + b + "," + b + `]}`)
			require.NoError(t, err)
			require.Len(t, recs, 3)
			for pos, rec := range recs {
				want := alone[then]
				if pos == 0 {
					want = alone[first]
				}
				want.Pos, want.Batch = rec.Pos, rec.Batch
				assert.Equal(t, pos, rec.Pos)
				assert.Equal(t, want, rec, "%s, then %s, element %d", first, then, pos)
			}
		}
	}
}
