package migrate_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/migrate"
	"github.com/tigertally/tigertally/internal/user"
)

// What getEndUserList and describeUserList of CloudBase's management SDK answer.
func TestCloudBaseExports(t *testing.T) {
	for name, text := range map[string]string{
		"getEndUserList": `[{"UUId":"cb-1","WXOpenId":"open-1","QQOpenId":"","Phone":"13800138000","Email":"a@example.com","NickName":"Alice","Gender":"FEMALE",
			"AvatarUrl":"https://example.com/a.png","UpdateTime":"2024-01-02 03:04:05","CreateTime":"2023-01-02 03:04:05","IsAnonymous":false,"IsDisabled":true,"HasPassword":true,"UserName":"alice"},
			{"UUId":"cb-2","IsAnonymous":true}]`,
		"describeUserList, as CSV": "Uid,Name,Type,UserStatus,NickName,Phone,Email,AvatarUrl,Gender,CreatedAt,WXOpenId\n" +
			"cb-1,alice,externalUser,BLOCKED,Alice,+86 13800138000,a@example.com,https://example.com/a.png,2,1672628645000,open-1\n",
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, b bench) {
				report := b.run(t, text, migrate.Options{From: migrate.CloudBase})
				if report.Created != 1 || report.Refused != 0 || report.Skipped != report.Rows-1 {
					t.Fatalf("%+v", report)
				}
				u := b.byName(t, "alice")
				got := []any{u.ID, u.Phone, u.PhoneVerified, u.Email, u.EmailVerified, u.Name, u.Gender, u.Picture, u.Status, u.CreatedAt.UnixMilli(), u.RegisteredBy, len(u.Identities)}
				want := []any{"cb-1", "+8613800138000", true, "a@example.com", true, "Alice", "female", "https://example.com/a.png", "blocked", int64(1672628645000), "cloudbase", 1}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
			})
		})
	}
}

// A user object of Authing, as its users API lists it.
func TestAuthingExports(t *testing.T) {
	const text = `{"id":"61c2d04b36324259776af784","arn":"arn:cn:authing:x","userPoolId":"x","username":"alice","email":"a@example.com","emailVerified":true,
		"phone":"13800138000","phoneCountryCode":"+86","phoneVerified":false,"nickname":"Al","name":"Alice","photo":"https://example.com/a.png","gender":"F","city":"Wuhan",
		"status":"Suspended","blocked":false,"externalId":"x-1","createdAt":"2021-12-22T07:14:19.000Z","password":"$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
		"customData":{"school":"hust","unknown":1},"identities":[
		{"provider":"wechat","type":"openid","userIdInIdp":"o-1","userInfoInIdp":{"openid":"o-1","unionid":"un-1"},"extIdpConnIdentifier":"wx_mp"},
		{"provider":"wechat","type":"unionid","userIdInIdp":"un-1","extIdpConnIdentifier":"wx_mp"}]}`
	each(t, func(t *testing.T, b bench) {
		report := b.run(t, strings.ReplaceAll(text, "\n", " "), migrate.Options{From: migrate.Authing})
		if report.Created != 1 {
			t.Fatalf("%+v", report)
		}
		u := b.byName(t, "alice")
		got := []any{u.ID, u.Phone, u.PhoneVerified, u.Email, u.EmailVerified, u.Name, u.Attributes, u.Gender, u.Status, u.ExternalID, u.Custom, u.PasswordHash[:7]}
		want := []any{
			"61c2d04b36324259776af784", "+8613800138000", false, "a@example.com", true, "Alice",
			map[string]string{"nickname": "Al", "city": "Wuhan"},
			"female", "blocked", "x-1",
			map[string]any{"school": "hust"},
			"$2a$10$",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if len(u.Identities) != 1 || u.Identities[0].Provider != "wx_mp" || u.Identities[0].Subject != "o-1" || u.Identities[0].Profile[user.IdentityUnion] != "un-1" {
			t.Errorf("identities %+v", u.Identities)
		}
	})
}

// The same as a table, where lists and objects are JSON text.
func TestAuthingTables(t *testing.T) {
	const text = "id,username,phone,phoneVerified,status,blocked,customData,identities\n" +
		`61c2d04b,alice,13800138000,true,Activated,false,"{""school"":""hust""}","[{""provider"":""wechat"",""userIdInIdp"":""o-1""}]"` + "\n" +
		"61c2d04c,bob,,,Activated,perhaps,,\n" +
		"61c2d04d,carol,,,Activated,,,[{\n"
	each(t, func(t *testing.T, b bench) {
		report := b.run(t, text, migrate.Options{From: migrate.Authing})
		if want := (migrate.Counts{Rows: 3, Created: 1, Refused: 2}); report.Counts != want {
			t.Fatalf("%+v", report)
		}
		u := b.byName(t, "alice")
		if u.Custom["school"] != "hust" || len(u.Identities) != 1 || u.Identities[0].Subject != "o-1" || !u.PhoneVerified {
			t.Errorf("%+v", u)
		}
	})
}

// What goes out comes in again, into another pool, in both formats.
func TestExportsComeBack(t *testing.T) {
	for _, format := range []string{migrate.JSONL, migrate.CSV} {
		t.Run(format, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				b := newBench(t, d)
				name, city := "=cmd|' /C calc'!A1", "+Berlin, \"Mitte\"\nEast"
				b.User(t, admin.NewUser{
					Username: "alice", Phone: "+8613800138000", Email: "alice@example.com", ExternalID: "@ext", Password: accounttest.Password,
					MustReset: true, Status: user.StatusBlocked, Custom: map[string]any{"school": "hust", "age": 20.0, "tags": []any{"a"}},
					Profile:    user.Profile{Name: &name, Attributes: map[string]*string{"address": &city}},
					Identities: []user.Identity{{Provider: "wx", Subject: "-s", Profile: map[string]string{user.IdentityApp: "wx1", user.IdentityUnion: "u", user.IdentityUnionGroup: "g"}}},
				})
				b.User(t, admin.NewUser{Username: "bob"})
				var out bytes.Buffer
				n, err := b.migrate.Export(t.Context(), b.m, &out, migrate.ExportOptions{Format: format, Full: true, Hashes: true})
				if err != nil || n != 2 {
					t.Fatalf("%d, %v", n, err)
				}
				before := []user.User{b.byName(t, "alice"), b.byName(t, "bob")}
				if _, err := b.Admin.DeleteUsers(t.Context(), b.m, []string{before[0].ID, before[1].ID}); err != nil {
					t.Fatal(err)
				}
				if _, err := d.Exec(t.Context(), `DELETE FROM tombstones`); err != nil { // so that the ids are free again
					t.Fatal(err)
				}
				if report := b.run(t, out.String(), migrate.Options{}); report.Created != 2 {
					t.Fatalf("%+v\n%s", report, out.String())
				}
				for i, u := range []user.User{b.byName(t, "alice"), b.byName(t, "bob")} {
					for _, v := range []*user.User{&u, &before[i]} { // what an import has of its own
						v.UpdatedAt, v.PasswordChangedAt, v.CreatedFrom = v.CreatedAt, v.CreatedAt, ""
						for j := range v.Identities {
							v.Identities[j].CreatedAt = v.CreatedAt
						}
					}
					if diff := cmp.Diff(before[i], u); diff != "" {
						t.Error(diff)
					}
				}
			})
		})
	}
}

