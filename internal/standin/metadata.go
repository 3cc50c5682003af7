package standin

// isMetadata reports whether a name at the top of a document belongs to the
// server. Deeper down all names are free.
func isMetadata(v Version, name string) bool {
	switch name {
	case "_id", "_index", "_routing", "_ignored", "_source", "_version", "_seq_no", "_field_names", "_primary_term":
		return true
	case "_type":
		return v.namesTypes()
	case "_all", "_size", "_uid", "_parent", "_timestamp", "_ttl":
		return v == ES68
	case "_nested_path", "_data_stream_timestamp":
		return v == ES817 || v == OpenSearch2
	}
	return false
}

// metadata refuses a document for a name of the server's, in the words of each
// version.
func (p *documentParser) metadata(name, dotted string) *failure {
	if name == "_primary_term" {
		return illegalArgument("cannot change DocValues type from NUMERIC to SORTED_NUMERIC for field \"_primary_term\"")
	}
	if dotted != "" && p.v != ES817 {
		return fail(400, p.v.parsing(), "Could not dynamically add mapping for field [%s]. Existing mapping for [%s] must be of type object but found [%s].", dotted, name, name)
	}
	why := exception{Type: p.v.parsing(), Reason: p.at() + "Field [" + name + "] is a metadata field and cannot be added inside a document. Use the index API request parameters."}
	if p.v == ES68 {
		switch name {
		case "_source", "_version", "_seq_no", "_field_names":
			why.Reason = "Cannot generate dynamic mappings of type [" + name + "] for [" + name + "]"
		}
		return &failure{status: 400, exception: why}
	}
	return p.failField(name, name, "", &why)
}
