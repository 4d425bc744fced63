package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

// NewUser is a person an operator or the emulator makes. Everything is as typed and
// optional, but one of Username, Phone and Email is needed. Addresses count as verified:
// the operator vouches for them.
type NewUser struct {
	Username, Phone, Email string
	Password               string
	Name                   string
	Status                 string // "" is active
	MustReset              bool   // the password has to be changed at the first sign-in
	CreatedFrom            string
}

// Create makes a person without asking them.
//
// Errors: FieldMissing, UsernameInvalid, PhoneInvalid, EmailInvalid, IdentifierTaken,
// UsernameTaken, BadRequest, the Password… codes of a policy.
func (s *Service) Create(ctx context.Context, p pool.Pool, in NewUser) (user.User, error) {
	u, err := in.user(p)
	if err != nil {
		return user.User{}, err
	}
	if in.Password != "" {
		if u.PasswordHash, err = s.Proofs.NewPassword(ctx, p, u, in.Password); err != nil {
			return user.User{}, err
		}
	}
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.Users.Create(ctx, &u); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{PoolID: p.ID, Action: audit.SignUp, UserID: u.ID, Actor: in.CreatedFrom})
	})
	if err != nil {
		u.ID = ""
		return user.User{}, s.Users.Conflict(ctx, err, u)
	}
	return u, nil
}

func (in NewUser) user(p pool.Pool) (user.User, error) {
	u := user.User{
		PoolID: p.ID, Kind: user.KindRegular, Status: in.Status, Name: in.Name,
		MustReset: in.MustReset, CreatedFrom: in.CreatedFrom,
	}
	switch u.Status {
	case "":
		u.Status = user.StatusActive
	case user.StatusActive, user.StatusPending, user.StatusBlocked:
	default:
		return u, errs.New(errs.BadRequest, "field", "status")
	}
	if in.Username+in.Phone+in.Email == "" {
		return u, errs.New(errs.FieldMissing, "field", "username")
	}
	var err error
	if in.Username != "" {
		if u.Username, _, err = contact.Username(in.Username); err != nil {
			return u, err
		}
	}
	if in.Phone != "" {
		if u.Phone, err = contact.Phone(in.Phone, ""); err != nil {
			return u, err
		}
		u.PhoneVerified = true
	}
	if in.Email != "" {
		if u.Email, err = contact.Email(in.Email); err != nil {
			return u, err
		}
		u.EmailVerified = true
	}
	return u, nil
}
