package transform

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

// steps runs a step on a record and returns the document.
func steps(t *testing.T, opts Options, body string, step ...Step) (source string, doc *Document) {
	t.Helper()
	opts.IndexPrefix, opts.Steps = "app", step
	doc = newWorker(t, opts).Do(newRecord(body))
	source = string(doc.AppendSource(nil))
	strict(t, []byte(source))
	return source, doc
}

func TestObjectGet(t *testing.T) {
	const body = `{"a":1,"b":{"c":"x","d.e":[1],"f":{"g":null}},"h.i":{"j":true},"b.k":2,"":{"":3},"\u006d\"":{"\u006e":4},"o":[{"p":5}],"b.f":{"q":6},"r":[{"p":5},{"p":6}]}`
	for path, want := range map[string]string{
		"a": "1", "b.c": `"x"`, "b.d.e": "[1]", "b.f.g": "null", "b.f": `{"g":null}`, "h.i": `{"j":true}`, "h.i.j": "true",
		"b.k": "2", "": `{"":3}`, ".": "3", `m"`: `{"\u006e":4}`, `m".n`: "4", "o": `[{"p":5}]`, "b.f.q": "6", "o.p": "5",
		"x": "", "a.b": "", "b.x": "", "b.c.x": "", "b.d": "", "h": "", "h.i.j.k": "", "r.p": "", "b.": "", ".b": "", "b..c": "", "A": "",
	} {
		t.Run(path, func(t *testing.T) {
			steps(t, Options{}, body, func(o *Object) bool {
				got := o.Get(path)
				assert.Equal(t, want, string(got))
				assert.Equal(t, want == "", got == nil)
				return true
			})
		})
	}
}

