package cloudbase

import (
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

var update = flag.Bool("update", false, "rewrite the goldens")

func TestWireTypesHaveTheirShape(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 890_000_000, time.UTC)
	forms := map[string]any{
		"tokens": tokenSetOf(session.Tokens{
			Access: "a.b.c", Refresh: "rt_1", Scope: "user sso", Sub: "u1", ExpiresIn: 7199900 * time.Millisecond,
		}),
		"profile of a regular user": profileOf(user.User{
			ID: "u1", Kind: user.KindRegular, Status: user.StatusActive, Username: "member", Phone: "+8613800000000",
			Email: "m@example.com", PhoneVerified: true, EmailVerified: true, PasswordHash: "x",
			Name: "M", Picture: "https://example.com/p.png", Gender: user.GenderMale, Locale: "zh-CN",
			Birthdate: "2000-01-02", Zoneinfo: "Asia/Shanghai", CreatedFrom: "cloudbase",
			CreatedAt: at, UpdatedAt: at, LastSignInAt: at,
			Identities: []user.Identity{{Provider: "wx_open", Subject: "o1", Name: "w"}},
		}),
		"profile of an anonymous user": profileOf(user.User{
			ID: "u2", Kind: user.KindAnonymous, Status: user.StatusActive, CreatedAt: at, UpdatedAt: at,
			Identities: []user.Identity{{Provider: user.ProviderAnonymous, Subject: "device"}},
		}),
		"simple profile": simpleProfileOf(account.Found{ID: "u1", Name: "M", Phone: "+8613800000000"}),
		"history record": historyRecordOf(audit.Record{
			ID: "r1", At: at, DeviceID: "d", IP: "192.0.2.1", UserAgent: "ua",
			Event: audit.Event{Action: audit.SignIn, Result: audit.OK, ClientID: "c", Detail: map[string]string{"method": "password"}},
		}),
		"nothing": done{},
		"refusal": failure{Error: "resource_exhausted", ErrorCode: 8, Description: "d", Details: []string{}, RetryAfter: 30, RequestID: "r"},
	}
	got, err := json.MarshalIndent(forms, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/wire.json"
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("the wire changed (-want +got); run with -update if that is meant:\n%s", diff)
	}
}
