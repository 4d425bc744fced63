package session_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/session"
)

const fortnight = 14 * 24 * time.Hour

// loginStyle is the one of Authing apps.
func loginStyle() session.Style {
	return session.Style{
		Alg: keys.RS256, Typ: session.TypLogin, Life: fortnight,
		Claims: map[string]any{
			"data": map[string]any{"id": "u1"}, "sub": "root", "exp": 1, "sid": "x", "scope": "root", "token_use": "id", "roles": "admin",
		},
	}
}

func (w *world) login(t testing.TB) session.Tokens {
	t.Helper()
	tokens, err := w.Start(t.Context(), session.Start{
		Pool: w.p1, ClientID: "p1", UserID: "u1", Scope: "user", Style: loginStyle(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

// JW-06: a style changes the form of a token and adds claims; none of ours gives way.
func TestStyledToken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		tokens := w.login(t)
		head, body := decode(t, tokens.Access)
		if head["alg"] != "RS256" || head["typ"] != "JWT" {
			t.Errorf("header %v", head)
		}
		if body["sub"] != "u1" || body["scope"] != "user" || body["sid"] != tokens.SessionID || body["token_use"] != nil || body["roles"] != nil {
			t.Errorf("claims %v", body)
		}
		if diff := cmp.Diff(any(map[string]any{"id": "u1"}), body["data"]); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		now := w.clock.Now()
		if tokens.ExpiresIn != fortnight || !tokens.IssuedAt.Equal(now) || !tokens.ExpiresAt.Equal(now.Add(fortnight)) {
			t.Errorf("tokens %+v", tokens)
		}
	})
}

// SE-01: each sort of token passes where it is meant to, remembered or not.
func TestSortsOfTokens(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		access, login := w.start(t), w.login(t)
		id, err := w.keys.SignWith(t.Context(), "p1", keys.RS256, session.TypLogin, map[string]any{
			"iss": "https://id.example/p1", "sub": "u1", "aud": "p1", "project_id": "p1", "sid": login.SessionID,
			"token_use": session.UseID, "iat": w.clock.Now().Unix(), "exp": w.clock.Now().Add(time.Hour).Unix(),
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			for _, test := range []struct {
				token               string
				verify, any, asking bool
			}{
				{access.Access, true, true, false},
				{login.Access, false, true, true},
				{id, false, true, false},
				{"garbage", false, false, false},
			} {
				for what, got := range map[string]bool{
					"Verify":      passes(w.Verify(t.Context(), test.token)) == test.verify,
					"VerifyAny":   passes(w.VerifyAny(t.Context(), test.token)) == test.any,
					"VerifyLogin": passes(w.VerifyLogin(t.Context(), test.token)) == test.asking,
				} {
					if !got {
						t.Errorf("%s is wrong about %s", what, test.token)
					}
				}
			}
		}
	})
}

func passes(_ session.Principal, err error) bool { return err == nil }

func TestReissueKeepsTheSession(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first := w.login(t)
		p, err := w.VerifyLogin(t.Context(), first.Access)
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			w.clock.advance(10 * 24 * time.Hour)
			next, err := w.Reissue(t.Context(), p, loginStyle())
			if err != nil {
				t.Fatal(err)
			}
			if next.Refresh != "" || next.SessionID != first.SessionID || next.ExpiresIn != fortnight || next.Access == first.Access {
				t.Errorf("tokens %+v", next)
			}
			if list, err := w.List(t.Context(), "u1"); err != nil || len(list) != 1 {
				t.Errorf("%d live sessions, %v", len(list), err)
			}
			if p, err = w.VerifyLogin(t.Context(), next.Access); err != nil {
				t.Fatal(err)
			}
		}
		if !p.AuthAt.Equal(first.AuthAt) {
			t.Error("asking for another token counts as signing in")
		}
		if err := w.Revoke(t.Context(), p.SessionID, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Reissue(t.Context(), p, loginStyle()); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("of an ended session: %v", err)
		}
		unused := w.login(t)
		if p, err = w.VerifyLogin(t.Context(), unused.Access); err != nil {
			t.Fatal(err)
		}
		w.clock.advance(31 * 24 * time.Hour)
		if _, err := w.Reissue(t.Context(), p, loginStyle()); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("of an idle session: %v", err)
		}
	})
}

// Clients ask who they are all the time; only what lasts longer for it is written down.
func TestReissueOfALastingSessionWritesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		p, err := w.VerifyLogin(t.Context(), w.login(t).Access)
		if err != nil {
			t.Fatal(err)
		}
		reissue := func(want uint64) {
			t.Helper()
			before := d.Stats().Transactions
			next, err := w.Reissue(t.Context(), p, loginStyle())
			if wrote := d.Stats().Transactions - before; err != nil || wrote != want || next.ExpiresIn != fortnight {
				t.Errorf("%d transactions, %+v, %v", wrote, next, err)
			}
		}
		reissue(0)
		w.clock.advance(20 * 24 * time.Hour)
		reissue(1)
		reissue(0)
	})
}

