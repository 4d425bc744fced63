package verify

import (
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Kind is a sort of token.
type Kind int

// The kinds of token.
const (
	// Access is the access token of a person, as CloudBase and OpenID Connect clients have it.
	Access Kind = iota + 1
	// Login is the token of an Authing client, which is its access token too.
	Login
	// ID is an OpenID Connect ID token: it tells an application who signed in, and is no
	// key to an API.
	ID
	// Machine is the access token of an application itself, with nobody signed in. Its
	// subject is the application.
	Machine
)

// String names the kind as documentation does.
func (k Kind) String() string {
	switch k {
	case Access:
		return "access token"
	case Login:
		return "login token"
	case ID:
		return "id token"
	case Machine:
		return "machine token"
	default:
		return "unknown token"
	}
}

// ofPerson reports whether tokens of this kind are keys that always name a pool.
func (k Kind) ofPerson() bool { return k == Access || k == Login }

// Claims is what a proven token says. Times are zero and strings empty if it does not. They
// are shared by all who handle a request: read them only.
type Claims struct {
	Kind      Kind
	Issuer    string   // iss
	Subject   string   // sub: the user's id, which never changes
	Audience  []string // aud: the application the token was made for
	ClientID  string   // the same application, for all kinds of token
	Pool      string   // project_id: the user pool, which is the CloudBase env
	ID        string   // jti: of this token alone
	SessionID string   // sid: the same for all tokens of one sign-in
	AMR       []string // amr: how the person proved who they are (RFC 8176)
	Provider  string   // provider_type: the identity provider of the sign-in
	Anonymous bool     // an anonymous sign-in: nobody knows who this is, only that it is the same as before

	IssuedAt  time.Time // iat
	ExpiresAt time.Time // exp
	NotBefore time.Time // nbf
	AuthTime  time.Time // auth_time: when the person last signed in

	Scopes []string        // scope
	Raw    json.RawMessage // all claims as they were signed, for Decode
}

// HasScope reports whether the token has every one of scopes.
func (c *Claims) HasScope(scopes ...string) bool {
	for _, s := range scopes {
		if !slices.Contains(c.Scopes, s) {
			return false
		}
	}
	return true
}

// Decode reads all claims into v, a pointer as for json.Unmarshal: those above, profile
// claims such as email and phone_number where the token has them, and what functions of
// the pool added.
func (c *Claims) Decode(v any) error { return json.Unmarshal(c.Raw, v) }

const scopeAnonymous = "anonymous"

// payload is the claims on the wire.
type payload struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	Expires   numeric  `json:"exp"`
	IssuedAt  numeric  `json:"iat"`
	NotBefore numeric  `json:"nbf"`
	AuthTime  numeric  `json:"auth_time"`
	ID        string   `json:"jti"`
	Session   string   `json:"sid"`
	Scope     string   `json:"scope"`
	Project   string   `json:"project_id"`
	Client    string   `json:"client_id"`
	Provider  string   `json:"provider_type"`
	Use       string   `json:"token_use"`
	AMR       []string `json:"amr"`
}

// audience is a string or a list of them (RFC 7519 section 4.1.3).
type audience []string

// UnmarshalJSON reads both spellings.
func (a *audience) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '[' {
		return json.Unmarshal(raw, (*[]string)(a))
	}
	var one string
	if err := json.Unmarshal(raw, &one); err != nil {
		return err
	}
	*a = audience{one}
	return nil
}

// numeric is seconds since 1970, whole or not (RFC 7519 section 2).
type numeric float64

// farthest is the end of the year 9999, beyond which a time is a mistake.
const farthest = 253402300799

func (n numeric) time() time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(int64(n), 0)
}

func (n numeric) sane() bool { return n >= 0 && n <= farthest }

// typed makes Claims of a token whose signature is proven.
func (t *parts) typed() (*Claims, error) {
	p := &t.claims
	if p.Subject == "" || p.Expires == 0 {
		return nil, ErrMalformed
	}
	for _, n := range []numeric{p.Expires, p.IssuedAt, p.NotBefore, p.AuthTime} {
		if !n.sane() {
			return nil, ErrMalformed
		}
	}
	kind := t.kind()
	if kind == 0 {
		return nil, ErrKind
	}
	c := &Claims{
		Kind: kind, Issuer: p.Issuer, Subject: p.Subject, Audience: p.Audience, ClientID: p.Client,
		Pool: p.Project, ID: p.ID, SessionID: p.Session, AMR: p.AMR, Provider: p.Provider,
		IssuedAt: p.IssuedAt.time(), ExpiresAt: p.Expires.time(), NotBefore: p.NotBefore.time(),
		AuthTime: p.AuthTime.time(), Scopes: strings.Fields(p.Scope), Raw: t.payload,
	}
	if c.ClientID == "" && len(c.Audience) > 0 {
		c.ClientID = c.Audience[0]
	}
	c.Anonymous = slices.Contains(c.Scopes, scopeAnonymous)
	return c, nil
}

// kind tells tokens apart by what the server alone may write: the header typ and the
// claims token_use and sid. It is 0 for one that is none of them.
func (t *parts) kind() Kind {
	switch typ := strings.ToLower(t.header.Type); {
	case typ == "at+jwt" || typ == "application/at+jwt":
		switch {
		case t.claims.Use != "":
			return 0
		case t.claims.Session == "":
			return Machine
		}
		return Access
	case typ != "jwt":
		return 0
	}
	switch {
	case t.claims.Use == "id":
		return ID
	case t.claims.Use == "" && t.claims.Session != "":
		return Login
	}
	return 0
}
