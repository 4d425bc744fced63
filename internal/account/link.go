package account

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// ConfirmPath is where the page is on which people confirm an address, before its token.
const ConfirmPath = "/oidc/confirm/"

// linkLife is how long a link works: mail is read later than a code that is waited for.
const linkLife = time.Hour

// What a ticket of ConfirmEmail is bound to.
const (
	bindPool   = "pool"
	bindTarget = "target"
)

// SendLink mails the owner of an account a link to a page of ours on which they confirm
// the address. To an address nobody has goes nothing, and the answer does not tell: nor
// does it wait for the mail, for then its time would. It counts against the limits on
// codes.
//
// Errors: EmailInvalid, CaptchaRequired, CaptchaInvalid, SendTooOften and
// TooManyRequests with the time to wait.
func (s *Service) SendLink(ctx context.Context, c pool.Client, email, captchaToken string) error {
	target, err := contact.Email(email)
	if err != nil {
		return err
	}
	if err := s.mayAsk(ctx, SendInput{Client: c, CaptchaToken: captchaToken}, target); err != nil {
		return err
	}
	owner, err := s.Users.ByTarget(ctx, c.Pool.ID, target)
	known := err == nil
	if err != nil && errs.CodeOf(err) != errs.UserNotFound {
		return err
	}
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		own, err := s.takeSend(ctx, c, code.Email, target)
		if err != nil || !known {
			return err
		}
		token, err := s.Tickets.Issue(ctx, ticket.Ticket{
			Class: ticket.ConfirmEmail, ClientID: c.ID, UserID: owner.ID, UsesLeft: 1, ExpiresAt: s.Now().Add(linkLife),
			Binding: map[string]string{bindPool: c.Pool.ID, bindTarget: target},
		})
		if err != nil {
			return err
		}
		if err := s.Notify.Link(ctx, notify.Link{
			Pool: c.Pool, Target: target, URL: s.PublicURL + ConfirmPath + token, Lang: caller.From(ctx).Lang,
			Life: linkLife, Charges: own,
		}); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: c.Pool.ID, Action: audit.CodeSend, UserID: owner.ID, ClientID: c.ID,
			Detail: map[string]string{"channel": code.Email, "to": contact.Mask(target), "link": "true"},
		})
	})
}

// Confirmation is what somebody who opened a link is asked.
type Confirmation struct {
	Product string
	Email   string
	// Confirmed says that there is nothing left to prove; HasPassword that the account has
	// one, which shows that it is the reader's own.
	Confirmed, HasPassword bool
}

// Confirmation tells what a link is about. It changes nothing, so that programs which
// look at the links of a mail use none up.
//
// Errors: TokenInvalid.
func (s *Service) Confirmation(ctx context.Context, token string) (Confirmation, error) {
	l, err := s.link(ctx, token)
	if err != nil {
		return Confirmation{}, err
	}
	return Confirmation{
		Product: l.pool.Settings.ProductName, Email: l.target,
		Confirmed: l.user.Owns(l.target), HasPassword: l.user.HasPassword(),
	}, nil
}

// Confirm verifies the address of a link, once. Whoever knows the password of the account
// has made it, and nothing of it ends. Without one the reader has proved the address
// alone: the account is theirs from now on, and what others may have put there ends: the
// password, other contacts, linked identities and sessions (LK-01, LK-03).
//
// Errors: TokenInvalid, and with a password PasswordWrong and PasswordAttempts, after
// which the link still works.
func (s *Service) Confirm(ctx context.Context, token, password string) error {
	l, err := s.link(ctx, token)
	if err != nil {
		return err
	}
	own := l.user.Owns(l.target)
	var right signin.Password
	if !own && password != "" {
		if right, err = s.Proofs.Password(ctx, l.pool, l.user, password); err != nil {
			return s.refused(ctx, l.nobody(), audit.ContactConfirm, err)
		}
	}
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Tickets.Spend(ctx, ticket.ConfirmEmail, "", token); err != nil {
			return err
		}
		if !own {
			if err := s.confirm(ctx, l, password != "", right); err != nil {
				return err
			}
		}
		return s.done(ctx, l.nobody(), audit.ContactConfirm, map[string]string{"channel": code.Email, "to": contact.Mask(l.target)})
	})
}

// confirm stores that the address is verified, in ctx's transaction.
func (s *Service) confirm(ctx context.Context, l link, mine bool, right signin.Password) error {
	if mine {
		if err := s.Proofs.Settle(ctx, l.user, right); err != nil {
			return err
		}
		// What was shown was the password of the account; a change may have come first.
		if err := s.Users.HoldPassword(ctx, l.user); err != nil {
			return err
		}
	}
	_, err := s.Proofs.Reclaim(ctx, l.user, signin.Address{Channel: code.Email, Target: l.target}, mine)
	return err
}

// link is what the token of a link stands for.
type link struct {
	user     user.User
	pool     pool.Pool
	clientID string
	target   string
}

// nobody is the account without a session.
func (l link) nobody() Principal {
	return Principal{PoolID: l.pool.ID, UserID: l.user.ID, ClientID: l.clientID}
}

func (s *Service) link(ctx context.Context, token string) (link, error) {
	t, err := s.Tickets.Peek(ctx, ticket.ConfirmEmail, "", token)
	if err != nil {
		return link{}, err
	}
	l := link{clientID: t.ClientID, target: t.Binding[bindTarget]}
	if l.pool, err = s.Pools.Get(ctx, t.Binding[bindPool]); err != nil {
		return link{}, err
	}
	l.user, err = s.Users.ByID(ctx, l.pool.ID, t.UserID)
	if errs.CodeOf(err) == errs.UserNotFound || err == nil && l.user.Email != l.target {
		return link{}, errs.New(errs.TokenInvalid)
	}
	return l, err
}
