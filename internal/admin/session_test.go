package admin_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

func plain(user.User) session.Style { return session.Style{} }

func TestAManagerSignsPeopleOfTheirPoolIn(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		here, err := b.Pools.AppOf(ctx, "p")
		wantCode(t, err, "")
		there, err := b.Pools.AppOf(ctx, "q")
		wantCode(t, err, "")
		u := b.create(t, admin.NewUser{Username: "alice"})
		tokens, err := b.Admin.SignIn(ctx, b.mine, u.ID, here, plain)
		wantCode(t, err, "")
		who, err := b.Sessions.Verify(ctx, tokens.Access)
		wantCode(t, err, "")
		if who.UserID != u.ID || !slices.Equal(who.AMR, []string{"manage"}) {
			t.Errorf("signed in as %+v", who)
		}
		if done := b.actions(t, u.ID, b.mine.Actor); !slices.Contains(done, audit.SignIn) {
			t.Errorf("recorded %v", done)
		}
		for name, tt := range map[string]struct {
			m    admin.Manager
			id   string
			code errs.Code
		}{
			"nobody":                {b.mine, "nobody", errs.UserNotFound},
			"another pool's client": {b.other, u.ID, errs.ClientUnknown}, // MT-01
		} {
			if _, err := b.Admin.SignIn(ctx, tt.m, tt.id, here, plain); errs.CodeOf(err) != tt.code {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, err = b.Admin.SignIn(ctx, b.other, u.ID, there, plain)
		wantCode(t, err, errs.UserNotFound) // MT-01
		blocked := user.StatusBlocked
		_, err = b.Admin.UpdateUser(ctx, b.mine, u.ID, admin.UserChange{Status: &blocked})
		wantCode(t, err, "")
		_, err = b.Admin.SignIn(ctx, b.mine, u.ID, here, plain)
		wantCode(t, err, errs.UserBlocked)
	})
}

func TestARenewedTokenIsOfTheSameSecret(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		text := b.secret(t, "p")
		id, err := b.Pools.CheckSecret(ctx, "p", text)
		wantCode(t, err, "")
		first, err := b.Admin.Token(ctx, "p", text)
		wantCode(t, err, "")
		b.Advance(time.Hour)
		second, err := b.Admin.Renew(ctx, first.Access)
		wantCode(t, err, "")
		b.Advance(90 * time.Minute)
		_, err = b.Admin.Renew(ctx, first.Access)
		wantCode(t, err, errs.SessionInvalid)
		m, err := b.Admin.Verify(ctx, second.Access)
		if err != nil || m.PoolID != "p" {
			t.Fatalf("manager %+v, %v", m, err)
		}
		wantCode(t, b.Pools.RevokeSecret(ctx, "p", id), "")
		_, err = b.Admin.Renew(ctx, second.Access)
		wantCode(t, err, errs.SessionInvalid)
	})
}

func TestOperatorsDoNotLinkIdentitiesOfOurOwnMaking(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		wechat := user.Identity{Provider: "wechat", Subject: "w1"}
		u := b.create(t, admin.NewUser{Identities: []user.Identity{wechat}})
		found, err := b.Admin.Find(ctx, b.mine, admin.Ref{Provider: "wechat", Subject: "w1"})
		if err != nil || found.ID != u.ID {
			t.Errorf("found %v, %v", found.ID, err)
		}
		for _, i := range []user.Identity{
			{Provider: user.ProviderAnonymous, Subject: "device"},
			{Provider: user.ProviderCustom, Subject: "uid"},
			{Provider: "wechat"},
			{Subject: "w2"},
		} {
			_, err := b.Admin.CreateUser(ctx, b.mine, admin.NewUser{Username: "bob", Identities: []user.Identity{i}})
			wantCode(t, err, errs.BadRequest)
		}
		_, err = b.Admin.CreateUser(ctx, b.mine, admin.NewUser{Identities: []user.Identity{wechat}})
		wantCode(t, err, errs.IdentifierTaken)
	})
}
