package pipeline

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"

	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
	"github.com/tigertally/tigertally/internal/user"
)

// The properties a function may assign to. Whoever somebody is (user name, phone, email)
// and whatever grants something is not among them.
func assignable() []string {
	return append([]string{"photo", "gender", "name", "birthdate", "zoneinfo", "locale"}, attributes()...)
}

// attributes are the assignable properties that a profile keeps under the same name.
func attributes() []string {
	return []string{
		"nickname", "company", "givenName", "familyName", "middleName", "website", "address", "region",
		"city", "province", "country", "postalCode", "streetAddress",
	}
}

// protected claims say who made the token for whom and until when.
func protected(claim string) bool {
	return slices.Contains([]string{
		"iss", "sub", "aud", "exp", "iat", "nbf", "jti", "sid", "auth_time", "nonce", "scope", "client_id", "azp",
		"at_hash", "c_hash", "amr", "acr", "cnf", "token_use", "typ",
	}, claim)
}

// effect takes of an answer what the point allows.
func (s *Service) effect(ctx context.Context, p Point, in Input, a sandbox.Answer) Effect {
	e := Effect{Context: a.Context}
	if !p.token() {
		e.User = changed(in.User, a.User)
	}
	for _, c := range a.Changes {
		if !e.take(p, c) {
			s.log.WarnContext(ctx, "change of a function left out", "pool", in.Client.Pool.ID,
				"point", string(p), "change", c.Kind, "key", mask(c.Key))
		}
	}
	return e
}

// take adds one change, unless it has no meaning at the point.
func (e *Effect) take(p Point, c sandbox.Change) bool {
	switch {
	case c.Kind == "addCustomData" && !p.token():
		var v any
		if json.Unmarshal(c.Value, &v) != nil {
			return false
		}
		if e.CustomData == nil {
			e.CustomData = map[string]any{}
		}
		e.CustomData[c.Key] = v
		return true
	case c.Kind == "addIdToken" && p == PreIDToken:
		return e.IDToken.set(c)
	case c.Kind == "removeIdToken" && p == PreIDToken:
		return e.IDToken.remove(c.Key)
	case c.Kind == "addAccessToken" && p == PreAccessToken:
		return e.AccessToken.set(c)
	case c.Kind == "removeAccessToken" && p == PreAccessToken:
		return e.AccessToken.remove(c.Key)
	}
	return false
}

func (c *Claims) set(change sandbox.Change) bool {
	var v any
	if protected(change.Key) || json.Unmarshal(change.Value, &v) != nil {
		return false
	}
	if c.Set == nil {
		c.Set = map[string]any{}
	}
	c.Set[change.Key] = v
	c.Remove = slices.DeleteFunc(c.Remove, func(k string) bool { return k == change.Key })
	return true
}

func (c *Claims) remove(key string) bool {
	if protected(key) {
		return false
	}
	delete(c.Set, key)
	if !slices.Contains(c.Remove, key) {
		c.Remove = append(c.Remove, key)
	}
	return true
}

// changed are the assignable properties with another value than before. A property that
// a function left out stays as it was; null empties it.
func changed(before, after map[string]any) map[string]any {
	var out map[string]any
	for _, key := range assignable() {
		v, there := after[key]
		if _, text := v.(string); !there || (!text && v != nil) || reflect.DeepEqual(v, before[key]) {
			continue
		}
		if out == nil {
			out = map[string]any{}
		}
		out[key] = v
	}
	return out
}

// Profile is the change of the person's profile that the functions asked for.
func (e Effect) Profile() user.Profile {
	text := func(key string) *string {
		v, there := e.User[key]
		if !there {
			return nil
		}
		s, _ := v.(string) // null is the empty text
		return &s
	}
	p := user.Profile{
		Name: text("name"), Picture: text("photo"), Gender: text("gender"),
		Birthdate: text("birthdate"), Zoneinfo: text("zoneinfo"), Locale: text("locale"),
	}
	if p.Gender != nil {
		for word, letter := range letters() {
			if *p.Gender == letter && word != "" {
				p.Gender = &word
				break
			}
		}
	}
	for _, key := range attributes() {
		if v := text(key); v != nil {
			if p.Attributes == nil {
				p.Attributes = map[string]*string{}
			}
			p.Attributes[key] = v
		}
	}
	return p
}
