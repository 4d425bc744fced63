package cloudbase

import (
	"encoding/json"
	"time"
)

// profile is a UserInfo as servers send it.
type profile struct {
	Sub           string           `json:"sub"`
	UID           string           `json:"uid"`
	Username      string           `json:"username"`
	Name          string           `json:"name"`
	Picture       string           `json:"picture"`
	Email         string           `json:"email"`
	EmailVerified truth            `json:"email_verified"`
	PhoneNumber   string           `json:"phone_number"`
	Gender        string           `json:"gender"`
	Birthdate     string           `json:"birthdate"`
	Zoneinfo      string           `json:"zoneinfo"`
	Locale        string           `json:"locale"`
	CreatedFrom   string           `json:"created_from"`
	CreatedAt     instant          `json:"created_at"`
	UpdatedAt     instant          `json:"updated_at"`
	Password      string           `json:"password"`
	HasPassword   truth            `json:"hasPassword"`
	Groups        []group          `json:"groups"`
	Providers     []linkedProvider `json:"providers"`
}

type linkedProvider struct {
	ID             string `json:"id"`
	ProviderUserID string `json:"provider_user_id"`
	Name           string `json:"name"`
}

// group is an object with an id, or the id.
type group string

// UnmarshalJSON implements json.Unmarshaler.
func (g *group) UnmarshalJSON(b []byte) error {
	var object struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(b, &object) == nil {
		*g = group(object.ID)
		return nil
	}
	return json.Unmarshal(b, (*string)(g))
}

func (p *profile) info() UserInfo {
	u := UserInfo{
		UID: or(p.Sub, p.UID), Sub: or(p.Sub, p.UID), Username: p.Username, Name: p.Name, Picture: p.Picture,
		Email: p.Email, EmailVerified: bool(p.EmailVerified), PhoneNumber: p.PhoneNumber, Gender: p.Gender,
		Birthdate: p.Birthdate, Zoneinfo: p.Zoneinfo, Locale: p.Locale, CreatedFrom: p.CreatedFrom,
		CreatedAt: time.Time(p.CreatedAt), UpdatedAt: time.Time(p.UpdatedAt),
		HasPassword: bool(p.HasPassword) || p.Password == "SET",
	}
	for _, g := range p.Groups {
		u.Groups = append(u.Groups, Group{ID: string(g)})
	}
	for _, l := range p.Providers {
		u.Providers = append(u.Providers, UserProfileProvider(l))
	}
	return u
}
