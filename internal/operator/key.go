package operator

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// maxKeyText bounds what is hashed as a key, maxKeyList the scopes, pools and addresses.
const (
	maxKeyText = 256
	maxKeyList = 64
)

// Authenticate returns whom a session token or an API key stands for; from is the address
// the request came from. A session without a second factor is returned as well, and its
// principal may do nothing.
//
// Errors: SessionInvalid, APIKeyInvalid.
func (s *Service) Authenticate(ctx context.Context, credential string, from netip.Addr) (Principal, error) {
	if strings.HasPrefix(credential, sessionPrefix+"_") {
		live, err := s.live(ctx, credential)
		return live.principal(), err
	}
	return s.key(ctx, credential, from)
}

// key finds an API key and notes its use every few minutes.
func (s *Service) key(ctx context.Context, text string, from netip.Addr) (Principal, error) {
	refused := errs.New(errs.APIKeyInvalid)
	if text == "" || len(text) > maxKeyText {
		return Principal{}, refused
	}
	k, err := s.findKey(ctx, secret.Hash(text))
	if errors.Is(err, db.ErrNoRows) {
		return Principal{}, refused
	}
	if err != nil {
		return Principal{}, fmt.Errorf("find API key: %w", err)
	}
	now := s.d.Now()
	if !k.RevokedAt.IsZero() || !now.Before(k.ExpiresAt) || !k.from(from) {
		return Principal{}, refused
	}
	if now.Sub(k.LastUsed) >= usedEvery {
		if err := s.touchKey(ctx, k.ID, now, from.Unmap().String()); err != nil {
			return Principal{}, fmt.Errorf("note use of API key: %w", err)
		}
	}
	return Principal{Kind: KindKey, ID: k.ID, Name: k.Name, Role: k.Role, Scopes: k.Scopes, Pools: k.Pools}, nil
}

// from says whether the key may be used from an address.
func (k Key) from(addr netip.Addr) bool {
	return len(k.Addresses) == 0 || slices.ContainsFunc(k.Addresses, func(p netip.Prefix) bool {
		return p.Contains(addr.Unmap())
	})
}

// NewKey makes an API key and returns its text, which is shown this once.
//
// Errors: PermissionDenied, SudoRequired, BadRequest.
func (s *Service) NewKey(ctx context.Context, by Principal, k NewKey) (string, Key, error) {
	text := secret.Token(keyPrefix)
	id, err := s.addKey(ctx, by, text, k)
	if err != nil {
		return "", Key{}, err
	}
	made, err := s.listKeys(ctx, id)
	if err != nil || len(made) == 0 {
		return "", Key{}, fmt.Errorf("read API key: %w", errors.Join(err, errs.New(errs.APIKeyNotFound)))
	}
	return text, made[0], nil
}

// AddKey makes text, a secret of 256 random bits or more, an API key; one that is known is
// left as it is. Errors: those of NewKey.
func (s *Service) AddKey(ctx context.Context, by Principal, text string, k NewKey) error {
	if len(text) < 43 || len(text) > maxKeyText || strings.HasPrefix(text, sessionPrefix+"_") {
		return errs.New(errs.BadRequest, "field", "key")
	}
	_, err := s.addKey(ctx, by, text, k)
	return err
}

func (s *Service) addKey(ctx context.Context, by Principal, text string, k NewKey) (string, error) {
	if err := s.may(by, AdminsWrite); err != nil {
		return "", err
	}
	k, err := k.checked()
	if err != nil {
		return "", err
	}
	now := s.d.Now()
	made := Key{
		ID: secret.ID(), Name: k.Name, Role: k.Role, Scopes: k.Scopes, Pools: k.Pools, Addresses: k.Addresses,
		CreatedBy: by.Actor(), CreatedAt: now, ExpiresAt: now.Add(k.Life),
	}
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.insertKey(ctx, made, secret.Hash(text))
		if err != nil || n == 0 {
			return err
		}
		return s.record(ctx, by, audit.APIKeyCreate, "", map[string]string{
			"key": made.ID, "name": made.Name, "role": string(made.Role), "scopes": joined(made.Scopes),
			"expires": made.ExpiresAt.UTC().Format(time.RFC3339),
		})
	})
	return made.ID, err
}

// checked fills in what was left out and refuses what makes no sense.
func (k NewKey) checked() (NewKey, error) {
	refuse := func(field string) (NewKey, error) { return NewKey{}, errs.New(errs.BadRequest, "field", field) }
	k.Name = strings.TrimSpace(k.Name)
	if k.Name == "" || len(k.Name) > 4*maxName || strings.ContainsFunc(k.Name, control) {
		return refuse("name")
	}
	if err := checkRole(k.Role); err != nil {
		return NewKey{}, err
	}
	if k.Scopes == nil {
		k.Scopes = slices.DeleteFunc(k.Role.Scopes(), func(s Scope) bool { return s == AdminsWrite })
	}
	has := k.Role.Scopes()
	for _, scope := range k.Scopes {
		if scope == AdminsWrite || !slices.Contains(has, scope) || len(k.Scopes) > maxKeyList {
			return refuse("scopes")
		}
	}
	if len(k.Pools) > maxKeyList || slices.Contains(k.Pools, "") {
		return refuse("pools")
	}
	for i, p := range k.Addresses {
		if !p.IsValid() || len(k.Addresses) > maxKeyList {
			return refuse("addresses")
		}
		k.Addresses[i] = p.Masked()
	}
	if k.Life == 0 {
		k.Life = MaxKeyLife
	}
	if k.Life < time.Minute || k.Life > MaxKeyLife {
		return refuse("life")
	}
	return k, nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

// Keys lists the API keys, newest first. Errors: PermissionDenied.
func (s *Service) Keys(ctx context.Context, by Principal) ([]Key, error) {
	if err := s.may(by, AdminsRead); err != nil {
		return nil, err
	}
	return s.listKeys(ctx, "")
}

// RevokeKey ends an API key at once. Errors: PermissionDenied, SudoRequired,
// APIKeyNotFound, also for one that has ended.
func (s *Service) RevokeKey(ctx context.Context, by Principal, id string) error {
	if err := s.may(by, AdminsWrite); err != nil {
		return err
	}
	return s.d.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.revokeKey(ctx, id, s.d.Now())
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.APIKeyNotFound)
		}
		return s.record(ctx, by, audit.APIKeyRevoke, "", map[string]string{"key": id})
	})
}

func joined(scopes []Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}
