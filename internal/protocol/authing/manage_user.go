package authing

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// managedFields are what only managers may set of a person, beside the profile. Counters
// and moments of other systems are passed over: we keep our own.
type managedFields struct {
	Username       *string `json:"username"`
	Email          *string `json:"email"`
	EmailVerified  *bool   `json:"emailVerified"`
	Phone          *text   `json:"phone"`
	CountryCode    text    `json:"phoneCountryCode"`
	PhoneVerified  *bool   `json:"phoneVerified"`
	ExternalID     *string `json:"externalId"`
	Password       string  `json:"password"` // encrypted
	Blocked        *bool   `json:"blocked"`
	TokenExpiredAt string  `json:"tokenExpiredAt"`
}

// phone is the number in its international form; an empty one takes it away.
func (f managedFields) phone() (*string, error) {
	if f.Phone == nil {
		return nil, nil //nolint:nilnil // nothing is asked for
	}
	if *f.Phone == "" {
		return new(string), nil
	}
	e164, err := phoneOf(string(*f.Phone), string(f.CountryCode))
	return &e164, err
}

func (f managedFields) status() *string {
	if f.Blocked == nil {
		return nil
	}
	status := user.StatusActive
	if *f.Blocked {
		status = user.StatusBlocked
	}
	return &status
}

// expired reports whether the tokens of the person shall be over.
func (f managedFields) expired(now time.Time) (bool, error) {
	if f.TokenExpiredAt == "" {
		return false, nil
	}
	at, err := time.Parse(time.RFC3339, f.TokenExpiredAt)
	if err != nil {
		return false, errs.New(errs.BadRequest, "field", "tokenExpiredAt").Because(err)
	}
	return !at.After(now), nil
}

// userInput is an input about a person: the profile anybody may set of themselves, and
// what only managers may.
type userInput struct {
	profile profileFields
	fields  managedFields
}

// UnmarshalJSON takes an object.
func (in *userInput) UnmarshalJSON(data []byte) error {
	if err := json.Unmarshal(data, &in.profile); err != nil {
		return decoded(err)
	}
	return decoded(json.Unmarshal(data, &in.fields))
}

type createUserRequest struct {
	UserInfo     userInput        `json:"userInfo"`
	Params       customFields     `json:"params"`
	Identity     *identityRequest `json:"identity"`
	KeepPassword bool             `json:"keepPassword"`
	MustReset    bool             `json:"resetPasswordOnFirstLogin"`
}

type identityRequest struct {
	Provider string `json:"provider"`
	Subject  string `json:"userIdInIdp"`
}

// createUser makes a person without asking them.
func (p *Protocol) createUser(ctx context.Context, m admin.Manager, in createUserRequest) (any, error) {
	f := in.UserInfo.fields
	profile, err := in.UserInfo.profile.profile()
	if err != nil {
		return nil, err
	}
	profile.Username = nil
	phone, err := f.phone()
	if err != nil {
		return nil, err
	}
	n := admin.NewUser{
		Username: deref(f.Username), Phone: deref(phone), Email: deref(f.Email),
		PhoneVerified: deref(f.PhoneVerified), EmailVerified: deref(f.EmailVerified),
		ExternalID: deref(f.ExternalID), KeepPassword: in.KeepPassword, MustReset: in.MustReset,
		Status: deref(f.status()), Profile: profile, Custom: in.Params,
	}
	if f.Password != "" {
		if n.Password, err = p.password(ctx, m.PoolID, f.Password); err != nil {
			return nil, err
		}
	}
	if in.Identity != nil {
		n.Identities = []user.Identity{{Provider: in.Identity.Provider, Subject: in.Identity.Subject}}
	}
	u, err := p.admin.CreateUser(ctx, m, n)
	if err != nil {
		return nil, err
	}
	return p.person(ctx, u)
}

// changeUser changes anything of a person of the pool.
func (p *Protocol) changeUser(ctx context.Context, m admin.Manager, id string, in userInput) (any, error) {
	f := in.fields
	profile, err := in.profile.profile()
	if err != nil {
		return nil, err
	}
	over, err := f.expired(p.now())
	if err != nil {
		return nil, err
	}
	c := admin.UserChange{
		Profile: profile, Email: f.Email, PhoneVerified: f.PhoneVerified, EmailVerified: f.EmailVerified,
		ExternalID: f.ExternalID, Status: f.status(),
	}
	if c.Phone, err = f.phone(); err != nil {
		return nil, err
	}
	if f.Password != "" {
		password, err := p.password(ctx, m.PoolID, f.Password)
		if err != nil {
			return nil, err
		}
		c.Password = &password
	}
	u, err := p.admin.UpdateUser(ctx, m, id, c)
	if err == nil && over {
		err = p.admin.Kick(ctx, m, []string{id}, "")
	}
	if err != nil {
		return nil, err
	}
	return p.person(ctx, u)
}

func deref[T any](v *T) T {
	if v == nil {
		var none T
		return none
	}
	return *v
}
