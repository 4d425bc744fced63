package session

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/keys"
)

// The typ headers of what carries a session.
const (
	// TypAccess is that of access tokens (RFC 9068 section 2.1).
	TypAccess = "at+jwt"
	// TypLogin is that of login tokens, access tokens that clients keep for long and
	// read themselves, and of ID tokens.
	TypLogin = "JWT"
)

// UseID is the claim token_use of ID tokens, which tells them from login tokens: they
// say who somebody is, to be shown around, and buy nothing.
const UseID = "id"

// Style is the form of an access token. The zero Style is an ES256 token of typ "at+jwt"
// that lives as long as the session or the pool says and has no claim but ours.
type Style struct {
	Alg, Typ string
	// Family is whose the refresh token beside it is: one of another family is refused, so
	// that no endpoint asks for less than the one a token was made for.
	Family string
	Life   time.Duration
	// Claims are more claims; none of them overrides one of ours.
	Claims map[string]any
}

func (st Style) alg() string { return cmp.Or(st.Alg, keys.ES256) }

func (st Style) typ() string { return cmp.Or(st.Typ, TypAccess) }

// Reserved reports whether a claim is ours alone to make: it verifies a token, or a
// reader would take it for a decision of ours (JW-06).
func Reserved(claim string) bool {
	return slices.Contains([]string{
		"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "sid", "scope", "project_id", "auth_time", "amr",
		"acr", "azp", "cnf", "client_id", "nonce", "at_hash", "c_hash", "provider_type", "user_type", "meta",
		"gen", "token_use", "roles",
	}, claim)
}

// extended is claims with some of a protocol's own beside them.
type extended struct {
	claims claims
	extra  map[string]any
}

// MarshalJSON writes the claims and then the extra ones that are not reserved.
func (e extended) MarshalJSON() ([]byte, error) {
	base, err := json.Marshal(e.claims)
	if err != nil || len(e.extra) == 0 {
		return base, err
	}
	more := make(map[string]any, len(e.extra))
	for name, v := range e.extra {
		if !Reserved(name) && (name != "name" || e.claims.Name == "") {
			more[name] = v
		}
	}
	if len(more) == 0 {
		return base, nil
	}
	tail, err := json.Marshal(more)
	if err != nil {
		return nil, err
	}
	return append(append(base[:len(base)-1], ','), tail[1:]...), nil
}
