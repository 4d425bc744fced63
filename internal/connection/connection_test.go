package connection_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

func service(t *testing.T, d *db.DB, now func() time.Time) *connection.Service {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.New(d, now).Create(t.Context(), "p", "Test", pool.Settings{})
	if err != nil && errs.CodeOf(err) != errs.PoolTaken {
		t.Fatal(err)
	}
	return connection.New(d, ring, now)
}

func wantCode(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != want {
		t.Fatalf("error = %v, want %q", err, want)
	}
}

func TestConnectionsAreKept(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, other := service(t, d, time.Now), service(t, d, time.Now)
		ctx := t.Context()
		want := map[string]string{"appid": "wx1", "secret": "hush-hush-hush"}
		first, err := s.Put(ctx, connection.Connection{PoolID: "p", ID: "wx_open", Kind: "wechat_open", Enabled: true}, want)
		wantCode(t, err, "")
		_, err = s.Put(ctx, connection.Connection{PoolID: "p", ID: "zz_off", Kind: "oidc"}, nil)
		wantCode(t, err, "")
		for _, node := range []*connection.Service{s, other} {
			list, err := node.List(ctx, "p")
			wantCode(t, err, "")
			if len(list) != 2 || list[0].ID != "wx_open" || list[0].Title("zh-CN") != "微信" {
				t.Fatalf("list = %+v", list)
			}
			got, err := node.Settings(list[0])
			wantCode(t, err, "")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("settings: -want +got\n%s", diff)
			}
		}
		_, err = s.Enabled(ctx, "p", "zz_off")
		wantCode(t, err, errs.ProviderUnknown)
		_, err = s.Enabled(ctx, "other", "wx_open")
		wantCode(t, err, errs.ProviderUnknown)
		byKind, err := s.ByKind(ctx, "p", "wechat_open")
		wantCode(t, err, "")
		if byKind.ID != "wx_open" {
			t.Errorf("by kind: %q", byKind.ID)
		}
		again, err := s.Put(ctx, first, want)
		wantCode(t, err, "")
		if again.Version() == first.Version() {
			t.Error("putting it again left the version")
		}
		wantCode(t, s.Remove(ctx, "p", "wx_open"), "")
		wantCode(t, s.Remove(ctx, "p", "wx_open"), errs.ProviderUnknown)
		_, err = s.Get(ctx, "p", "wx_open")
		wantCode(t, err, errs.ProviderUnknown)
	})
}

// KM: what is in the database opens nowhere but in its own row, and not without the key.
func TestSettingsAreSealedForTheirPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := service(t, d, time.Now)
		ctx := t.Context()
		for _, id := range []string{"one", "two"} {
			_, err := s.Put(ctx, connection.Connection{PoolID: "p", ID: id, Kind: "oidc"}, map[string]string{"client_secret": "hush-" + id})
			wantCode(t, err, "")
		}
		var raw []byte
		if err := d.QueryRow(ctx, `SELECT settings FROM connections WHERE id = 'one'`).Scan(&raw); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte("hush")) {
			t.Error("the settings are in clear")
		}
		if _, err := d.Exec(ctx, `UPDATE connections SET settings = (SELECT c.settings FROM connections c WHERE c.id = 'two')`); err != nil {
			t.Fatal(err)
		}
		list, err := service(t, d, time.Now).List(ctx, "p")
		wantCode(t, err, "")
		if _, err := s.Settings(list[0]); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("settings of another row: %v", err)
		}
	})
}

func TestBadConnectionsAreRefused(t *testing.T) {
	tests := []struct {
		name     string
		c        connection.Connection
		settings map[string]string
		want     errs.Code
	}{
		{"no id", connection.Connection{Kind: "oidc"}, nil, errs.BadRequest},
		{"an id that needs an escape", connection.Connection{ID: "a b", Kind: "oidc"}, nil, errs.BadRequest},
		{"a path", connection.Connection{ID: "../x", Kind: "oidc"}, nil, errs.BadRequest},
		{"a provider of the core", connection.Connection{ID: "anonymous", Kind: "oidc"}, nil, errs.BadRequest},
		{"the other one", connection.Connection{ID: "custom", Kind: "oidc"}, nil, errs.BadRequest},
		{"no kind", connection.Connection{ID: "x"}, nil, errs.BadRequest},
		{"a long name", connection.Connection{ID: "x", Kind: "oidc", Name: strings.Repeat("n", 129)}, nil, errs.FieldTooLong},
		{"a novel", connection.Connection{ID: "x", Kind: "oidc"}, map[string]string{"a": strings.Repeat("n", 40<<10)}, errs.FieldTooLong},
	}
	d := dbtest.Open(t, "sqlite")
	s := service(t, d, time.Now)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.c.PoolID = "p"
			_, err := s.Put(t.Context(), test.c, test.settings)
			wantCode(t, err, test.want)
		})
	}
}

// W10: a hundred who need an application token at once fetch one.
func TestTokensAreFetchedOnce(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var ahead atomic.Int64
		now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		s := service(t, d, now)
		tokens := s.Tokens(connection.Connection{PoolID: "p", ID: "wx1"})
		var fetched atomic.Int64
		fetch := func(context.Context) (string, time.Duration, error) { //nolint:unparam // what Get takes
			time.Sleep(20 * time.Millisecond)
			return "token-" + string(rune('0'+fetched.Add(1))), time.Hour, nil
		}
		want := func(of connection.Tokens, want string) {
			t.Helper()
			won, lost := accounttest.Race(100, func(int) error {
				got, err := of.Get(t.Context(), "app", fetch)
				if err == nil && got != want {
					return errors.New("got " + got + ", want " + want)
				}
				return err
			})
			if won != 100 {
				t.Fatalf("%d of 100: %v", won, lost[0])
			}
		}
		want(tokens, "token-1")
		want(service(t, d, now).Tokens(connection.Connection{PoolID: "p", ID: "wx1"}), "token-1") // another node
		want(s.Tokens(connection.Connection{PoolID: "p", ID: "wx2"}), "token-2")                  // another connection
		wantCode(t, tokens.Drop(t.Context(), "app", "token-0"), "")                               // not the one kept
		want(tokens, "token-1")
		wantCode(t, tokens.Drop(t.Context(), "app", "token-1"), "")
		want(tokens, "token-3")
		ahead.Store(int64(time.Hour))
		want(tokens, "token-4")
		wantCode(t, s.Sweep(t.Context()), "")
	})
}

func TestFailedFetchIsTriedAgain(t *testing.T) {
	d := dbtest.Open(t, "sqlite")
	tokens := service(t, d, time.Now).Tokens(connection.Connection{PoolID: "p", ID: "wx1"})
	_, err := tokens.Get(t.Context(), "app", func(context.Context) (string, time.Duration, error) {
		return "", 0, errs.New(errs.Unavailable)
	})
	wantCode(t, err, errs.Unavailable)
	got, err := tokens.Get(t.Context(), "app", func(context.Context) (string, time.Duration, error) { return "t", time.Hour, nil })
	wantCode(t, err, "")
	if got != "t" {
		t.Errorf("got %q", got)
	}
}
