package admin_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
)

func (b bench) secret(t *testing.T, poolID string) string {
	t.Helper()
	text, err := b.Pools.NewSecret(t.Context(), poolID)
	wantCode(t, err, "")
	return text
}

func TestASecretBuysATokenOfItsPool(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		mine, other := b.secret(t, "p"), b.secret(t, "q")
		token, err := b.Admin.Token(t.Context(), "p", mine)
		wantCode(t, err, "")
		if life := token.ExpiresAt.Sub(token.IssuedAt); life <= time.Hour { // clients renew an hour before the end
			t.Errorf("lives %s", life)
		}
		m, err := b.Admin.Verify(t.Context(), token.Access)
		if err != nil || m.PoolID != "p" || m.Actor != "manage:p" {
			t.Errorf("manager = %+v, %v", m, err)
		}
		for name, try := range map[string][2]string{
			"another pool's secret": {"p", other}, "no secret": {"p", ""}, "no such pool": {"nowhere", mine},
			"a longer one": {"p", mine + "x"}, "a shorter one": {"p", mine[:len(mine)-1]}, "huge": {"p", strings.Repeat("x", 1<<20)},
		} {
			if _, err := b.Admin.Token(t.Context(), try[0], try[1]); errs.CodeOf(err) != errs.PoolSecretWrong {
				t.Errorf("%s: %v", name, err)
			}
		}
		b.Advance(2*time.Hour + time.Minute)
		_, err = b.Admin.Verify(t.Context(), token.Access)
		wantCode(t, err, errs.SessionInvalid)
	})
}

func TestARevokedSecretTakesItsTokensAlong(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		old := b.secret(t, "p")
		first, err := b.Pools.CheckSecret(t.Context(), "p", old)
		wantCode(t, err, "")
		fresh := b.secret(t, "p")
		ended, err := b.Admin.Token(t.Context(), "p", old)
		wantCode(t, err, "")
		stays, err := b.Admin.Token(t.Context(), "p", fresh)
		wantCode(t, err, "")
		wantCode(t, b.Pools.RevokeSecret(t.Context(), "q", first), errs.KeyNotFound) // MT-01
		wantCode(t, b.Pools.RevokeSecret(t.Context(), "p", first), "")
		_, err = b.Admin.Verify(t.Context(), ended.Access)
		wantCode(t, err, errs.SessionInvalid)
		_, err = b.Admin.Token(t.Context(), "p", old)
		wantCode(t, err, errs.PoolSecretWrong)
		_, err = b.Admin.Verify(t.Context(), stays.Access)
		wantCode(t, err, "")
	})
}

// AT-01: guesses are counted by address and never lock the owner out.
func TestWrongSecretsAreLimited(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		right := b.secret(t, "p")
		guesser, elsewhere := from(t.Context(), "203.0.113.9"), from(t.Context(), "203.0.113.10")
		var codes []errs.Code
		for range 25 {
			_, err := b.Admin.Token(guesser, "p", "ps_guess")
			codes = append(codes, errs.CodeOf(err))
		}
		if !slices.Equal(slices.Compact(codes), []errs.Code{errs.PoolSecretWrong, errs.TooManyRequests}) {
			t.Errorf("answers %v", codes)
		}
		_, err := b.Admin.Token(elsewhere, "p", "ps_guess")
		wantCode(t, err, errs.PoolSecretWrong)
		_, err = b.Admin.Token(guesser, "p", right)
		wantCode(t, err, "")
	})
}

// AD-03: no class of token is taken for another.
func TestTokenClassesDoNotMix(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		mine := b.secret(t, "p")
		token, err := b.Admin.Token(ctx, "p", mine)
		wantCode(t, err, "")
		b.create(t, admin.NewUser{Username: "alice", Password: password})
		tokens, _ := b.SignIn(t, "alice")
		sign := func(pool, typ string, claims map[string]any) string {
			text, err := b.Keys.Sign(ctx, pool, typ, claims)
			wantCode(t, err, "")
			return text
		}
		now := b.Now().Unix()
		full := map[string]any{"iss": "https://id.test/p", "aud": "p", "iat": now, "exp": now + 600, "psid": "x"}
		for name, text := range map[string]string{
			"an access token": tokens.Access, "a refresh token": tokens.Refresh, "the secret": mine, "nothing": "",
			"an ID token": sign("p", "JWT", full), "an unknown secret": sign("p", "mgmt+jwt", full),
			"another pool's key": sign("q", "mgmt+jwt", full),
			"no signature":       token.Access[:strings.LastIndexByte(token.Access, '.')+1],
		} {
			if m, err := b.Admin.Verify(ctx, text); errs.CodeOf(err) != errs.SessionInvalid {
				t.Errorf("%s manages: %+v, %v", name, m, err)
			}
		}
		if p, err := b.Sessions.Verify(ctx, token.Access); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("a management token signs in: %+v, %v", p, err)
		}
		if p, err := b.Sessions.VerifyAny(ctx, token.Access); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("a management token signs in: %+v, %v", p, err)
		}
		if _, err := b.Sessions.Inspect(ctx, token.Access); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("a management token is an access token: %v", err)
		}
	})
}
