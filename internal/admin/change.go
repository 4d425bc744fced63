package admin

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// UserChange is a change of a person, as typed; nil leaves a field alone, and an empty
// text takes an address or the external id away.
type UserChange struct {
	Profile                      user.Profile
	Phone, Email                 *string
	PhoneVerified, EmailVerified *bool // a new address is unverified unless it says otherwise
	ExternalID                   *string
	Status                       *string
	Password                     *string
	KeepPassword                 bool           // the password is an old one: only its length is checked
	MustReset                    *bool          // false after a new password unless it says otherwise
	Custom                       map[string]any // custom fields; nil takes one away
	// Check may refuse the change by what the person was before it; nil refuses nothing. It
	// runs in the transaction.
	Check func(before user.User) error
}

// UpdateUser changes a person, all of it or nothing. Whoever is blocked, gets another password or has to choose
// one is signed out everywhere, and what they had begun is void.
//
// Errors: UserNotFound, those of Check, of CreateUser and of SetCustom.
func (s *Service) UpdateUser(ctx context.Context, m Manager, id string, in UserChange) (user.User, error) {
	c, err := change{
		Profile: in.Profile, Phone: in.Phone, Email: in.Email,
		PhoneVerified: in.PhoneVerified, EmailVerified: in.EmailVerified,
		Status: in.Status, ExternalID: in.ExternalID, MustReset: in.MustReset,
	}.canonical()
	if err != nil {
		return user.User{}, err
	}
	if in.Password != nil && *in.Password != "" {
		phc, err := s.newHash(ctx, m, id, c, in)
		if err != nil {
			return user.User{}, err
		}
		c.PasswordHash = &phc
	}
	custom, err := s.customOf(ctx, m, in.Custom)
	if err != nil {
		return user.User{}, err
	}
	var after user.User
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		before, now, err := s.d.Users.Update(ctx, m.PoolID, id, c)
		if err != nil {
			return err
		}
		if in.Check != nil {
			if err := in.Check(before); err != nil {
				return err
			}
		}
		if after = now; !custom.empty() {
			if after, err = s.d.Users.SetCustom(ctx, m.PoolID, id, custom.set, custom.remove...); err != nil {
				return err
			}
		}
		if why := endsSessions(before, after); why != "" {
			if err := s.d.Account.CutOff(ctx, id, why); err != nil {
				return err
			}
		}
		detail := changed(before, after)
		if !custom.empty() {
			detail["custom"] = custom.names()
		}
		return s.done(ctx, m, audit.UserUpdate, id, detail)
	})
	if err != nil {
		return user.User{}, err
	}
	return after, nil
}

// newHash hashes outside the transaction of the change.
func (s *Service) newHash(ctx context.Context, m Manager, id string, c user.AdminChange, in UserChange) (string, error) {
	p, err := s.d.Pools.Get(ctx, m.PoolID)
	if err != nil {
		return "", err
	}
	u, err := s.User(ctx, m, id)
	if err != nil {
		return "", err
	}
	c.Profile.Apply(&u)
	return s.hash(ctx, p, u, *in.Password, in.KeepPassword)
}

// endsSessions says why a change signs the person out, "" when it does not.
func endsSessions(before, after user.User) string {
	switch {
	case before.PasswordHash != after.PasswordHash:
		return "password"
	case before.Status == user.StatusActive && after.Status != user.StatusActive:
		return "blocked"
	case !before.MustReset && after.MustReset:
		return "reset"
	}
	return ""
}

// changed names what the record shows: that something changed, never its value.
func changed(before, after user.User) map[string]string {
	var names []string
	for _, f := range []struct {
		name    string
		differs bool
	}{
		{"username", before.Username != after.Username},
		{"phone", before.Phone != after.Phone},
		{"phone_verified", before.PhoneVerified != after.PhoneVerified},
		{"email", before.Email != after.Email},
		{"email_verified", before.EmailVerified != after.EmailVerified},
		{"external_id", before.ExternalID != after.ExternalID},
		{"password", before.PasswordHash != after.PasswordHash},
		{"must_reset", before.MustReset != after.MustReset},
	} {
		if f.differs {
			names = append(names, f.name)
		}
	}
	detail := map[string]string{}
	if len(names) > 0 {
		detail["changed"] = strings.Join(names, " ")
	}
	if before.Status != after.Status {
		detail["status"] = after.Status
	}
	return detail
}

// maxBatch bounds how many people one call may name.
const maxBatch = 100

// DeleteUsers removes people for good and says how many there were. Each goes with
// everything kept by them; ids nobody has are no error.
func (s *Service) DeleteUsers(ctx context.Context, m Manager, ids []string) (int, error) {
	if len(ids) > maxBatch {
		return 0, errs.New(errs.FieldTooLong, "field", "ids", "max", "100")
	}
	people, err := s.d.Users.ByIDs(ctx, m.PoolID, ids)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, u := range people {
		err := s.d.DB.InTx(ctx, func(ctx context.Context) error {
			if err := s.d.Account.Erase(ctx, u); err != nil {
				return err
			}
			return s.done(ctx, m, audit.Delete, u.ID, nil)
		})
		if errs.CodeOf(err) == errs.UserNotFound { // somebody else was first
			continue
		}
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// Kick ends the sessions of people, at one application or, with "", at all.
func (s *Service) Kick(ctx context.Context, m Manager, ids []string, clientID string) error {
	if len(ids) > maxBatch {
		return errs.New(errs.FieldTooLong, "field", "userIds", "max", "100")
	}
	people, err := s.d.Users.ByIDs(ctx, m.PoolID, ids)
	if err != nil {
		return err
	}
	return s.d.DB.InTx(ctx, func(ctx context.Context) error {
		for _, u := range people {
			if err := s.signOut(ctx, u.ID, clientID); err != nil {
				return err
			}
			if err := s.done(ctx, m, audit.SessionRevoke, u.ID, nil); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Service) signOut(ctx context.Context, userID, clientID string) error {
	if clientID == "" {
		return s.d.Account.CutOff(ctx, userID, "kick")
	}
	_, err := s.d.Sessions.RevokeClient(ctx, userID, clientID, "kick")
	return err
}

func printable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
