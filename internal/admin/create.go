package admin

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// NewUser is a person to make. Everything is as typed and optional, but Username, Phone,
// Email, ExternalID or an identity is needed.
type NewUser struct {
	Username, Phone, Email       string
	PhoneVerified, EmailVerified bool // the operator vouches for the address
	ExternalID                   string
	Password                     string
	KeepPassword                 bool   // the password is an old one: only its length is checked
	MustReset                    bool   // the password has to be changed at the first sign-in
	Status                       string // "" is active
	Profile                      user.Profile
	Custom                       map[string]any // unknown keys are left out
	CreatedFrom                  string         // the tool; "" is the management API
	RegisteredBy                 string
	// Identities are what other identity providers know the person by.
	Identities []user.Identity
}

// fromManage says that the customer's own server made an account.
const fromManage = "manage"

// CreateUser makes a person without asking them.
//
// Errors: FieldMissing, UsernameInvalid, PhoneInvalid, EmailInvalid, IdentifierTaken,
// UsernameTaken, ExternalIDTaken, BadRequest, FieldTooLong, the Password… codes of a
// policy.
func (s *Service) CreateUser(ctx context.Context, m Manager, in NewUser) (user.User, error) {
	p, err := s.d.Pools.Get(ctx, m.PoolID)
	if err != nil {
		return user.User{}, err
	}
	u, err := in.Vet(ctx, p, s.d.Fields)
	if err != nil {
		return user.User{}, err
	}
	if in.Password != "" {
		if u.PasswordHash, err = s.hash(ctx, p, u, in.Password, in.KeepPassword); err != nil {
			return user.User{}, err
		}
	}
	made := u
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		made = u
		if err := s.d.Users.Create(ctx, &made); err != nil {
			return err
		}
		return s.done(ctx, m, audit.SignUp, made.ID, nil)
	})
	if err != nil {
		return user.User{}, s.d.Users.Conflict(ctx, err, u)
	}
	return made, nil
}

// Vet returns the person in describes, not stored and without a password, after every
// check but those of the password and of who has the identifiers. The errors are those of
// CreateUser.
func (in NewUser) Vet(ctx context.Context, p pool.Pool, fields *field.Service) (user.User, error) {
	u, err := in.user(p)
	if err != nil {
		return user.User{}, err
	}
	if u.Custom, err = fields.Check(ctx, p.ID, in.Custom, true); err != nil {
		return user.User{}, err
	}
	return u, nil
}

// user checks what was typed.
func (in NewUser) user(p pool.Pool) (user.User, error) {
	u := user.User{
		PoolID: p.ID, Kind: user.KindRegular, Status: in.Status, MustReset: in.MustReset,
		ExternalID: in.ExternalID, CreatedFrom: in.CreatedFrom, RegisteredBy: in.RegisteredBy,
	}
	if u.CreatedFrom == "" {
		u.CreatedFrom = fromManage
	}
	if u.Status == "" {
		u.Status = user.StatusActive
	}
	if in.Username+in.Phone+in.Email+in.ExternalID == "" && len(in.Identities) == 0 {
		return u, errs.New(errs.FieldMissing, "field", "username")
	}
	for _, i := range in.Identities {
		if !nameable(i) {
			return u, errs.New(errs.BadRequest, "field", "identity")
		}
	}
	u.Identities = in.Identities
	c := change{Profile: in.Profile, Status: &u.Status, ExternalID: &u.ExternalID}
	for _, f := range []struct {
		to   **string
		text string
	}{{&c.Profile.Username, in.Username}, {&c.Phone, in.Phone}, {&c.Email, in.Email}} {
		if *f.to = nil; f.text != "" {
			*f.to = &f.text
		}
	}
	checked, err := c.canonical()
	if err != nil {
		return u, err
	}
	checked.Profile.Apply(&u)
	if checked.Phone != nil {
		u.Phone, u.PhoneVerified = *checked.Phone, in.PhoneVerified
	}
	if checked.Email != nil {
		u.Email, u.EmailVerified = *checked.Email, in.EmailVerified
	}
	return u, nil
}

// nameable reports whether an operator may link i to a person. The identities of our own
// making prove a device or a signed ticket.
func nameable(i user.Identity) bool {
	for _, t := range []string{i.Provider, i.Subject} {
		if t == "" || len(t) > maxExternalID || !printable(t) {
			return false
		}
	}
	return i.Provider != user.ProviderAnonymous && i.Provider != user.ProviderCustom
}

// hash checks a new password of u against the rules of the pool and hashes it. One that
// is kept was accepted by another system; the rules are for new ones.
func (s *Service) hash(ctx context.Context, p pool.Pool, u user.User, password string, keep bool) (string, error) {
	if !keep {
		return s.d.Proofs.NewPassword(ctx, p, u, password)
	}
	if err := (contact.PasswordPolicy{Min: p.Settings.PasswordMin}).Check(password); err != nil {
		return "", err
	}
	return s.d.Hasher.Hash(ctx, p.ID, password)
}

// maxExternalID bounds the customer's own key of a person, in bytes.
const maxExternalID = 128

// change is user.AdminChange before it is checked.
type change user.AdminChange

// canonical returns the change with its values checked and in their stored form.
func (c change) canonical() (user.AdminChange, error) {
	var err error
	if c.Profile, err = signin.CheckProfile(c.Profile); err != nil {
		return user.AdminChange{}, err
	}
	if c.Phone, err = canonical(c.Phone, func(t string) (string, error) { return contact.Phone(t, "") }); err != nil {
		return user.AdminChange{}, err
	}
	if c.Email, err = canonical(c.Email, contact.Email); err != nil {
		return user.AdminChange{}, err
	}
	if id := c.ExternalID; id != nil && (len(*id) > maxExternalID || !printable(*id)) {
		return user.AdminChange{}, errs.New(errs.BadRequest, "field", "externalId")
	}
	if c.Status != nil {
		switch *c.Status {
		case user.StatusActive, user.StatusPending, user.StatusBlocked:
		default:
			return user.AdminChange{}, errs.New(errs.BadRequest, "field", "status")
		}
	}
	return user.AdminChange(c), nil
}

// canonical leaves nil and "" as they are.
func canonical(text *string, form func(string) (string, error)) (*string, error) {
	if text == nil || *text == "" {
		return text, nil
	}
	t, err := form(*text)
	return &t, err
}
