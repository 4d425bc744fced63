package signin

import (
	"context"

	"github.com/tigertally/tigertally/internal/user"
)

// Holds reports whether access is a live token of a session of u.
func (p *Proofs) Holds(ctx context.Context, access string, u user.User) bool {
	if access == "" {
		return false
	}
	who, err := p.sessions.VerifyAny(ctx, access)
	return err == nil && who.PoolID == u.PoolID && who.UserID == u.ID
}

// Reclaim gives an account to whoever has proved an address that it had only claimed:
// the address is verified, and everything that somebody who had not proved it may have
// prepared ends — the password, other contacts, linked identities, sessions and whatever
// is pending (LK-01, LK-03, LK-06). With own, the prover holds a session of the account:
// it was theirs all along and nothing ends. It joins ctx's transaction and returns the
// person as they are now.
func (p *Proofs) Reclaim(ctx context.Context, u user.User, a Address, own bool) (user.User, error) {
	if own {
		if err := p.users.MarkVerified(ctx, u, a.Channel); err != nil {
			return u, err
		}
		a.giveTo(&u)
		return u, nil
	}
	after, err := p.users.DropUnproved(ctx, u, a.Channel, true)
	if err != nil {
		return u, err
	}
	if err := p.revocations.Leave(ctx, u.PoolID, u.ID, ""); err != nil {
		return u, err
	}
	if err := p.Void(ctx, u.ID); err != nil {
		return u, err
	}
	_, err = p.sessions.RevokeUser(ctx, u.ID, "", "reclaimed")
	return after, err
}

// Void ends everything the person, or whoever had their account, has begun and could yet
// finish. It joins ctx's transaction.
func (p *Proofs) Void(ctx context.Context, userID string) error {
	if err := p.tickets.Void(ctx, userID); err != nil {
		return err
	}
	for _, void := range p.pendings {
		if err := void(ctx, userID); err != nil {
			return err
		}
	}
	return nil
}

// Pending tells of something people can leave half done that is no ticket: void ends it
// for a user, in ctx's transaction. It is called while the server is put together.
func (p *Proofs) Pending(void func(ctx context.Context, userID string) error) {
	p.pendings = append(p.pendings, void)
}
