package channel_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/channel"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

func service(t *testing.T, d *db.DB) *channel.Service {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"shop", "other"} {
		_, err = pool.New(d, time.Now).Create(t.Context(), id, id, pool.Settings{})
		if err != nil && errs.CodeOf(err) != errs.PoolTaken {
			t.Fatal(err)
		}
	}
	return channel.New(d, ring, time.Now)
}

func text(id string, countries ...string) channel.Driver {
	return channel.Driver{PoolID: "shop", ID: id, Channel: channel.SMS, Kind: "tencent", Enabled: true, Countries: countries}
}

func order(t *testing.T, s *channel.Service, poolID string) (ids []string) {
	t.Helper()
	list, err := s.List(t.Context(), poolID, channel.SMS)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		ids = append(ids, d.ID)
	}
	return ids
}

func wantCode(t *testing.T, err error, want errs.Code) {
	t.Helper()
	if got := errs.CodeOf(err); got != want {
		t.Fatalf("error = %v, want %q", err, want)
	}
}

func TestDriversKeepTheirOrderOnEveryNode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, other := service(t, d), service(t, d)
		ctx := t.Context()
		for _, id := range []string{"a", "b", "c"} {
			_, err := s.Put(ctx, text(id), map[string]string{"secret_key": "hush-" + id})
			wantCode(t, err, "")
		}
		wantCode(t, s.Move(ctx, "shop", "c", 1), "")
		_, err := s.Put(ctx, text("a"), map[string]string{"secret_key": "again"}) // keeps its place
		wantCode(t, err, "")
		if diff := cmp.Diff([]string{"c", "a", "b"}, order(t, s, "shop")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"c", "a", "b"}, order(t, other, "shop")); diff != "" {
			t.Error("another node:", diff)
		}
		wantCode(t, s.Move(ctx, "shop", "c", 99), "")
		wantCode(t, s.Remove(ctx, "shop", "a"), "")
		if diff := cmp.Diff([]string{"b", "c"}, order(t, s, "shop")); diff != "" {
			t.Error(diff)
		}
		// MT-01: nothing of another pool's is found or changed.
		if got := order(t, s, "other"); got != nil {
			t.Errorf("another pool has %v", got)
		}
		wantCode(t, s.Move(ctx, "other", "b", 1), errs.MessageDriverNotFound)
		wantCode(t, s.Switch(ctx, "other", "b", false), errs.MessageDriverNotFound)
		wantCode(t, s.Remove(ctx, "other", "b"), errs.MessageDriverNotFound)
		_, err = s.Get(ctx, "other", "b")
		wantCode(t, err, errs.MessageDriverNotFound)
	})
}

// KM: what is in the database opens nowhere but in its own row.
func TestDriverSettingsAreSealedForTheirPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := service(t, d)
		ctx := t.Context()
		first, err := s.Put(ctx, text("one"), map[string]string{"secret_key": "hush"})
		wantCode(t, err, "")
		second, err := s.Put(ctx, text("one"), map[string]string{"secret_key": "hush"})
		wantCode(t, err, "")
		if first.Version() == second.Version() {
			t.Error("putting it again left the version")
		}
		_, err = s.Put(ctx, text("two"), map[string]string{"secret_key": "hush"})
		wantCode(t, err, "")
		var raw []byte
		if err := d.QueryRow(ctx, `SELECT settings FROM message_drivers WHERE id = 'one'`).Scan(&raw); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte("hush")) {
			t.Error("the settings are in clear")
		}
		if _, err := d.Exec(ctx, `UPDATE message_drivers SET settings = (SELECT m.settings FROM message_drivers m WHERE m.id = 'two')`); err != nil {
			t.Fatal(err)
		}
		moved, err := service(t, d).Get(ctx, "shop", "one")
		wantCode(t, err, "")
		if _, err := s.Settings(moved); !errors.Is(err, secret.ErrSealed) {
			t.Errorf("settings of another row: %v", err)
		}
	})
}

func TestBadDriversAreRefused(t *testing.T) {
	s := service(t, dbtest.Open(t, dbtest.SQLite))
	for name, tt := range map[string]struct {
		edit func(*channel.Driver)
		want errs.Code
	}{
		"a path":           {func(d *channel.Driver) { d.ID = "../x" }, errs.BadRequest},
		"no id":            {func(d *channel.Driver) { d.ID = "" }, errs.BadRequest},
		"another channel":  {func(d *channel.Driver) { d.Channel = "pigeon" }, errs.BadRequest},
		"no dialling code": {func(d *channel.Driver) { d.Countries = []string{"China"} }, errs.BadRequest},
	} {
		d := text("x")
		tt.edit(&d)
		_, err := s.Put(t.Context(), d, nil)
		if errs.CodeOf(err) != tt.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for n := range 10 {
		_, err := s.Put(t.Context(), text(fmt.Sprint("n", n)), nil)
		wantCode(t, err, "")
	}
	_, err := s.Put(t.Context(), text("n10"), nil)
	wantCode(t, err, errs.MessageDriverLimit)
	if got := len(order(t, s, "shop")); got != 10 {
		t.Errorf("%d drivers", got)
	}
}

func TestCountriesOfADriver(t *testing.T) {
	for _, tt := range []struct {
		countries []string
		to        string
		want      bool
	}{
		{nil, "+8613800000000", true},
		{[]string{"+86"}, "+8613800000000", true},
		{[]string{"+86"}, "+85261234567", false},
		{[]string{"+1", "+852"}, "+85261234567", true},
		{[]string{"+86"}, "mike@example.com", true},
	} {
		if got := text("x", tt.countries...).Serves(tt.to); got != tt.want {
			t.Errorf("%v serves %s: %t", tt.countries, tt.to, got)
		}
	}
}

func TestWordsBelongToOnePool(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := service(t, d)
		ctx := t.Context()
		w := channel.Words{PoolID: "shop", Name: "sign_in", Channel: channel.Email, Lang: "en", Subject: "Hi", Body: "{code}"}
		wantCode(t, s.PutWords(ctx, w), "")
		w.Body = "{code}!"
		wantCode(t, s.PutWords(ctx, w), "")
		got, ok, err := service(t, d).Words(ctx, "shop", "sign_in", channel.Email, "en")
		if err != nil || !ok || got.Body != "{code}!" || got.Subject != "Hi" || got.UpdatedAt.IsZero() {
			t.Errorf("%+v %t %v", got, ok, err)
		}
		for _, other := range [][4]string{
			{"other", "sign_in", "email", "en"}, {"shop", "reset", "email", "en"}, {"shop", "sign_in", "sms", "en"}, {"shop", "sign_in", "email", "zh-CN"},
		} {
			if _, ok, err := s.Words(ctx, other[0], other[1], other[2], other[3]); ok || err != nil {
				t.Errorf("%v has words: %v", other, err)
			}
		}
		wantCode(t, s.ResetWords(ctx, "shop", "sign_in", channel.Email, "en"), "")
		if _, ok, _ := s.Words(ctx, "shop", "sign_in", channel.Email, "en"); ok {
			t.Error("the words are still there")
		}
	})
}
