package session_test

import (
	"encoding/base64"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
)

type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).Add(time.Duration(c.ahead.Load()))
}
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

// world is one installation with pools p1 and p2 and an active user of each, u1 and u2.
type world struct {
	*session.Service
	db     *db.DB
	clock  *clock
	keys   *keys.Service
	p1, p2 pool.Pool
}

func newWorld(t testing.TB, d *db.DB) *world {
	t.Helper()
	w := &world{db: d, clock: &clock{}}
	pools := pool.New(d, w.clock.Now)
	for _, id := range []string{"1", "2"} {
		p, err := pools.Create(t.Context(), "p"+id, id, pool.Settings{})
		if err != nil {
			t.Fatal(err)
		}
		if id == "1" {
			w.p1 = p
		} else {
			w.p2 = p
		}
		addUser(t, d, p.ID, "u"+id)
	}
	w.Service, w.keys = node(t, d, w.clock.Now)
	return w
}

// node is another server on the same database with the same key file.
func node(t testing.TB, d *db.DB, now func() time.Time) (*session.Service, *keys.Service) {
	t.Helper()
	ring, err := secret.NewKeyring([]byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		t.Fatal(err)
	}
	ks := keys.New(d, ring, now)
	return session.New(d, ks, ring, now, func(p string) string { return "https://id.example/" + p }), ks
}

func addUser(t testing.TB, d *db.DB, poolID, id string) {
	t.Helper()
	if _, err := d.Exec(t.Context(), `INSERT INTO users (id, pool_id, kind, status, phone_verified,
		email_verified, password_hash, must_reset, name, picture, gender, locale, birthdate, zoneinfo,
		description, custom, created_from, created_at, updated_at)
		VALUES ($1, $2, 'regular', 'active', $3, $3, '', $3, '', '', '', '', '', '', '', '{}', '', 0, 0)`,
		id, poolID, false); err != nil {
		t.Fatal(err)
	}
}

func (w *world) start(t testing.TB) session.Tokens {
	t.Helper()
	tokens, err := w.Start(t.Context(), session.Start{
		Pool: w.p1, ClientID: "p1", UserID: "u1", DeviceID: "d1", Scope: "user sso",
		AMR: []string{"pwd"}, ProviderType: "password",
	})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func (w *world) rotate(t testing.TB, tokens session.Tokens) session.Tokens {
	t.Helper()
	next, err := w.Rotate(t.Context(), w.p1, "p1", tokens.Refresh)
	if err != nil {
		t.Fatal(err)
	}
	return next
}

func (w *world) rotateRefused(t testing.TB, what, refresh string) {
	t.Helper()
	if _, err := w.Rotate(t.Context(), w.p1, "p1", refresh); errs.CodeOf(err) != errs.RefreshInvalid {
		t.Errorf("%s: got %v, want %s", what, err, errs.RefreshInvalid)
	}
}

func (w *world) verifyRefused(t testing.TB, what, access string) {
	t.Helper()
	if _, err := w.Verify(t.Context(), access); errs.CodeOf(err) != errs.SessionInvalid {
		t.Errorf("%s: got %v, want %s", what, err, errs.SessionInvalid)
	}
}

func (w *world) verified(t testing.TB, what, access string) session.Principal {
	t.Helper()
	p, err := w.Verify(t.Context(), access)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	}
	return p
}

func (w *world) exec(t testing.TB, query string) {
	t.Helper()
	if _, err := w.db.Exec(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// mutations are token truncated everywhere, extended, and with every character changed.
func mutations(token string) []string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	all := []string{
		"", token + "A", token + "=", token + "\n", " " + token, token + token,
		strings.ToUpper(token), strings.ToLower(token), strings.Repeat("A", 1<<16),
		"r." + base64.RawURLEncoding.EncodeToString(make([]byte, 82)),
	}
	for i := range len(token) {
		all = append(all, token[:i], token[i:i]+token[i+1:], token[:i]+"\n"+token[i:])
		next := alphabet[(strings.IndexByte(alphabet, token[i])+1)%64]
		all = append(all, token[:i]+string(next)+token[i+1:])
	}
	return all
}
