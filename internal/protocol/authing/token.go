package authing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
	"github.com/tigertally/tigertally/internal/web"
)

// tokenFor is the login token an answer about who carries. Clients put it in the place of
// the one they have, so it is the same one again, or, for whoever showed an OIDC token,
// a login token of the same session.
func (p *Protocol) tokenFor(ctx context.Context, who session.Principal, u user.User) (string, error) {
	if who.Login {
		return web.Bearer(ctx), nil
	}
	t, err := p.reissue(ctx, who, u)
	return t.Access, err
}

// reissue makes another login token of the session of who.
func (p *Protocol) reissue(ctx context.Context, who session.Principal, u user.User) (session.Tokens, error) {
	c, err := p.pools.Client(ctx, who.ClientID)
	if err != nil {
		return session.Tokens{}, err
	}
	return p.sessions.Reissue(ctx, who, p.style(c)(u))
}

// me answers with who as they are now.
func (p *Protocol) me(ctx context.Context, who session.Principal) (userObject, error) {
	u, err := p.account.Me(ctx, who)
	if err != nil {
		return userObject{}, err
	}
	return p.mine(ctx, who, u)
}

// mine answers with u, who is who.
func (p *Protocol) mine(ctx context.Context, who session.Principal, u user.User) (userObject, error) {
	token, err := p.tokenFor(ctx, who, u)
	if err != nil {
		return userObject{}, err
	}
	return p.userJSON(u, token), nil
}

// password opens the password of a request that stores it.
func (p *Protocol) password(ctx context.Context, poolID, ciphertext string) (string, error) {
	if ciphertext == "" {
		return "", missing("password")
	}
	in, err := p.pools.Get(ctx, poolID)
	if err != nil {
		return "", err
	}
	return p.signin.Proofs().Sealed(ctx, in, func() ([]byte, error) {
		return p.keys.DecryptAny(ctx, poolID, ciphertext)
	})
}

// guess opens the password of a request that shows it, and says whether it could. What
// cannot be opened goes on as a password nobody has: it costs the same work and counts the
// same, so an answer says nothing about the padding (PW-12).
func (p *Protocol) guess(ctx context.Context, poolID, ciphertext string) (password string, opened bool, err error) {
	if ciphertext == "" {
		return "", false, missing("password")
	}
	plain, err := p.keys.DecryptAny(ctx, poolID, ciphertext)
	if err != nil {
		return "", false, err
	}
	if len(plain) == 0 || !utf8.Valid(plain) {
		sum := sha256.Sum256(plain)
		return hex.EncodeToString(sum[:]), false, nil
	}
	return string(plain), true, nil
}
