package signin

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// registeredByProvider is how people register whom a provider vouches for.
const registeredByProvider = "social"

// proveProvider signs in whom a provider vouches for. Known by the identity, or by the
// union id, they are who they were. Otherwise an account that owns an address the provider
// vouches for is theirs, as far as the connection is trusted with that; and if none does,
// they are new (LK-01, LK-05).
func (s *Service) proveProvider(ctx context.Context, in Input) (proof, error) {
	if in.Token == "" {
		return proof{}, errs.New(errs.FieldMissing, "field", "provider_token")
	}
	v, err := s.proofs.Voucher(ctx, in.Client, in.Token, in.ProviderID)
	if err != nil {
		return proof{}, err
	}
	poolID := in.Client.Pool.ID
	p := proof{
		amr: []string{"fed"}, provider: v.ProviderID, source: v.ProviderID, doubt: v.Doubt,
		protocol: protocolSocial, body: map[string]any{"provider": v.ProviderID},
		effect: func(ctx context.Context) error { return s.proofs.SpendVoucher(ctx, poolID, v) },
	}
	u, err := s.knownBy(ctx, poolID, v)
	switch {
	case err == nil:
		p.user = u
		if !v.told(u) || v.Revocable != "" {
			p.after = func(ctx context.Context, u user.User) error { return s.recognise(ctx, in, u, v) }
		}
	case errs.CodeOf(err) != errs.UserNotFound:
		return proof{source: v.ProviderID, doubt: v.Doubt}, err
	default:
		if p, err = s.unrecognised(ctx, in, p, v); err != nil {
			return proof{source: v.ProviderID, doubt: v.Doubt}, err // nobody, but the record says whence
		}
	}
	if in.SyncProfile {
		p = s.synced(p, v)
	}
	return p, nil
}

// knownBy finds the person of a voucher by identity or union id.
func (s *Service) knownBy(ctx context.Context, poolID string, v Voucher) (user.User, error) {
	u, err := s.Users.ByIdentity(ctx, poolID, v.ProviderID, v.Subject)
	if err == nil {
		i, _ := u.Identity(v.ProviderID, v.Subject)
		return u, v.same(i)
	}
	if errs.CodeOf(err) != errs.UserNotFound {
		return u, err
	}
	return s.Users.ByUnion(ctx, poolID, v.connection.UnionGroup, v.UnionID)
}

// recognise brings the identity of a known person up to date, in the transaction of their
// sign-in. A union id that comes late is stored; one that stands for somebody else is
// not, and is recorded for the operator: no two accounts are made one.
func (s *Service) recognise(ctx context.Context, in Input, u user.User, v Voucher) error {
	if _, linked := u.Identity(v.ProviderID, v.Subject); !linked { // known by the union id
		return s.proofs.Attach(ctx, u, v)
	}
	if err := s.proofs.keep(ctx, u, v); err != nil || v.told(u) {
		return err
	}
	err := s.Users.Refresh(ctx, u.PoolID, u.ID, v.identity())
	if errs.CodeOf(err) != errs.IdentifierTaken {
		return err
	}
	return s.Audit.Record(ctx, audit.Event{
		PoolID: u.PoolID, Action: audit.IdentityConflict, UserID: u.ID, ClientID: in.Client.ID,
		Result: string(errs.IdentifierTaken), Detail: map[string]string{"provider": v.ProviderID},
	})
}

// told reports whether u has the identity of v and the union id in it.
func (v Voucher) told(u user.User) bool {
	i, linked := u.Identity(v.ProviderID, v.Subject)
	fresh := v.identity().Profile
	return linked && (fresh[user.IdentityUnionGroup] == "" ||
		(i.Profile[user.IdentityUnionGroup] == fresh[user.IdentityUnionGroup] && i.Profile[user.IdentityUnion] == v.UnionID))
}

// unrecognised decides about somebody whose identity nobody has.
func (s *Service) unrecognised(ctx context.Context, in Input, p proof, v Voucher) (proof, error) {
	m, err := s.match(ctx, in.Client.Pool.ID, v)
	if err != nil {
		return proof{}, err
	}
	signUp := v.connection.SignUp && !in.NoSignUp
	if v.Revocable != "" {
		p.after = func(ctx context.Context, u user.User) error { return s.proofs.keep(ctx, u, v) }
	}
	switch {
	case in.AccountID != "":
		for _, u := range m.owners {
			if u.ID == in.AccountID {
				return s.joining(p, u, v), nil
			}
		}
		return proof{}, errs.New(errs.LinkRequired)
	case in.Create && signUp:
		p.newcomer = &newcomer{user: m.without(s.stranger(ctx, in, v)), custom: in.Custom}
	case len(m.owners) == 1 && !m.others:
		return s.joining(p, m.owners[0], v), nil
	case in.Ask && len(m.owners) > 0:
		p.step = &Step{Kind: StepChooseAccount, Token: in.Token, MayCreate: signUp, Accounts: m.owners}
	case in.Ask && (m.others || !signUp && m.claimed == nil):
		p.step = &Step{Kind: StepBindIdentity, Token: in.Token, MayCreate: signUp}
	case m.others || len(m.owners) > 0:
		return proof{}, errs.New(errs.LinkRequired)
	case m.claimed != nil:
		p = s.joining(p, m.claimant, v)
		p.claimed, p.own = m.claimed, s.proofs.Holds(ctx, in.Bearer, m.claimant)
	case !signUp:
		return proof{}, errs.New(errs.UserNotFound)
	default:
		p.newcomer = &newcomer{user: s.stranger(ctx, in, v), custom: in.Custom}
	}
	return p, nil
}

