package signin

import (
	"context"
	"maps"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

// newcomer is somebody about to be registered, however they came.
type newcomer struct {
	user     user.User // with an id only when an anonymous person becomes this one
	password string    // in clear until the last moment: hashing is dear
	custom   map[string]any
	// unproved says that no message was paid for on the way, which would have bounded
	// how many come from one address.
	unproved bool
	// again looks for them once more without asking for another proof, when somebody else
	// has stored them meanwhile; nil asks the method again.
	again func(context.Context) (proof, error)
}

// blank is a regular person of the pool before anything is known of them. how says by
// which way they registered.
func blank(ctx context.Context, p pool.Pool, how string) user.User {
	return user.User{
		PoolID: p.ID, Kind: user.KindRegular, Status: user.StatusActive,
		CreatedFrom: caller.From(ctx).Protocol, RegisteredBy: how,
	}
}

// enroll is the one way into the pool: the limits, the identifiers, the functions of the
// pool, the account, and then the session unless the request wants none. When functions
// have to be shown the person in between, the account is a transaction of its own.
func (s *Service) enroll(ctx context.Context, r request, p proof) (Outcome, error) {
	n := *p.newcomer
	if err := s.mayEnroll(ctx, r, n); err != nil {
		return Outcome{}, err
	}
	n, err := s.dress(ctx, r, n)
	if err != nil {
		return Outcome{}, err
	}
	p.newcomer, p.user = &n, n.user
	r.action = enrollAction(r, n)
	if !r.noSession && !r.functions.active(ctx, pipeline.PostRegister) && !r.functions.active(ctx, pipeline.PreAuthentication) {
		out, err := s.enter(ctx, r, p)
		return out, s.Users.Conflict(ctx, err, n.user)
	}
	if p.user, err = s.found(ctx, r, p); err != nil {
		return Outcome{}, s.Users.Conflict(ctx, err, n.user)
	}
	if p.user, err = s.follow(ctx, r, pipeline.PostRegister, p.user); err != nil || r.noSession {
		return Outcome{User: p.user}, err
	}
	p.newcomer, p.effect, p.after, r.action = nil, nil, nil, audit.SignIn
	return s.enter(ctx, r, p)
}

// enrollAction is what the record calls it. People without an identifier of their own
// sign in for the first time, but did not sign up.
func enrollAction(r request, n newcomer) string {
	if n.user.Kind == user.KindRegular {
		return audit.SignUp
	}
	return r.action
}

// mayEnroll refuses what is known to be refused before anything dear is done.
func (s *Service) mayEnroll(ctx context.Context, r request, n newcomer) error {
	if n.unproved {
		if err := s.countRegistration(ctx, r.client.Pool); err != nil {
			return err
		}
	}
	return s.free(ctx, n.user)
}

// countRegistration counts one that nothing stood in front of.
func (s *Service) countRegistration(ctx context.Context, p pool.Pool) error {
	if !p.Settings.Limits {
		return nil
	}
	return s.Limits.Take(ctx, limit.Registrations.In(p.ID, caller.From(ctx).Prefix()), limit.RegisterAddress()...)
}

// free refuses identifiers that somebody has. The guards of the database decide; this is
// to know before hashing and before functions are asked.
func (s *Service) free(ctx context.Context, u user.User) error {
	for _, target := range []string{u.Phone, u.Email} {
		if target == "" {
			continue
		}
		if _, err := s.Users.ByTarget(ctx, u.PoolID, target); errs.CodeOf(err) != errs.UserNotFound {
			if err == nil {
				err = errs.New(errs.IdentifierTaken)
			}
			return err
		}
	}
	if u.Username == "" {
		return nil
	}
	display, _, err := contact.Username(u.Username)
	if err != nil {
		return err
	}
	known, err := s.Users.Exists(ctx, u.PoolID, display)
	if err == nil && known {
		err = errs.New(errs.UsernameTaken)
	}
	return err
}

// dress completes the newcomer: what functions say, custom fields, the hash.
func (s *Service) dress(ctx context.Context, r request, n newcomer) (newcomer, error) {
	shown := n.user
	shown.ID = "" // nobody has registered yet
	c, err := s.ask(ctx, r, pipeline.PreRegister, shown)
	if err != nil {
		return n, err
	}
	c.profile.Apply(&n.user)
	custom, err := s.custom(ctx, n.user.PoolID, n.custom)
	if err != nil {
		return n, err
	}
	n.user.Custom = maps.Clone(n.user.Custom)
	if n.user.Custom == nil {
		n.user.Custom = make(map[string]any, len(custom)+len(c.custom))
	}
	maps.Copy(n.user.Custom, custom)
	maps.Copy(n.user.Custom, c.custom)
	if n.password != "" {
		n.user.PasswordHash, err = s.proofs.NewPassword(ctx, r.client.Pool, n.user, n.password)
	}
	return n, err
}

// found is the transaction of an account without a session.
func (s *Service) found(ctx context.Context, r request, p proof) (user.User, error) {
	var u user.User
	err := s.DB.InTx(ctx, func(ctx context.Context) error {
		var err error
		if u, err = s.settle(ctx, p); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: u.PoolID, Action: audit.SignUp, UserID: u.ID, ClientID: r.client.ID, Detail: r.detail,
		})
	})
	return u, err
}

// store creates u, or turns the anonymous person with its id into u and ends every
// session that was anonymous. It joins ctx's transaction.
func (s *Service) store(ctx context.Context, u user.User) (user.User, error) {
	if u.ID == "" {
		err := s.Users.Create(ctx, &u)
		return u, err
	}
	if err := s.Users.Promote(ctx, &u); err != nil {
		return u, err
	}
	u.Identities = nil
	if _, err := s.Sessions.RevokeUser(ctx, u.ID, "", "upgraded"); err != nil || len(u.Custom) == 0 {
		return u, err
	}
	return s.Users.SetCustom(ctx, u.PoolID, u.ID, u.Custom)
}
