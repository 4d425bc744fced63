package account

import (
	"context"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// LinkInput links an identity to the account of the session.
type LinkInput struct {
	Token string // a provider token
	// ProviderID, unless empty, must be the token's.
	ProviderID string
	SudoToken  string
	Assurance  Assurance
}

// LinkProvider links whom a provider token vouches for to the account of p, and tells its
// verified contacts. With BySudo it takes a sudo token or a sign-in of the last five
// minutes. A token that was granted in another session, or to another device, is refused,
// and so is one of which neither is known (LK-07).
//
// Errors: FieldMissing, TokenInvalid, ProviderUnknown, SudoRequired, SudoInvalid,
// IdentityTaken when the identity, or its union id, belongs to somebody else,
// AnonymousDenied.
func (s *Service) LinkProvider(ctx context.Context, p Principal, in LinkInput) error {
	return s.refused(ctx, p, audit.IdentityLink, s.linkProvider(ctx, p, in))
}

func (s *Service) linkProvider(ctx context.Context, p Principal, in LinkInput) error {
	if in.Token == "" {
		return errs.New(errs.FieldMissing, "field", "provider_token")
	}
	u, err := s.Me(ctx, p)
	if err != nil {
		return err
	}
	if u.Anonymous() {
		return errs.New(errs.AnonymousDenied)
	}
	c, err := s.client(ctx, p)
	if err != nil {
		return err
	}
	c.ID = p.ClientID
	v, err := s.Proofs.Voucher(ctx, c, in.Token, in.ProviderID)
	if err != nil {
		return err
	}
	if !meant(v, p) {
		return errs.New(errs.TokenInvalid)
	}
	return s.DB.InTx(ctx, func(ctx context.Context) error {
		if in.Assurance == BySudo {
			if err := s.spendSudo(ctx, p, in.SudoToken, true); err != nil {
				return err
			}
		}
		if err := s.Proofs.SpendVoucher(ctx, p.PoolID, v); err != nil {
			return err
		}
		if err := s.Proofs.Attach(ctx, u, v); err != nil {
			return err
		}
		params := map[string]string{"provider": s.nameOf(ctx, p, v.ProviderID)}
		if err := s.tell(ctx, c.Pool, u, notify.IdentityLinked, "", params); err != nil {
			return err
		}
		return s.done(ctx, p, audit.IdentityLink, map[string]string{"provider": v.ProviderID})
	})
}

// meant reports whether v may be linked in the session of p: it was granted there or, if
// nobody said in which session, on a device that Voucher has compared.
func meant(v signin.Voucher, p Principal) bool {
	if v.Session != "" {
		return v.Session == p.SessionID
	}
	return v.Device != ""
}

// nameOf is what people call a provider.
func (s *Service) nameOf(ctx context.Context, p Principal, id string) string {
	if c, err := s.Connections.Get(ctx, p.PoolID, id); err == nil {
		return c.Title(caller.From(ctx).Lang)
	}
	return id
}

// ProviderState is an identity provider and what links the account to it.
type ProviderState struct {
	ID, Name, Kind string
	Bound          bool
	Subject        string // "" unless Bound
	SubjectName    string
}

// Providers lists what the pool's people can sign in with, each with whether the account
// is linked to it, and what else the account is linked to.
func (s *Service) Providers(ctx context.Context, p Principal) ([]ProviderState, error) {
	u, err := s.Me(ctx, p)
	if err != nil {
		return nil, err
	}
	list, err := s.Connections.List(ctx, p.PoolID)
	if err != nil {
		return nil, err
	}
	lang := caller.From(ctx).Lang
	states := make([]ProviderState, 0, len(list))
	shown := map[string]bool{user.ProviderAnonymous: true, user.ProviderCustom: true}
	for _, c := range list {
		bound := false
		for _, i := range u.Identities {
			if i.Provider == c.ID {
				bound = true
				states = append(states, ProviderState{c.ID, c.Title(lang), c.Kind, true, i.Subject, i.Name})
			}
		}
		if !bound && c.Enabled {
			states = append(states, ProviderState{ID: c.ID, Name: c.Title(lang), Kind: c.Kind})
		}
		shown[c.ID] = true
	}
	for _, i := range u.Identities {
		if !shown[i.Provider] {
			states = append(states, ProviderState{i.Provider, i.Provider, "", true, i.Subject, i.Name})
		}
	}
	return states, nil
}