// joining signs u in and links to it whom v vouches for.
func (s *Service) joining(p proof, u user.User, v Voucher) proof {
	p.user = u
	p.after = func(ctx context.Context, u user.User) error { return s.proofs.Attach(ctx, u, v) }
	return p
}

// matches are the accounts that have an address a provider vouches for.
type matches struct {
	// owners have verified it, and the connection is trusted with linking.
	owners []user.User
	// claimant has one it never verified: whoever proves it gets the account without what
	// others put there.
	claimant user.User
	claimed  *Address
	// others says that somebody owns one whom the connection may not be linked to.
	others bool
	taken  []string
}

// match looks for accounts by the addresses a provider vouches for: phone numbers, and
// email addresses it has verified, if it is trusted with that. An address it only asserts
// leads to nobody.
func (s *Service) match(ctx context.Context, poolID string, v Voucher) (matches, error) {
	var m matches
	c := v.connection
	for _, a := range []struct {
		Address
		proved, links bool
	}{
		{Address{Channel: code.SMS, Target: v.Phone}, v.Phone != "", c.LinkPhone},
		{Address{Channel: code.Email, Target: v.Email}, v.EmailVerified && c.TrustEmail, c.TrustEmail},
	} {
		if a.Target == "" || (!a.proved && !v.EmailVerified) {
			continue
		}
		u, err := s.Users.ByTarget(ctx, poolID, a.Target)
		if errs.CodeOf(err) == errs.UserNotFound {
			continue
		}
		if err != nil {
			return m, err
		}
		m.taken = append(m.taken, a.Target)
		switch {
		case u.Owns(a.Target) && a.proved && a.links:
			m.own(u)
		case u.Owns(a.Target):
			m.others = true
		case a.proved && m.claimed == nil:
			m.claimant, m.claimed = u, &a.Address
		}
	}
	return m, nil
}

func (m *matches) own(u user.User) {
	for _, known := range m.owners {
		if known.ID == u.ID {
			return
		}
	}
	m.owners = append(m.owners, u)
}

// without takes from u the addresses that others have.
func (m *matches) without(u user.User) user.User {
	for _, target := range m.taken {
		if u.Phone == target {
			u.Phone, u.PhoneVerified = "", false
		}
		if u.Email == target {
			u.Email, u.EmailVerified = "", false
		}
	}
	return u
}

// stranger is the account of somebody new. They get the addresses the provider has
// verified and none that it only asserts; nothing is made up.
func (s *Service) stranger(ctx context.Context, in Input, v Voucher) user.User {
	u := blank(ctx, in.Client.Pool, registeredByProvider)
	if v.Phone != "" {
		u.Phone, u.PhoneVerified = v.Phone, true
	}
	if v.Email != "" && v.EmailVerified && v.connection.TrustEmail {
		u.Email, u.EmailVerified = v.Email, true
	}
	v.shown().Apply(&u)
	u.Identities = []user.Identity{v.identity()}
	return u
}

// CanonicalVoucher returns v with its addresses as they are stored, without those that
// are none.
func CanonicalVoucher(v Voucher) Voucher {
	if phone, err := contact.Phone(v.Phone, ""); v.Phone != "" && err == nil {
		v.Phone = phone
	} else {
		v.Phone = ""
	}
	if email, err := contact.Email(v.Email); v.Email != "" && err == nil {
		v.Email = email
	} else {
		v.Email, v.EmailVerified = "", false
	}
	return v
}

// linking adds to a proof by another method the identity of a provider token, which the
// account gets in the transaction of the sign-in.
func (s *Service) linking(ctx context.Context, in Input, p proof) (proof, error) {
	if in.Link == "" || in.Method == MethodProvider || in.Method == MethodAnonymous {
		return p, nil
	}
	v, err := s.proofs.Voucher(ctx, in.Client, in.Link, in.ProviderID)
	if err != nil {
		return p, err
	}
	spend, after := p.effect, p.after
	p.effect = func(ctx context.Context) error {
		if spend != nil {
			if err := spend(ctx); err != nil {
				return err
			}
		}
		return s.proofs.SpendVoucher(ctx, in.Client.Pool.ID, v)
	}
	p.after = func(ctx context.Context, u user.User) error {
		if after != nil {
			if err := after(ctx, u); err != nil {
				return err
			}
		}
		if err := s.proofs.Attach(ctx, u, v); err != nil {
			return err
		}
		return s.Audit.Record(ctx, audit.Event{
			PoolID: u.PoolID, Action: audit.IdentityLink, UserID: u.ID, ClientID: in.Client.ID,
			Detail: map[string]string{"provider": v.ProviderID},
		})
	}
	return p, nil
}
