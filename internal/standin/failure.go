package standin

import (
	"encoding/json"
	"fmt"
)

// An exception is an error in the server's words, as answers hold it.
type exception struct {
	Type     string     `json:"type"`
	Reason   string     `json:"reason"`
	CausedBy *exception `json:"caused_by,omitempty"`

	ResourceType string `json:"resource.type,omitempty"`
	ResourceID   string `json:"resource.id,omitempty"`
	IndexUUID    string `json:"index_uuid,omitempty"`
	Shard        string `json:"shard,omitempty"`
	Index        string `json:"index,omitempty"`
	Line         int    `json:"line,omitempty"`
	Col          int    `json:"col,omitempty"`

	Header map[string][]string `json:"header,omitempty"`
}

// A failure is a refused request or item.
type failure struct {
	status int
	exception

	// root is what root_cause names, if it is not the error itself.
	root *exception
}

func fail(status int, typ, format string, args ...any) *failure {
	return &failure{status: status, exception: exception{Type: typ, Reason: fmt.Sprintf(format, args...)}}
}

func illegalArgument(format string, args ...any) *failure {
	return fail(400, "illegal_argument_exception", format, args...)
}

// unsupported refuses what a real server can do and the stand-in cannot.
func unsupported(what string) *failure {
	return illegalArgument("the stand-in does not support %s", what)
}

func (f *failure) causedBy(c exception) *failure {
	f.CausedBy = &c
	return f
}

// body is the answer to a request that failed as a whole.
func (f *failure) body() []byte {
	type withRoots struct {
		RootCause []exception `json:"root_cause"`
		exception
	}
	root := f.exception
	root.CausedBy = nil
	if f.root != nil {
		root = *f.root
	}
	return encode(struct {
		Error  withRoots `json:"error"`
		Status int       `json:"status"`
	}{withRoots{[]exception{root}, f.exception}, f.status})
}

// textBody is the answer to a request that the server's dispatcher refused:
// the error is a string.
func textBody(status int, format string, args ...any) []byte {
	return encode(struct {
		Error  string `json:"error"`
		Status int    `json:"status,omitempty"`
	}{fmt.Sprintf(format, args...), status})
}

// encode is v as JSON. What the stand-in encodes has no member that can fail.
func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Appendf(nil, `{"error":%q,"status":500}`, err)
	}
	return b
}

func indexNotFound(v Version, index, resourceType string) *failure {
	f := fail(404, "index_not_found_exception", "no such index [%s]", index)
	if v == ES68 {
		f.Reason = "no such index"
	}
	f.Index, f.IndexUUID = index, "_na_"
	f.ResourceType, f.ResourceID = resourceType, index
	return f
}

// singleIndexNotFound is the same for requests that name one document.
func singleIndexNotFound(v Version, index string) *failure {
	if v == ES817 {
		return indexNotFound(v, index, "index_or_alias")
	}
	return indexNotFound(v, index, "index_expression")
}

func invalidIndexName(index, why string) *failure {
	f := fail(400, "invalid_index_name_exception", "Invalid index name [%s], %s", index, why)
	f.Index, f.IndexUUID = index, "_na_"
	return f
}