// AD-07: an export tells no number, address or hash unless it is asked to, and is recorded.
func TestExportsAreMasked(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		b.User(t, admin.NewUser{
			Username: "alice", Phone: "+8613800138000", Email: "alice@example.com", Password: accounttest.Password,
			Identities: []user.Identity{{Provider: "wx", Subject: "subject-1"}},
		})
		for _, format := range []string{migrate.JSONL, migrate.CSV} {
			var out bytes.Buffer
			if _, err := b.migrate.Export(t.Context(), b.m, &out, migrate.ExportOptions{Format: format}); err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"13800138000", "alice@", "subject-1", "argon2id"} {
				if strings.Contains(out.String(), secret) {
					t.Errorf("%s: %s is told", format, secret)
				}
			}
			if !strings.Contains(out.String(), "138****8000") {
				t.Errorf("%s: %s", format, out.String())
			}
		}
		records, _, err := b.Audit.History(t.Context(), "p", "", audit.Filter{Action: audit.UserExport}, 10, "")
		if err != nil || len(records) != 2 {
			t.Errorf("%d records, %v", len(records), err)
		}
		if _, err := b.migrate.Export(t.Context(), b.m, &bytes.Buffer{}, migrate.ExportOptions{Format: "xml"}); errs.CodeOf(err) != errs.BadRequest {
			t.Error(err)
		}
	})
}

// DL-03: one person gets everything that is kept of them, and nobody else's.
func TestPersonExport(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		u := b.User(t, admin.NewUser{Username: "alice", Phone: "+8613800138000", Password: accounttest.Password, Identities: []user.Identity{{Provider: "wx", Subject: "subject-1"}}})
		b.User(t, admin.NewUser{Username: "bob", Password: accounttest.Password})
		_, p := b.SignIn(t, "alice")
		b.SignIn(t, "bob")
		var out bytes.Buffer
		if err := b.migrate.ExportPerson(t.Context(), b.m, u.ID, &out); err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Account struct {
				Phone      string
				Identities []struct{ Subject string }
			}
			HasPassword bool `json:"has_password"`
			Sessions    []struct{ ID string }
			History     []struct{ Action string }
		}
		if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		if doc.Account.Phone != u.Phone || !doc.HasPassword || len(doc.Account.Identities) != 1 || len(doc.Sessions) != 1 || doc.Sessions[0].ID != p.SessionID {
			t.Errorf("%s", out.String())
		}
		var actions []string
		for _, e := range doc.History {
			actions = append(actions, e.Action)
		}
		if want := []string{audit.SignUp, audit.SignIn, audit.UserExport}; !cmp.Equal(want, actions) {
			t.Errorf("history %v", actions)
		}
		for _, secret := range []string{"argon2id", "bob"} {
			if strings.Contains(out.String(), secret) {
				t.Errorf("%s is told", secret)
			}
		}
		if err := b.migrate.ExportPerson(t.Context(), admin.Operator("q", "cli"), u.ID, &out); errs.CodeOf(err) != errs.UserNotFound { // MT-01
			t.Error(err)
		}
	})
}
