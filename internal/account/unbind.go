package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// UnbindContact removes the phone number (code.SMS) or the email address (code.Email) and
// tells its owner. Sessions go on; pending verifications end (LK-04).
//
// Errors: ContactUnset, LastMethod when nothing would be left to sign in with,
// AnonymousDenied.
func (s *Service) UnbindContact(ctx context.Context, p Principal, channel string) (user.User, error) {
	u, err := s.Me(ctx, p)
	if err != nil {
		return user.User{}, err
	}
	if u.Anonymous() {
		return user.User{}, errs.New(errs.AnonymousDenied)
	}
	c, err := s.client(ctx, p)
	if err != nil {
		return user.User{}, err
	}
	remove, old := s.Users.ClearPhone, u.Phone
	if channel == code.Email {
		remove, old = s.Users.ClearEmail, u.Email
	}
	params := map[string]string{"contact": contact.Mask(old)}
	after := user.User{}
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if err := remove(ctx, u.PoolID, u.ID); err != nil {
			return err
		}
		if err := s.Tickets.Void(ctx, u.ID, ticket.Verification, ticket.ConfirmEmail); err != nil {
			return err
		}
		if err := s.tell(ctx, c.Pool, u, notify.ContactChanged, "", params); err != nil {
			return err
		}
		if after, err = s.Users.ByID(ctx, u.PoolID, u.ID); err != nil {
			return err
		}
		return s.done(ctx, p, audit.ContactUnbind, map[string]string{"channel": channel, "to": params["contact"]})
	})
	return after, s.refused(ctx, p, audit.ContactUnbind, err)
}
