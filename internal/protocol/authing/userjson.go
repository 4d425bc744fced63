package authing

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

// userObject is a person as REST and GraphQL show one. A text that is not set is null
// and there: one client merges what it gets into what it had, so a member left out would
// stay on the device. Numbers, booleans and lists are never null, which stops another.
type userObject struct {
	ID                string           `json:"id"`
	ARN               string           `json:"arn"`
	UserPoolID        string           `json:"userPoolId"`
	Status            string           `json:"status"`
	Username          *string          `json:"username"`
	Email             *string          `json:"email"`
	EmailVerified     bool             `json:"emailVerified"`
	Phone             *string          `json:"phone"` // without the country's code
	PhoneCountryCode  *string          `json:"phoneCountryCode"`
	PhoneVerified     bool             `json:"phoneVerified"`
	UnionID           *string          `json:"unionid"`
	OpenID            *string          `json:"openid"`
	Nickname          *string          `json:"nickname"`
	RegisterSource    []string         `json:"registerSource"`
	Photo             *string          `json:"photo"`
	OAuth             *string          `json:"oauth"`
	Token             *string          `json:"token"`
	TokenExpiredAt    *string          `json:"tokenExpiredAt"`
	LoginsCount       int64            `json:"loginsCount"`
	LastLogin         *string          `json:"lastLogin"`
	LastIP            *string          `json:"lastIP"`
	SignedUp          string           `json:"signedUp"`
	Blocked           bool             `json:"blocked"`
	IsDeleted         bool             `json:"isDeleted"`
	Device            *string          `json:"device"`
	Browser           *string          `json:"browser"`
	Company           *string          `json:"company"`
	Name              *string          `json:"name"`
	GivenName         *string          `json:"givenName"`
	FamilyName        *string          `json:"familyName"`
	MiddleName        *string          `json:"middleName"`
	Profile           *string          `json:"profile"`
	PreferredUsername *string          `json:"preferredUsername"`
	Website           *string          `json:"website"`
	Gender            string           `json:"gender"`
	Birthdate         *string          `json:"birthdate"`
	Zoneinfo          *string          `json:"zoneinfo"`
	Locale            *string          `json:"locale"`
	Address           *string          `json:"address"`
	Formatted         *string          `json:"formatted"`
	StreetAddress     *string          `json:"streetAddress"`
	Locality          *string          `json:"locality"`
	Region            *string          `json:"region"`
	PostalCode        *string          `json:"postalCode"`
	City              *string          `json:"city"`
	Province          *string          `json:"province"`
	Country           *string          `json:"country"`
	CreatedAt         string           `json:"createdAt"`
	UpdatedAt         string           `json:"updatedAt"`
	ExternalID        *string          `json:"externalId"`
	Identities        []identityObject `json:"identities"`

	custom map[string]any // shown where a client asks for it, in the form it reads
}

type identityObject struct {
	ID           string            `json:"id"`
	OpenID       string            `json:"openid"`
	UserIDInIdp  string            `json:"userIdInIdp"`
	UserID       string            `json:"userId"`
	Provider     string            `json:"provider"`
	IsSocial     bool              `json:"isSocial"`
	UserInfo     map[string]string `json:"userInfoInIdp"`
	ConnectionID string            `json:"connectionId"`
}

// customValue is the value of a field the pool defines.
type customValue struct {
	Key      string `json:"key"`
	Value    any    `json:"value"`
	DataType string `json:"dataType"`
	Label    string `json:"label"`
}

// userJSON shows u with the token the client shall hold from now on. An empty one is
// null: the client then holds none.
func (p *Protocol) userJSON(u user.User, token string) userObject {
	country, national := "", ""
	if u.Phone != "" {
		country, national = contact.SplitPhone(u.Phone)
	}
	a := func(key string) *string { return orNull(u.Attributes[key]) }
	return userObject{
		ID: u.ID, ARN: arn(u), UserPoolID: u.PoolID, Status: statusWord(u.Status),
		Username: orNull(u.Username), Email: orNull(u.Email), EmailVerified: u.EmailVerified,
		Phone: orNull(national), PhoneCountryCode: orNull(country), PhoneVerified: u.PhoneVerified,
		Nickname: a(user.AttributeNickname), RegisterSource: sources(u), Photo: orNull(u.Picture),
		OAuth: a("oauth"), Token: orNull(token), TokenExpiredAt: expiryOf(token),
		LoginsCount: u.SignIns, LastLogin: orNull(stamp(u.LastSignInAt)), LastIP: orNull(u.LastIP),
		SignedUp: stamp(u.CreatedAt), Blocked: u.Status == user.StatusBlocked,
		Device: a(user.AttributeDevice), Browser: a(user.AttributeBrowser), Company: a("company"),
		Name: orNull(u.Name), GivenName: a("givenName"), FamilyName: a("familyName"),
		MiddleName: a("middleName"), Profile: a("profile"), PreferredUsername: a("preferredUsername"),
		Website: a("website"), Gender: genderLetter(u.Gender), Birthdate: orNull(u.Birthdate),
		Zoneinfo: orNull(u.Zoneinfo), Locale: orNull(u.Locale), Address: a("address"),
		Formatted: a("formatted"), StreetAddress: a("streetAddress"), Locality: a("locality"),
		Region: a("region"), PostalCode: a("postalCode"), City: a("city"), Province: a("province"),
		Country: a("country"), CreatedAt: stamp(u.CreatedAt), UpdatedAt: stamp(u.UpdatedAt),
		ExternalID: orNull(u.ExternalID), Identities: identitiesOf(u), custom: u.Custom,
	}
}

