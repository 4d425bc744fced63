package oauth

import (
	"crypto/sha256"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

// The scopes with a meaning of their own.
const (
	ScopeOpenID        = "openid"
	ScopeOfflineAccess = "offline_access"
)

// Scopes lists every scope a client may ask for.
func Scopes() []string {
	return []string{
		ScopeOpenID, "profile", "email", "phone", "username", "address", ScopeOfflineAccess, "roles",
		"extended_fields",
	}
}

// Claims lists the claims about people.
func Claims() []string {
	list := []string{
		"sub", "updated_at", "email", "email_verified", "phone_number", "phone_number_verified", "username",
		"address", "roles", "extended_fields",
	}
	for claim := range profileClaims(user.User{}) {
		list = append(list, claim)
	}
	slices.Sort(list)
	return list
}

// maxScope bounds the text of a scope.
const maxScope = 1024

// granted is what a client gets of the scope it asks for: what we know, each once. A
// scope we do not know is left out, as RFC 6749 section 3.3 allows; the answer says so.
func granted(asked, fallback string) (string, error) {
	if len(asked) > maxScope || strings.ContainsFunc(asked, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "", errs.New(errs.ScopeInvalid)
	}
	if strings.TrimSpace(asked) == "" {
		asked = fallback
	}
	var list []string
	for name := range strings.FieldsSeq(asked) {
		if slices.Contains(Scopes(), name) && !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return strings.Join(list, " "), nil
}

func has(scope, name string) bool { return slices.Contains(strings.Fields(scope), name) }

// idClaims are what an ID token says. The session id makes it end with the session
// where clients show it as their credential, as those of Authing do.
func (s *Service) idClaims(c pool.Client, p person, t session.Tokens, nonce string) map[string]any {
	all := standardClaims(p.user, t.Scope)
	for name, value := range p.id.Set {
		if !session.Reserved(name) {
			all[name] = value
		}
	}
	for _, name := range p.id.Remove {
		delete(all, name)
	}
	half := sha256.Sum256([]byte(t.Access))
	maps.Copy(all, map[string]any{
		"iss": s.Issuer(c.Pool.ID), "sub": t.Sub, "aud": c.ID, "exp": t.ExpiresAt.Unix(), "iat": t.IssuedAt.Unix(),
		"auth_time": t.AuthAt.Unix(), "jti": secret.ID(), "sid": t.SessionID, "project_id": c.Pool.ID,
		"token_use": session.UseID, "at_hash": base64.RawURLEncoding.EncodeToString(half[:16]),
	})
	if len(t.AMR) > 0 {
		all["amr"] = t.AMR
	}
	if nonce != "" {
		all["nonce"] = nonce
	}
	return all
}

// standardClaims are the claims about a person that a scope shows (OpenID Connect Core
// section 5.4, and three scopes of Authing). What is unknown is left out; a boolean is
// always one, because Android clients stop at null.
func standardClaims(u user.User, scope string) map[string]any {
	all := map[string]any{"sub": u.ID}
	for name := range strings.FieldsSeq(scope) {
		switch name {
		case "profile":
			for claim, value := range profileClaims(u) {
				set(all, claim, value)
			}
			all["updated_at"] = u.UpdatedAt.Unix()
		case "email":
			set(all, "email", u.Email)
			all["email_verified"] = u.Email != "" && u.EmailVerified
		case "phone":
			set(all, "phone_number", u.Phone)
			all["phone_number_verified"] = u.Phone != "" && u.PhoneVerified
		case "username":
			set(all, "username", u.Username)
		case "address":
			if address := addressClaim(u); len(address) > 0 {
				all["address"] = address
			}
		case "roles":
			all["roles"] = []string{}
		case "extended_fields":
			all["extended_fields"] = maps.Clone(u.Custom)
			if u.Custom == nil {
				all["extended_fields"] = map[string]any{}
			}
		}
	}
	return all
}

func profileClaims(u user.User) map[string]string {
	return map[string]string{
		"name": u.Name, "given_name": u.Attributes["givenName"], "family_name": u.Attributes["familyName"],
		"middle_name": u.Attributes["middleName"], "nickname": u.Attributes["nickname"],
		"preferred_username": u.Attributes["preferredUsername"], "profile": u.Attributes["profile"],
		"picture": u.Picture, "website": u.Attributes["website"], "gender": u.Gender,
		"birthdate": u.Birthdate, "zoneinfo": u.Zoneinfo, "locale": u.Locale,
	}
}

func addressClaim(u user.User) map[string]string {
	address := map[string]string{}
	for claim, key := range map[string]string{
		"formatted": "formatted", "street_address": "streetAddress", "locality": "locality",
		"region": "region", "postal_code": "postalCode", "country": "country",
	} {
		if value := u.Attributes[key]; value != "" {
			address[claim] = value
		}
	}
	return address
}

func set(all map[string]any, claim, value string) {
	if value != "" {
		all[claim] = value
	}
}
