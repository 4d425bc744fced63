package authing

import (
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// User is a person as the server shows one. Text that is not set is "", a time that is
// not set is zero.
type User struct {
	ID               string // 24 hexadecimal digits on the original cloud
	ARN              string
	UserPoolID       string
	Status           string // "Activated", …
	Username         string
	Email            string
	EmailVerified    bool
	Phone            string // without the country's code
	PhoneCountryCode string // "+86"
	PhoneVerified    bool
	UnionID          string
	OpenID           string
	RegisterSource   []string // "basic:email", …

	// Token is the login token, a JWT; it is as good as a password until it expires.
	Token          string
	TokenExpiredAt time.Time

	LoginsCount int
	LastLogin   time.Time
	LastIP      string
	SignedUp    time.Time
	CreatedAt   time.Time
	UpdatedAt   time.Time
	Blocked     bool
	IsDeleted   bool

	Nickname          string
	Name              string
	GivenName         string
	MiddleName        string
	FamilyName        string
	PreferredUsername string
	Photo             string // an address
	Profile           string // an address
	Website           string
	Gender            string // "M", "F" or "U"
	Birthdate         string
	Company           string
	Locale            string
	Zoneinfo          string
	Address           string
	Formatted         string
	StreetAddress     string
	Locality          string
	City              string
	Province          string
	Region            string
	Country           string
	PostalCode        string

	ExternalID string
	Identities []Identity

	// Extra holds what else the server says, and fields of a type this package does not
	// expect, by their name on the wire.
	Extra map[string]json.RawMessage
}

// Identity is an account of the person at a provider, such as WeChat.
type Identity struct {
	ID           string          `json:"id"`
	Provider     string          `json:"provider"`
	ConnectionID string          `json:"connectionId"`
	OpenID       string          `json:"openid"`
	UserIDInIdp  string          `json:"userIdInIdp"`
	UserID       string          `json:"userId"` // whose identity it is
	IsSocial     bool            `json:"isSocial"`
	UserInfo     json.RawMessage `json:"userInfoInIdp,omitempty"` // what the provider says of them
}

// LogValue keeps everything but the id out of logs.
func (u User) LogValue() slog.Value {
	return slog.StringValue(u.ID)
}

// fields are the names on the wire and where their values go.
func (u *User) fields() map[string]any {
	return map[string]any{
		"id": &u.ID, "arn": &u.ARN, "userPoolId": &u.UserPoolID, "status": &u.Status, "username": &u.Username,
		"email": &u.Email, "emailVerified": &u.EmailVerified, "phone": &u.Phone,
		"phoneCountryCode": &u.PhoneCountryCode, "phoneVerified": &u.PhoneVerified,
		"unionid": &u.UnionID, "openid": &u.OpenID, "registerSource": &u.RegisterSource,
		"token": &u.Token, "tokenExpiredAt": &u.TokenExpiredAt, "loginsCount": &u.LoginsCount,
		"lastLogin": &u.LastLogin, "lastIP": &u.LastIP, "signedUp": &u.SignedUp,
		"createdAt": &u.CreatedAt, "updatedAt": &u.UpdatedAt, "blocked": &u.Blocked, "isDeleted": &u.IsDeleted,
		"nickname": &u.Nickname, "name": &u.Name, "givenName": &u.GivenName, "middleName": &u.MiddleName,
		"familyName": &u.FamilyName, "preferredUsername": &u.PreferredUsername, "photo": &u.Photo,
		"profile": &u.Profile, "website": &u.Website, "gender": &u.Gender, "birthdate": &u.Birthdate,
		"company": &u.Company, "locale": &u.Locale, "zoneinfo": &u.Zoneinfo, "address": &u.Address,
		"formatted": &u.Formatted, "streetAddress": &u.StreetAddress, "locality": &u.Locality, "city": &u.City,
		"province": &u.Province, "region": &u.Region, "country": &u.Country, "postalCode": &u.PostalCode,
		"externalId": &u.ExternalID, "identities": &u.Identities,
	}
}

// UnmarshalJSON reads a user as the server writes one, inside a userEntity or not. A field
// of the wrong type is no error: it goes to Extra, as in the vendor's own clients.
func (u *User) UnmarshalJSON(data []byte) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	if inner, ok := all["userEntity"]; ok {
		var entity map[string]json.RawMessage
		if json.Unmarshal(inner, &entity) == nil && entity != nil {
			all = entity
		}
	}
	*u = User{}
	for name, into := range u.fields() {
		raw, ok := all[name]
		if ok && json.Unmarshal(raw, into) == nil {
			delete(all, name)
		}
	}
	if sub, ok := all["sub"]; ok && u.ID == "" {
		_ = json.Unmarshal(sub, &u.ID) // no id is no error either
	}
	if len(all) > 0 {
		u.Extra = all
	}
	return nil
}

// MarshalJSON writes the user as the server does, Extra included. Times are written in
// UTC, unset ones as null.
func (u User) MarshalJSON() ([]byte, error) {
	all := make(map[string]any, len(u.Extra))
	for name, from := range u.fields() {
		if at, ok := from.(*time.Time); ok {
			if all[name] = nil; !at.IsZero() {
				all[name] = at.UTC()
			}
			continue
		}
		all[name] = from
	}
	for name, raw := range maps.All(u.Extra) {
		all[name] = raw
	}
	return json.Marshal(all)
}

// clone is a copy that shares nothing a caller may change.
func (u *User) clone() *User {
	copied := *u
	copied.RegisterSource = slices.Clone(u.RegisterSource)
	copied.Identities = slices.Clone(u.Identities)
	copied.Extra = maps.Clone(u.Extra)
	return &copied
}
