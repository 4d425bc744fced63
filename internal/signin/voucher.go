package signin

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/revocation"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// Voucher is whom an identity provider vouches for.
type Voucher struct {
	ProviderID string `json:"provider"` // the id of the connection
	Subject    string `json:"sub"`
	UnionID    string `json:"union,omitempty"`
	AppID      string `json:"app,omitempty"` // whose subjects these are: the vendor's app, an issuer
	Name       string `json:"name,omitempty"`
	Picture    string `json:"picture,omitempty"`
	Email      string `json:"email,omitempty"`
	Phone      string `json:"phone,omitempty"` // E.164, vouched for

	EmailVerified bool `json:"email_verified,omitempty"`

	// Revocable is what the provider wants back when the identity is unlinked, as
	// revocation.Service.Seal has made it; "" for nothing.
	Revocable string `json:"revocable,omitempty"`

	// Doubt is why Email is not believed, "" when it is.
	Doubt string `json:"doubt,omitempty"`

	// Session and User are set when the token is for linking in that session only.
	Session string `json:"-"`
	User    string `json:"-"`
	// Device is the one that brought the credential, "" when it did not say.
	Device string `json:"-"`

	token      string
	connection connection.Connection
}

// VoucherLife is how long a provider token is good.
const VoucherLife = 10 * time.Minute

// Vouch turns v into a provider token: good once, for ten minutes, for this application
// and device and, with a session, for linking in that session alone (TK-03).
func (p *Proofs) Vouch(ctx context.Context, c pool.Client, v Voucher) (string, error) {
	binding, err := v.binding(caller.From(ctx).DeviceID)
	if err != nil {
		return "", err
	}
	return p.tickets.Issue(ctx, ticket.Ticket{
		Class: ticket.Provider, PoolID: c.Pool.ID, ClientID: c.ID, UserID: v.User, SessionID: v.Session,
		Binding: binding, UsesLeft: 1, ExpiresAt: p.now().Add(VoucherLife),
	})
}

// Revouch replaces what the token of v, as Voucher read it, stands for.
//
// Errors: TokenInvalid.
func (p *Proofs) Revouch(ctx context.Context, poolID string, v Voucher) error {
	binding, err := v.binding(v.Device)
	if err != nil {
		return err
	}
	return p.tickets.Rebind(ctx, ticket.Provider, poolID, v.token, binding)
}

func (v Voucher) binding(device string) (map[string]string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("voucher: %w", err)
	}
	return map[string]string{"voucher": string(text), "device": device}, nil
}

// Voucher reads a provider token without spending it. A providerID other than "" must be
// its own.
//
// Errors: TokenInvalid, ProviderUnknown when the provider was switched off since (SO-06).
func (p *Proofs) Voucher(ctx context.Context, c pool.Client, token, providerID string) (Voucher, error) {
	t, err := p.tickets.Peek(ctx, ticket.Provider, c.Pool.ID, token)
	if err != nil {
		return Voucher{}, err
	}
	v := Voucher{}
	if err := json.Unmarshal([]byte(t.Binding["voucher"]), &v); err != nil {
		return Voucher{}, fmt.Errorf("voucher: %w", err)
	}
	v.token, v.Session, v.User, v.Device = token, t.SessionID, t.UserID, t.Binding["device"]
	if t.ClientID != c.ID || (providerID != "" && providerID != v.ProviderID) ||
		(v.Device != "" && v.Device != caller.From(ctx).DeviceID) {
		return Voucher{}, errs.New(errs.TokenInvalid)
	}
	v.connection, err = p.connections.Enabled(ctx, c.Pool.ID, v.ProviderID)
	return v, err
}

// SpendVoucher uses up the token of v. It must run in the transaction of the effect
// (TK-02).
func (p *Proofs) SpendVoucher(ctx context.Context, poolID string, v Voucher) error {
	_, err := p.tickets.Spend(ctx, ticket.Provider, poolID, v.token)
	return err
}

// Attach links whom v vouches for to u, in ctx's transaction. What is linked to u already
// is fine.
//
// Errors: IdentityTaken when the identity, or its union id, is somebody else's.
func (p *Proofs) Attach(ctx context.Context, u user.User, v Voucher) error {
	owner, err := p.users.ByIdentity(ctx, u.PoolID, v.ProviderID, v.Subject)
	if errs.CodeOf(err) == errs.UserNotFound {
		err = p.users.Link(ctx, u.PoolID, u.ID, v.identity())
		if err == nil {
			return p.keep(ctx, u, v)
		}
		if errs.CodeOf(err) != errs.IdentifierTaken {
			return err
		}
		// Somebody was first, maybe the same person at the same moment.
		if owner, err = p.users.ByIdentity(ctx, u.PoolID, v.ProviderID, v.Subject); errs.CodeOf(err) == errs.UserNotFound {
			return errs.New(errs.IdentityTaken) // the union id is
		}
	}
	if err == nil && owner.ID != u.ID {
		err = errs.New(errs.IdentityTaken)
	}
	if err != nil {
		return err
	}
	return p.keep(ctx, u, v)
}

// keep stores what the provider wants back one day, in ctx's transaction.
func (p *Proofs) keep(ctx context.Context, u user.User, v Voucher) error {
	i := revocation.Identity{PoolID: u.PoolID, Provider: v.ProviderID, Subject: v.Subject}
	return p.revocations.Keep(ctx, u.ID, i, v.Revocable)
}

// identity is what is stored of v. What the provider says of an address stays with it: it
// is no contact of the person.
func (v Voucher) identity() user.Identity {
	about := map[string]string{}
	for key, value := range map[string]string{
		user.IdentityApp: v.AppID, user.IdentityUnion: v.UnionID, "picture": v.Picture,
	} {
		if value != "" {
			about[key] = value
		}
	}
	if v.UnionID != "" && v.connection.UnionGroup != "" {
		about[user.IdentityUnionGroup] = v.connection.UnionGroup
	}
	return user.Identity{Provider: v.ProviderID, Subject: v.Subject, Name: v.Name, Profile: about}
}

// same refuses a subject that was linked when the connection spoke for another app or
// issuer: it is another person's there (LK-05). A union id is the same for all of them.
func (v Voucher) same(i user.Identity) error {
	if v.AppID == "" || v.Subject == v.UnionID || cmp.Or(i.Profile[user.IdentityApp], v.AppID) == v.AppID {
		return nil
	}
	return errs.New(errs.ProviderMisconfigured).Because(
		fmt.Errorf("connection %s vouches for subjects of %q, linked ones are of %q", v.ProviderID, v.AppID, i.Profile[user.IdentityApp]))
}
