package pool_test

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
)

type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time {
	return time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC).Add(time.Duration(c.ahead.Load()))
}
func (c *clock) advance(d time.Duration) { c.ahead.Add(int64(d)) }

func create(t *testing.T, s *pool.Service, id string, set pool.Settings) {
	t.Helper()
	if _, err := s.Create(t.Context(), id, "Pool "+id, set); err != nil {
		t.Fatal(err)
	}
}

func TestUnsetSettingsAreStrict(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := pool.New(d, c.Now)
		create(t, s, "p1", pool.Settings{})
		create(t, s, "p2", pool.Settings{PasswordMin: 6, Limits: true})
		p1, err := s.Get(t.Context(), "p1")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pool.Defaults(), p1.Settings); diff != "" {
			t.Errorf("-defaults +got\n%s", diff)
		}
		p2, err := s.Get(t.Context(), "p2")
		if err != nil {
			t.Fatal(err)
		}
		want := pool.Defaults()
		want.PasswordMin, want.PasswordCommon, want.Anonymous = 6, false, false
		if diff := cmp.Diff(want, p2.Settings); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestSettingsOutOfBoundsAreRefused(t *testing.T) {
	tests := map[string]func(*pool.Settings){
		"code_life":     func(s *pool.Settings) { s.CodeLife = time.Hour },
		"login_life":    func(s *pool.Settings) { s.LoginLife = 32 * 24 * time.Hour },
		"refresh_grace": func(s *pool.Settings) { s.RefreshGrace = 2 * time.Minute },
		"password_min":  func(s *pool.Settings) { s.PasswordMin = 4 },
		"captcha":       func(s *pool.Settings) { s.Captcha = "sometimes" },
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := pool.New(d, c.Now)
		create(t, s, "p1", pool.Settings{})
		for field, edit := range tests {
			err := s.UpdateSettings(t.Context(), "p1", edit)
			if e := errs.From(err); e == nil || e.Code != errs.BadRequest || e.Params["field"] != field {
				t.Errorf("%s: got %v", field, err)
			}
		}
	})
}

func TestClientNamesItsPool(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := pool.New(d, c.Now)
		create(t, s, "first", pool.Settings{})
		c.advance(time.Second)
		create(t, s, "second", pool.Settings{})
		app := pool.App{ID: "web", PoolID: "second", Name: "Web"}
		if err := s.CreateApp(t.Context(), app); err != nil {
			t.Fatal(err)
		}
		check := func(sent, wantPool, wantApp string) {
			t.Helper()
			got, err := s.Client(t.Context(), sent)
			if err != nil {
				t.Errorf("client %q: %v", sent, err)
				return
			}
			if got.Pool.ID != wantPool || got.App.ID != wantApp {
				t.Errorf("client %q: got %s/%s, want %s/%s", sent, got.Pool.ID, got.App.ID, wantPool, wantApp)
			}
		}
		check("first", "first", "first")
		check("second", "second", "second")
		check("web", "second", "web")
		check("", "first", "first")
		if _, err := s.Client(t.Context(), "nobody"); errs.CodeOf(err) != errs.ClientUnknown {
			t.Errorf("unknown client: %v", err)
		}
		if err := s.SetDefault(t.Context(), "second"); err != nil {
			t.Fatal(err)
		}
		open := func(set *pool.Settings) { set.OpenClients = true }
		if err := s.UpdateSettings(t.Context(), "second", open); err != nil {
			t.Fatal(err)
		}
		check("", "second", "second")
		check("nobody", "second", "second")
	})
}

// SE-06: another node sees a change within two seconds.
func TestOtherNodeSeesChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		one, two := pool.New(d, c.Now), pool.New(d, c.Now)
		create(t, one, "p1", pool.Settings{})
		if _, err := two.Get(t.Context(), "p1"); err != nil {
			t.Fatal(err)
		}
		edit := func(a *pool.AppSettings) { a.Origins = []string{"https://a.example"} }
		if err := one.UpdateApp(t.Context(), "p1", edit); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*pool.Service{one, two} {
			got, err := s.Client(t.Context(), "p1")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"https://a.example"}, got.App.Settings.Origins); diff != "" {
				t.Error(diff)
			}
			c.advance(2 * time.Second)
		}
	})
}

func TestRolledBackPoolIsForgotten(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := pool.New(d, c.Now)
		undo := errors.New("undo")
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			if _, err := s.Create(ctx, "ghost", "", pool.Settings{}); err != nil {
				return err
			}
			if _, err := s.Get(ctx, "ghost"); err != nil {
				return err
			}
			return undo
		})
		if !errors.Is(err, undo) {
			t.Fatal(err)
		}
		c.advance(2 * time.Second)
		if _, err := s.Get(t.Context(), "ghost"); errs.CodeOf(err) != errs.PoolNotFound {
			t.Errorf("got %v", err)
		}
	})
}

func TestTakenNamesAreRefused(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := pool.New(d, c.Now)
		create(t, s, "p1", pool.Settings{})
		if _, err := s.Create(t.Context(), "p1", "", pool.Settings{}); errs.CodeOf(err) != errs.PoolTaken {
			t.Errorf("pool: %v", err)
		}
		if err := s.CreateApp(t.Context(), pool.App{ID: "p1", PoolID: "p1"}); errs.CodeOf(err) != errs.PoolTaken {
			t.Errorf("application: %v", err)
		}
	})
}

func TestTicketKeyWorksUntilRevoked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var c clock
		s := pool.New(d, c.Now)
		create(t, s, "p1", pool.Settings{})
		create(t, s, "p2", pool.Settings{})
		file, err := s.NewTicketKey(t.Context(), "p1")
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode([]byte(file.PrivateKey))
		private, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		public, err := s.TicketKey(t.Context(), "p1", file.PrivateKeyID)
		if err != nil {
			t.Fatal(err)
		}
		if !private.(*rsa.PrivateKey).PublicKey.Equal(public) {
			t.Error("the halves differ")
		}
		if _, err := s.TicketKey(t.Context(), "p2", file.PrivateKeyID); errs.CodeOf(err) != errs.KeyNotFound {
			t.Errorf("another pool: %v", err)
		}
		if err := s.RevokeTicketKey(t.Context(), "p2", file.PrivateKeyID); errs.CodeOf(err) != errs.KeyNotFound {
			t.Errorf("revoked by another pool: %v", err)
		}
		if err := s.RevokeTicketKey(t.Context(), "p1", file.PrivateKeyID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.TicketKey(t.Context(), "p1", file.PrivateKeyID); errs.CodeOf(err) != errs.KeyNotFound {
			t.Errorf("revoked: %v", err)
		}
		list, err := s.TicketKeys(t.Context(), "p1")
		if err != nil || len(list) != 1 || list[0].RevokedAt.IsZero() {
			t.Errorf("list: %v, %v", list, err)
		}
	})
}
