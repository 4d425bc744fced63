package pipeline

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/tigertally/tigertally/internal/errs"
)

// maxRequestContext bounds what an app may send along as context.
const maxRequestContext = 8 << 10

// CheckContext refuses a context of the app that is too large: FieldTooLong.
func CheckContext(requestContext any) error {
	size := 0
	switch v := requestContext.(type) {
	case nil:
	case string:
		size = len(v)
	default:
		raw, err := json.Marshal(v)
		if err != nil {
			return errs.New(errs.BadRequest, "field", "context").Because(err)
		}
		size = len(raw)
	}
	if size > maxRequestContext {
		return errs.New(errs.FieldTooLong, "field", "context", "max", strconv.Itoa(maxRequestContext))
	}
	return nil
}

// documented are the keys of context that we answer for: the app cannot set them, not
// even those that are absent in its request.
func documented(key string) bool {
	return slices.Contains([]string{
		"accessTokenTarget", "appId", "appMetadata", "appName", "connection", "data", "geo", "ip", "protocol",
		"request", "requestContext", "userPool", "userPoolId", "userPoolMetadata", "userPoolName", "__proto__",
	}, key)
}

// buildContext is the context of a request: the documented keys, then what functions
// put there at an earlier point of it, then what the app sent along.
func buildContext(p Point, in Input) (map[string]any, error) {
	if err := CheckContext(in.RequestContext); err != nil {
		return nil, err
	}
	sent, object := requestContext(in.RequestContext)
	body, err := scrubbed(in.Body)
	if err != nil {
		return nil, fmt.Errorf("show the body: %w", err)
	}
	query, err := scrubbed(in.Query)
	if err != nil {
		return nil, fmt.Errorf("show the query: %w", err)
	}
	if delete(body, "context"); sent != nil {
		body["context"] = sent
	}
	c := map[string]any{}
	fill(c, in.Carry.kept())
	if object != nil {
		fill(c, object)
		c["requestContext"] = object
	}
	pl, app := in.Client.Pool, in.Client.App
	geo := map[string]any{}
	c["protocol"], c["ip"], c["geo"] = in.Protocol, in.IP, geo
	c["userPoolId"], c["userPoolName"], c["userPoolMetadata"] = pl.ID, pl.Name, map[string]any{}
	c["appId"], c["appName"], c["appMetadata"] = app.ID, app.Name, map[string]any{}
	c["userPool"] = map[string]any{"id": pl.ID, "name": pl.Name}
	c["request"] = map[string]any{"ip": in.IP, "geo": geo, "body": body, "query": query}
	c["data"] = map[string]any{"userInfo": body}
	if in.Connection != "" {
		c["connection"] = in.Connection
	}
	if p == PreAccessToken {
		c["accessTokenTarget"] = in.AccessTokenTarget
	}
	return c, nil
}

// fill adds the keys that nobody has yet.
func fill(c, from map[string]any) {
	for k, v := range from {
		if _, there := c[k]; !there && !documented(k) {
			c[k] = v
		}
	}
}

// requestContext is the app's context without anything that spells out a secret: the
// object, or the text that is none. Mobile SDKs send an object as its text and web ones as
// it is; a function sees the same for both.
func requestContext(v any) (sent any, object map[string]any) {
	if text, ok := v.(string); ok {
		if json.Unmarshal([]byte(text), &object) != nil || object == nil {
			return text, nil
		}
		scrub(object)
		return object, object
	}
	plain, _ := plainCopy(v)
	scrub(plain)
	object, _ = plain.(map[string]any)
	return plain, object
}

// Carry hands what functions and the app put into the context from one point of a
// request to the next. The zero value is ready; one request has one.
type Carry struct {
	mu   sync.Mutex
	keys map[string]any
}

func (c *Carry) keep(from map[string]any) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys = map[string]any{}
	fill(c.keys, from)
}

func (c *Carry) kept() map[string]any {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.keys
}
