package cloudbase

import (
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

// tokenSet is the answer to every sign-in and refresh. The client replaces all it had
// by it, so that every field is there every time; expires_at and version must not be,
// because the client would believe them.
type tokenSet struct {
	TokenType    string   `json:"token_type"`
	AccessToken  string   `json:"access_token"`
	RefreshToken string   `json:"refresh_token"`
	ExpiresIn    int64    `json:"expires_in"`
	Scope        string   `json:"scope"`
	Groups       []string `json:"groups"`
	Sub          string   `json:"sub"`
}

func tokenSetOf(t session.Tokens) tokenSet {
	groups := t.Groups
	if groups == nil {
		groups = []string{}
	}
	return tokenSet{
		TokenType: "Bearer", AccessToken: t.Access, RefreshToken: t.Refresh,
		// Rounded down: the client must never think a token lives longer than it does.
		ExpiresIn: int64(t.ExpiresIn / time.Second),
		Scope:     t.Scope, Groups: groups, Sub: t.Sub,
	}
}

// profile is a user as their own apps see them. Uid repeats sub, because the client
// replaces its copy of the profile by the answer to an update.
type profile struct {
	Sub           string     `json:"sub"`
	UID           string     `json:"uid"`
	Name          string     `json:"name"`
	Username      string     `json:"username,omitempty"`
	Picture       string     `json:"picture,omitempty"`
	Email         string     `json:"email,omitempty"`
	EmailVerified bool       `json:"email_verified"`
	PhoneNumber   string     `json:"phone_number,omitempty"`
	Gender        string     `json:"gender,omitempty"`
	Locale        string     `json:"locale,omitempty"`
	Birthdate     string     `json:"birthdate,omitempty"`
	Zoneinfo      string     `json:"zoneinfo,omitempty"`
	Description   string     `json:"user_desc,omitempty"`
	Groups        []group    `json:"groups"`
	Providers     []identity `json:"providers"`
	Password      string     `json:"password,omitempty"`
	HasPassword   bool       `json:"hasPassword"`
	Status        string     `json:"status"`
	LoginType     string     `json:"loginType,omitempty"`
	CreatedFrom   string     `json:"created_from,omitempty"`
	CreatedAt     string     `json:"created_at"`
	UpdatedAt     string     `json:"updated_at"`
	LastSignInAt  string     `json:"last_sign_in_at,omitempty"`
}

type group struct {
	ID string `json:"id"`
}

type identity struct {
	ID             string `json:"id"`
	ProviderUserID string `json:"provider_user_id"`
	Name           string `json:"name"`
}

// anonymousName is how the client tells an anonymous user from one with an account.
const anonymousName = "anonymous"

func profileOf(u user.User) profile {
	p := profile{
		Sub: u.ID, UID: u.ID, Name: u.Name, Username: u.Username, Picture: u.Picture,
		Email: u.Email, EmailVerified: u.EmailVerified, PhoneNumber: phoneNumber(u.Phone),
		Gender: strings.ToUpper(u.Gender), Locale: u.Locale, Birthdate: u.Birthdate,
		Zoneinfo: u.Zoneinfo, Description: u.Description,
		Groups: []group{}, Providers: []identity{},
		HasPassword: u.HasPassword(), Status: strings.ToUpper(u.Status), CreatedFrom: u.CreatedFrom,
		CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt), LastSignInAt: stamp(u.LastSignInAt),
	}
	for _, id := range u.Groups() {
		p.Groups = append(p.Groups, group{ID: id})
	}
	for _, i := range u.Identities {
		if outside(i) {
			p.Providers = append(p.Providers, identity{ID: i.Provider, ProviderUserID: i.Subject, Name: i.Name})
		}
	}
	if u.HasPassword() {
		p.Password = "SET"
	}
	switch u.Kind {
	case user.KindAnonymous:
		p.Name, p.LoginType = anonymousName, "ANONYMOUS"
	case user.KindCustom:
		p.LoginType = "CUSTOM"
	}
	return p
}

// simpleProfile is what one user learns about another: a name, a picture, and the
// address they already knew.
type simpleProfile struct {
	Sub         string `json:"sub"`
	Name        string `json:"name"`
	Picture     string `json:"picture,omitempty"`
	Username    string `json:"username,omitempty"`
	Email       string `json:"email,omitempty"`
	PhoneNumber string `json:"phone_number,omitempty"`
}

func simpleProfileOf(f account.Found) simpleProfile {
	return simpleProfile{
		Sub: f.ID, Name: f.Name, Picture: f.Picture, Username: f.Username,
		Email: f.Email, PhoneNumber: phoneNumber(f.Phone),
	}
}

// outside reports whether i is at an identity provider and not a device or a ticket.
func outside(i user.Identity) bool {
	return i.Provider != user.ProviderAnonymous && i.Provider != user.ProviderCustom
}

// phoneNumber writes an E.164 number the way the protocol does, with one space after
// the country.
func phoneNumber(e164 string) string {
	if e164 == "" {
		return ""
	}
	country, national := contact.SplitPhone(e164)
	if country == "" {
		return e164
	}
	return country + " " + national
}

// stamp is the ISO form of a time, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