func identitiesOf(u user.User) []identityObject {
	all := make([]identityObject, 0, len(u.Identities))
	for _, i := range u.Identities {
		if i.Provider == user.ProviderAnonymous { // the subject is a device
			continue
		}
		about := i.Profile
		if about == nil {
			about = map[string]string{}
		}
		all = append(all, identityObject{
			ID: i.Provider + ":" + i.Subject, OpenID: i.Subject, UserIDInIdp: i.Subject, UserID: u.ID,
			Provider: i.Provider, ConnectionID: i.Provider, IsSocial: i.Provider != user.ProviderCustom, UserInfo: about,
		})
	}
	return all
}

// arn is the vendor's name of a person across pools.
func arn(u user.User) string { return "arn:cn:authing:" + u.PoolID + ":user:" + u.ID }

func statusWord(status string) string {
	if status == user.StatusActive {
		return "Activated"
	}
	return "Suspended"
}

// sources says how the account came to be. What the vendor's clients did not make counts
// as imported.
func sources(u user.User) []string {
	if u.RegisteredBy == "" {
		return []string{"import:manual"}
	}
	return []string{"basic:" + u.RegisteredBy}
}

// The letters the protocol writes genders by.
const (
	letterMale    = "M"
	letterFemale  = "F"
	letterUnknown = "U"
)

func genderLetter(gender string) string {
	switch gender {
	case user.GenderMale:
		return letterMale
	case user.GenderFemale:
		return letterFemale
	}
	return letterUnknown
}

// genderWord is the inverse of genderLetter; other texts pass for the core to judge.
func genderWord(letter string) string {
	switch strings.ToUpper(letter) {
	case letterMale:
		return user.GenderMale
	case letterFemale:
		return user.GenderFemale
	case letterUnknown:
		return user.GenderUnknown
	}
	return letter
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// stamp writes a moment as the vendor does, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// style is the form of the login token: what client libraries decode themselves, and
// keep for as long as people expect to stay signed in.
func (p *Protocol) style(c pool.Client) func(user.User) session.Style {
	return func(u user.User) session.Style {
		o := p.userJSON(u, "")
		return session.Style{
			Alg: keys.RS256, Typ: session.TypLogin, Life: c.Pool.Settings.LoginLife,
			Claims: map[string]any{"data": tokenData{
				ID: o.ID, UserPoolID: o.UserPoolID, ARN: o.ARN,
				Email: o.Email, Phone: o.Phone, Username: o.Username,
			}},
		}
	}
}

// tokenData is the claim client libraries read the person from.
type tokenData struct {
	ID         string  `json:"id"`
	UserPoolID string  `json:"userPoolId"`
	ARN        string  `json:"arn"`
	Email      *string `json:"email"`
	Phone      *string `json:"phone"`
	Username   *string `json:"username"`
}

// payloadOf is the JSON text of a token's claims, null for anything else.
func payloadOf(token string) json.RawMessage {
	_, rest, _ := strings.Cut(token, ".")
	payload, _, _ := strings.Cut(rest, ".")
	raw, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || !json.Valid(raw) {
		return json.RawMessage("null")
	}
	return raw
}

// expiryOf reads when a token of ours ends; nil for none.
func expiryOf(token string) *string {
	var c struct {
		ExpiresAt int64 `json:"exp"`
	}
	if json.Unmarshal(payloadOf(token), &c) != nil || c.ExpiresAt == 0 {
		return nil
	}
	return orNull(stamp(time.Unix(c.ExpiresAt, 0)))
}