func TestObjectSetAndDelete(t *testing.T) {
	for _, c := range []struct {
		name, body, want string
		step             func(*testing.T, *Object)
	}{
		{"set a new one", `{"a":1}`, `{"a":1,"b":2}`, func(_ *testing.T, o *Object) { o.Set("b", []byte("2")) }},
		{"set in place", `{"a":1,"b":2}`, `{"a":[3],"b":2}`, func(_ *testing.T, o *Object) { o.Set("a", []byte("[3]")) }},
		{"set an escaped name in place", `{"\u0061":1,"b":2}`, `{"\u0061":3,"b":2}`, func(_ *testing.T, o *Object) { o.Set("a", []byte("3")) }},
		{"set a name to be escaped", `{}`, `{"a\"\\\n中":1}`, func(_ *testing.T, o *Object) { o.Set("a\"\\\n中", []byte("1")) }},
		{"set the empty name", `{}`, `{"":1}`, func(_ *testing.T, o *Object) { o.Set("", []byte("1")) }},
		{"set a name with a dot", `{"a":{"b":1}}`, `{"a":{"b":1},"a.b":2}`, func(_ *testing.T, o *Object) { o.Set("a.b", []byte("2")) }},
		{"set twice", `{}`, `{"a":2}`, func(_ *testing.T, o *Object) { o.Set("a", []byte("1")); o.Set("a", []byte("2")) }},
		{"set after delete", `{"a":1,"b":2}`, `{"b":2,"a":3}`, func(_ *testing.T, o *Object) { o.Delete("a"); o.Set("a", []byte("3")) }},
		{"set between neighbours", `{"a":1,"b":2,"c":3}`, `{"a":1,"b":true,"c":3}`, func(_ *testing.T, o *Object) { o.Set("b", []byte("true")) }},
		{"set over white space", "{\"a\" : 1 ,\n\"b\":2}", `{"a":3,"b":2}`, func(_ *testing.T, o *Object) { o.Set("a", []byte("3")) }},
		{"delete", `{"a":1,"b":2,"c":3}`, `{"a":1,"c":3}`, func(t *testing.T, o *Object) { assert.True(t, o.Delete("b")) }},
		{"delete all", `{"a":1,"b":2}`, `{}`, func(t *testing.T, o *Object) { assert.True(t, o.Delete("a")); assert.True(t, o.Delete("b")) }},
		{"delete what is not there", `{"a":{ "b" : 1 }}`, "", func(t *testing.T, o *Object) {
			assert.False(t, o.Delete("b"))
			assert.False(t, o.Delete("a.c"))
			assert.False(t, o.Delete("**.c"))
			assert.False(t, o.Delete("a.b.c"))
		}},
		{"delete twice", `{"a":1}`, `{}`, func(t *testing.T, o *Object) { assert.True(t, o.Delete("a")); assert.False(t, o.Delete("a")) }},
		{"delete nested", `{"a":{"b":1,"c":2}}`, `{"a":{"c":2}}`, func(t *testing.T, o *Object) { assert.True(t, o.Delete("a.b")) }},
		{"delete dotted", `{"a.b":1,"c":2}`, `{"c":2}`, func(t *testing.T, o *Object) { assert.True(t, o.Delete("a.b")) }},
		{"delete at any depth", `{"a":1,"x":{"a":2,"y":[{"a":3,"b":4}]}}`, `{"x":{"y":[{"b":4}]}}`, func(t *testing.T, o *Object) { assert.True(t, o.Delete("**.a")) }},
		{"delete escaped", `{"x":{"\u0061":2}}`, `{"x":{}}`, func(t *testing.T, o *Object) { assert.True(t, o.Delete("x.a")) }},
		{"delete what was set", `{}`, `{}`, func(t *testing.T, o *Object) { o.Set("a", []byte("1")); assert.True(t, o.Delete("a")) }},
		{"delete inside of what was set", `{}`, `{"a":{"c":2}}`, func(t *testing.T, o *Object) { o.Set("a", []byte(`{"b":1,"c":2}`)); assert.True(t, o.Delete("a.b")) }},
		{"delete by what is no path", `{"a":1}`, `{"a":1}`, func(t *testing.T, o *Object) {
			assert.False(t, o.Delete(""))
			assert.False(t, o.Delete("a."))
			assert.False(t, o.Delete("**"))
		}},
		{"message's members", `{"a":1,"message":"{\"b\":2,\"c\":3,\"d\":4}"}`, `{"a":1,"b":2,"d":4}`, func(t *testing.T, o *Object) { assert.True(t, o.Delete("c")) }},
		{"message is gone", `{"message":"{\"b\":2}"}`, `{"b":2,"message":"x"}`, func(t *testing.T, o *Object) {
			assert.Nil(t, o.Get("message"))
			o.Set("message", []byte(`"x"`))
		}},
		{"text", `plain`, `{"msg_body":"plain","a":1}`, func(t *testing.T, o *Object) {
			assert.Equal(t, `"plain"`, string(o.Get("msg_body")))
			o.Set("a", []byte("1"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			source, _ := steps(t, Options{}, c.body, func(o *Object) bool { c.step(t, o); return true })
			if c.want == "" {
				c.want = `{"a":{"b":1}}`
				source = compact(t, []byte(source))
			}
			assert.Equal(t, c.want, source)
		})
	}
}

func TestObjectAllAndLen(t *testing.T) {
	list := func(o *Object) (all []string) {
		for name, value := range o.All() {
			all = append(all, string(name)+"="+string(value))
		}
		return all
	}
	steps(t, Options{Ignore: []string{"gone"}}, `{"a":1,"gone":0,"\u0062":[2],"a":3,"message":"{\"c\":4}"}`, func(o *Object) bool {
		assert.Equal(t, []string{"a=3", "b=[2]", "c=4"}, list(o))
		assert.Equal(t, 3, o.Len())
		o.Delete("b")
		o.Set("d", []byte("5"))
		assert.Equal(t, []string{"a=3", "c=4", "d=5"}, list(o))
		assert.Equal(t, 3, o.Len())
		for name := range o.All() {
			assert.Equal(t, "a", string(name))
			break
		}
		return true
	})
}

func TestSteps(t *testing.T) {
	t.Run("in order, after ignoring and before the stamp", func(t *testing.T) {
		var seen []string
		source, doc := steps(t, Options{TimeField: "time", IDField: "id", Ignore: []string{"secret"}}, `{"secret":1,"a":2}`,
			func(o *Object) bool {
				assert.Nil(t, o.Get("secret"))
				assert.Nil(t, o.Get("time"))
				seen = append(seen, "first")
				o.Set("id", []byte(`"x"`))
				return true
			},
			func(o *Object) bool {
				seen = append(seen, "second")
				assert.Equal(t, `"x"`, string(o.Get("id")))
				o.Set("time", []byte(`"mine"`))
				return true
			})
		assert.Equal(t, []string{"first", "second"}, seen)
		assert.Equal(t, `{"a":2,"id":"x","time":"mine"}`, source)
		assert.Equal(t, "x", string(doc.ID))
	})
	t.Run("filtered", func(t *testing.T) {
		opts := Options{IndexPrefix: "app", Steps: []Step{
			func(o *Object) bool { return string(o.Get("level")) != `"debug"` },
			func(o *Object) bool { assert.NotEqual(t, `"debug"`, string(o.Get("level"))); return true },
		}}
		w := newWorker(t, opts)
		var filtered []bool
		for _, body := range []string{`{"level":"info"}`, `{"level":"debug"}`, `{"level":"warn"}`, `text`} {
			filtered = append(filtered, w.Do(newRecord(body)).Filtered)
		}
		assert.Equal(t, []bool{false, true, false, false}, filtered)
	})
}

func TestStamp(t *testing.T) {
	const stamp = `"2026-11-20T04:00:00.345Z"`
	for _, c := range []struct {
		name, body, want string
		opts             Options
	}{
		{"missing", `{"a":1}`, `{"a":1,"time":` + stamp + `}`, Options{TimeField: "time"}},
		{"there", `{"time":"x","a":1}`, `{"time":"x","a":1}`, Options{TimeField: "time"}},
		{"there, null", `{"time":null}`, `{"time":` + stamp + `}`, Options{TimeField: "time"}},
		{"there, empty", `{"time":"","a":1}`, `{"time":` + stamp + `,"a":1}`, Options{TimeField: "time"}},
		{"there, zero", `{"time":0}`, `{"time":0}`, Options{TimeField: "time"}},
		{"event time", `{"at":1795140672}`, `{"at":1795140672,"time":"2026-11-20T02:11:12.000Z"}`, Options{TimeField: "time", TimeFields: []string{"at"}, WindowBack: time.Hour * 9}},
		{"event time outside", `{"at":1795140672}`, `{"at":1795140672,"time":` + stamp + `}`, Options{TimeField: "time", TimeFields: []string{"at"}}},
		{"event time, overwrite", `{"at":1795140672}`, `{"at":1795140672,"time":` + stamp + `}`, Options{TimeField: "time", TimeFields: []string{"at"}, WindowBack: time.Hour * 9, TimeOverwrite: true}},
		{"there, escaped", `{"t\u0069me":"x"}`, `{"t\u0069me":"x"}`, Options{TimeField: "time"}},
		{"there, nested only", `{"a":{"time":1}}`, `{"a":{"time":1},"time":` + stamp + `}`, Options{TimeField: "time"}},
		{"other case", `{"Time":1}`, `{"Time":1,"time":` + stamp + `}`, Options{TimeField: "time"}},
		{"in message", `{"message":"{\"time\":1}"}`, `{"time":1}`, Options{TimeField: "time"}},
		{"ignored, so missing", `{"time":1,"a":2}`, `{"a":2,"time":` + stamp + `}`, Options{TimeField: "time", Ignore: []string{"time"}}},
		{"overwrite, in place", `{"time":"x","a":1}`, `{"time":` + stamp + `,"a":1}`, Options{TimeField: "time", TimeOverwrite: true}},
		{"overwrite between", `{"b":0,"time":"x","a":1}`, `{"b":0,"time":` + stamp + `,"a":1}`, Options{TimeField: "time", TimeOverwrite: true}},
		{"overwrite, missing", `{"a":1}`, `{"a":1,"time":` + stamp + `}`, Options{TimeField: "time", TimeOverwrite: true}},
		{"overwrite, escaped", `{"t\u0069me":"x"}`, `{"t\u0069me":` + stamp + `}`, Options{TimeField: "time", TimeOverwrite: true}},
		{"none", `{"a":1}`, `{"a":1}`, Options{}},
		{"empty object", `{}`, `{"time":` + stamp + `}`, Options{TimeField: "time"}},
		{"text", `text`, `{"msg_body":"text","time":` + stamp + `}`, Options{TimeField: "time"}},
		{"name to be escaped", `{}`, `{"a\"中":` + stamp + `}`, Options{TimeField: `a"中`}},
		{"zone", `{}`, `{"time":"2026-11-20T12:00:00.345+08:00"}`, Options{TimeField: "time", Zone: mustZone(t, "Asia/Shanghai")}},
		{"zone of half hours", `{}`, `{"time":"2026-11-20T00:30:00.345-03:30"}`, Options{TimeField: "time", Zone: mustZone(t, "America/St_Johns")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.opts.IndexPrefix = "app"
			source, _ := document(t, c.opts, c.body)
			assert.Equal(t, c.want, source)
		})
	}
}

// Two batches, one worker: each record has its own batch's stamp and index.
func TestStampsOfSeveralBatches(t *testing.T) {
	opts := Options{IndexPrefix: "app", TimeField: "time", Period: Hour}
	w := newWorker(t, opts)
	later := newRecord(`{}`)
	later.Batch = &record.Batch{Arrival: arrival.Add(25 * 3600e9)}
	for range 3 {
		agree(t, w, opts, newRecord(`{}`))
		agree(t, w, opts, later)
	}
}

func TestExplain(t *testing.T) {
	type removals = []Removal
	const by = "ignored by "
	for _, c := range []struct {
		name, body string
		opts       Options
		want       removals
	}{
		{"nothing", `{"a":1,"b":{"c":1}}`, Options{Ignore: []string{"x", "**.y"}}, nil},
		{"top level", `{"a":1,"b":2}`, Options{Ignore: []string{"a"}}, removals{{"a", by + "a"}}},
		{"each place", `{"a":1,"b":{"a":1,"c":[{"a":2}]}}`, Options{Ignore: []string{"**.a"}}, removals{
			{"a", by + "**.a"}, {"b", "a field inside is ignored by **.a"}, {"b", "a field inside is ignored by **.a"},
		}},
		{"path", `{"b":{"a":1}}`, Options{Ignore: []string{"b.a"}}, removals{{"b", "a field inside is ignored by b.a"}}},
		{"duplicates", `{"a":1,"a":2,"\u0061":3}`, Options{}, removals{
			{"a", "a later value of the same name won"}, {"a", "a later value of the same name won"},
		}},
		{"message", `{"a":1,"message":"{\"a\":2}"}`, Options{}, removals{
			{"message", "merged over the record"}, {"a", "a later value of the same name won"},
		}},
		{"stamp", `{"time":1}`, Options{TimeField: "time", TimeOverwrite: true}, removals{{"time", "overwritten with the arrival time"}}},
		{"stamp of what is missing", `{}`, Options{TimeField: "time", TimeOverwrite: true}, nil},
		// A value of three bytes was once masked and not told.
		{"masked", `password=abc`, Options{Ignore: []string{"password"}}, removals{{"msg_body", "masked in its text, by password"}}},
		{"text without a word", `user=abc`, Options{Ignore: []string{"password"}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorker(t, c.opts)
			rec := newRecord(c.body)
			require.Empty(t, w.Do(rec).Removed, "not asked for")
			w.Explain = true
			for range 2 {
				got := w.Do(rec).Removed
				assert.Equal(t, c.want, append(removals(nil), got...))
			}
			assert.Empty(t, w.Do(newRecord(`{"k":1}`)).Removed)
		})
	}
}

// largeBodies make all buffers of a worker grow to about n bytes.
func largeBodies(n int) []string {
	large := strings.Repeat("z", n)
	members := make([]string, n/50)
	for i := range members {
		members[i] = fmt.Sprintf(`"%s%d":{"x":1}`, strings.Repeat("k", i%50), i)
	}
	return []string{
		`{"a":"` + large + `"}`, encoded(`{"a":"`+large+`"}`, 1), encoded(`{"a":"`+large+`"}`, 2), `{"message":` + encoded(`{"a":"`+large+`"}`, 1) + `}`,
		large, large + "\xff", "x=1 " + large, `{"a":{"b":"` + large + `","x":1}}`, `{"\u0061` + large + `":1}`, `{"id":"` + large + `"}`, `{"id":"\u0061` + large + `"}`,
		"{" + strings.Join(members, ",") + "}",
	}
}

// Trim makes no difference to what comes after it.
func TestTrim(t *testing.T) {
	opts := Options{IndexPrefix: "app", Ignore: []string{"**.x", "y"}, TimeField: "time", IDField: "id"}
	w := newWorker(t, opts)
	for _, body := range largeBodies(2 * keepBytes) {
		w.Do(newRecord(body))
		w.Trim()
		agree(t, w, opts, newRecord(`{"a":{"x":1,"b":2},"\u0062":3,"message":"{\"a\":4}"}`))
		w.Trim()
		w.Trim()
	}
}

// An idle instance must not hold what one large record took, nor the record.
func TestTrimGivesBackSpace(t *testing.T) {
	opts := Options{IndexPrefix: "app", Ignore: []string{"**.x", "y"}, TimeField: "time", IDField: "id"}
	const size, most = 2 << 20, 1 << 20
	for i, body := range largeBodies(size) {
		idle := func(trim bool) int64 {
			w := newWorker(t, opts)
			before := heap()
			w.Do(newRecord(body))
			if trim {
				w.Trim()
			}
			held := heap() - before
			runtime.KeepAlive(w)
			return held
		}
		require.Greater(t, idle(false), int64(most), "body %d is large enough", i)
		require.Less(t, idle(true), int64(most), "bytes that an idle worker holds after body %d", i)
	}
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What a shipper knows of a record and what the application says have the same
// names and other kinds: "host" is an object here and a text there, and the
// document was refused.
func TestMessageMerge(t *testing.T) {
	const body = `{"host":{"name":"web-1"},"a":1,"message":"{\"host\":\"shop\",\"level\":\"info\",\"level\":\"warn\",\"message\":\"x\"}"}`
	for merge, want := range map[Merge]string{
		MergeOver:  `{"host":"shop","a":1,"level":"warn","message":"x"}`,
		MergeUnder: `{"host":{"name":"web-1"},"a":1,"level":"warn","message":"x"}`,
		MergeNone:  body,
	} {
		source, doc := document(t, Options{IndexPrefix: "app", Merge: merge}, body)
		assert.Equal(t, want, source)
		assert.Equal(t, merge != MergeNone, doc.Merged)
	}
}
