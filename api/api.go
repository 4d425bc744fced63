// Package api owns the wire types of Tigertally's own management API, /manage/v1. The
// server fills and reads them, and so do the command line, the console and clients
// written in Go. It holds no rules and does no work.
//
// The tags of an input say where a value travels: `path`, `query` and `header` name
// their place in the request, everything else is a member of the JSON body. `doc` is its
// description and `enum` lists what it may be.
package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
)

// Page asks for a part of a list.
type Page struct {
	Limit  int    `query:"limit" doc:"how many to return, 1 to 100; 20 when it is not given"`
	Cursor string `query:"cursor" doc:"next_cursor of the page before"`
}

// List is a part of a list.
type List[T any] struct {
	Items      []T    `json:"items" doc:"the entries, newest first where nothing else is said"`
	NextCursor string `json:"next_cursor,omitempty" doc:"asks for the next page; absent on the last"`
}

// Guarded is part of inputs that change something which somebody else may be changing.
type Guarded struct {
	IfMatch string `header:"If-Match" doc:"the ETag the change is based on; refused with 412 when it has changed since"`
}

// None is an input or output without content.
type None struct{}

// Problem is the body of every refusal (RFC 9457), sent as application/problem+json.
type Problem struct {
	Type      string            `json:"type" doc:"a URI reference that names the kind of problem"`
	Title     string            `json:"title" doc:"what went wrong, in the caller's language"`
	Status    int               `json:"status" doc:"the HTTP status"`
	Code      string            `json:"code" doc:"the same, for programs"`
	Params    map[string]string `json:"params,omitempty" doc:"what it is about, for example the field"`
	RequestID string            `json:"request_id,omitempty" doc:"finds the request in the server's log"`
}

// ETag is the entity tag of a representation: it differs whenever what would be sent
// differs.
func ETag(v any) string {
	body, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
}