// SE-01: an ID token or an access token that is shown for a login token gets one for the
// rest of its own life, and not for a fortnight.
func TestReissueForOtherTokensIsNoGain(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		tokens := w.start(t)
		w.clock.advance(30 * time.Minute)
		p, err := w.VerifyAny(t.Context(), tokens.Access)
		if err != nil {
			t.Fatal(err)
		}
		next, err := w.Reissue(t.Context(), p, loginStyle())
		if want := tokens.ExpiresIn - 30*time.Minute; err != nil || next.ExpiresIn != want {
			t.Errorf("lives %s, want %s: %v", next.ExpiresIn, want, err)
		}
	})
}

// SE-02: a session begun from another lasts no longer than that one.
func TestForkLastsNoLonger(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		first := w.login(t)
		p, err := w.VerifyLogin(t.Context(), first.Access)
		if err != nil {
			t.Fatal(err)
		}
		in := session.Start{Pool: w.p1, ClientID: "p1", Scope: "openid"}
		w.clock.advance(time.Hour)
		next, err := w.Fork(t.Context(), p, in)
		if err != nil || next.Sub != "u1" || !next.AuthAt.Equal(first.AuthAt) || next.SessionID == first.SessionID {
			t.Errorf("tokens %+v, %v", next, err)
		}
		list, err := w.List(t.Context(), "u1")
		if err != nil || len(list) != 2 || !list[0].ExpiresAt.Equal(list[1].ExpiresAt) {
			t.Errorf("sessions %+v, %v", list, err)
		}
		if err := w.Revoke(t.Context(), first.SessionID, "test"); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Fork(t.Context(), p, in); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("of an ended session: %v", err)
		}
	})
}

// SE-06: what is begun from a session while all of them end does not stay behind.
func TestNoForkSurvivesTheEndOfAll(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		for range 20 {
			p, err := w.VerifyLogin(t.Context(), w.login(t).Access)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 4)
			for range cap(done) {
				go func() {
					_, err := w.Fork(t.Context(), p, session.Start{Pool: w.p1, ClientID: "p1", Scope: "openid"})
					done <- err
				}()
			}
			if _, err := w.RevokeUser(t.Context(), "u1", "", "test"); err != nil {
				t.Fatal(err)
			}
			for range cap(done) {
				if err := <-done; err != nil && errs.CodeOf(err) != errs.SessionInvalid {
					t.Fatal(err)
				}
			}
			if list, err := w.List(t.Context(), "u1"); err != nil || len(list) != 0 {
				t.Fatalf("%d sessions stay, %v", len(list), err)
			}
		}
	})
}

// SE-09: one session takes the other's place, once.
func TestReplace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		old := w.start(t)
		p := w.verified(t, "before", old.Access)
		w.clock.advance(time.Minute)
		in := session.Start{Pool: w.p1, ClientID: "p1", Scope: "openid"}
		next, err := w.Replace(t.Context(), p, "test", in)
		if err != nil {
			t.Fatal(err)
		}
		if next.SessionID == old.SessionID || next.Sub != "u1" || !next.AuthAt.Equal(p.AuthAt) || !cmp.Equal(next.AMR, p.AMR) {
			t.Errorf("tokens %+v", next)
		}
		w.verifyRefused(t, "the old one", old.Access)
		w.verified(t, "the new one", next.Access)
		if _, err := w.Replace(t.Context(), p, "test", in); errs.CodeOf(err) != errs.SessionInvalid {
			t.Errorf("twice: %v", err)
		}
	})
}

func TestRevokeClientEndsOneApplication(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		mine := w.start(t)
		other, err := w.Start(t.Context(), session.Start{Pool: w.p1, ClientID: "other", UserID: "u1"})
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.RevokeClient(t.Context(), "u1", "p1", "test"); err != nil || n != 1 {
			t.Errorf("%d, %v", n, err)
		}
		w.verifyRefused(t, "of the application", mine.Access)
		w.verified(t, "of another", other.Access)
	})
}

func TestPeekRotatesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newWorld(t, d)
		a := w.start(t)
		for range 2 {
			if row, newest, err := w.Peek(t.Context(), "p1", "", a.Refresh); err != nil || !newest || row.ID != a.SessionID {
				t.Errorf("%+v %v %v", row, newest, err)
			}
		}
		b := w.rotate(t, a)
		if _, newest, err := w.Peek(t.Context(), "p1", "", a.Refresh); err != nil || newest {
			t.Errorf("a used token: %v %v", newest, err)
		}
		for _, bad := range []string{"", b.Access, b.Refresh + "A"} {
			if _, _, err := w.Peek(t.Context(), "p1", "", bad); errs.CodeOf(err) != errs.RefreshInvalid {
				t.Errorf("nonsense: %v", err)
			}
		}
		if _, _, err := w.Peek(t.Context(), "p2", "", b.Refresh); errs.CodeOf(err) != errs.RefreshInvalid {
			t.Errorf("another pool: %v", err)
		}
	})
}
