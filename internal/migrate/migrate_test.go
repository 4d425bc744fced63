package migrate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/migrate"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// bench is a kit that imports.
type bench struct {
	*accounttest.Kit
	migrate *migrate.Service
	m       admin.Manager
}

func newBench(t *testing.T, d *db.DB) bench {
	t.Helper()
	k := accounttest.New(t, d)
	for _, f := range []field.Field{
		{Key: "school", DataType: field.String}, {Key: "age", DataType: field.Number}, {Key: "tags", DataType: field.Object},
	} {
		if _, err := k.Admin.DefineField(t.Context(), admin.Operator("p", "test"), f); err != nil {
			t.Fatal(err)
		}
	}
	return bench{k, service(k), admin.Operator("p", "cli")}
}

func service(k *accounttest.Kit) *migrate.Service {
	return migrate.New(migrate.Deps{
		DB: k.DB, Pools: k.Pools, Users: k.Users, Fields: k.Fields, Audit: k.Audit,
		Sessions: k.Sessions, Hasher: k.Hasher, Now: k.Now,
	})
}

func each(t *testing.T, run func(t *testing.T, b bench)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) { run(t, newBench(t, d)) })
}

func (b bench) run(t *testing.T, text string, o migrate.Options) migrate.Report {
	t.Helper()
	report, err := b.migrate.Import(t.Context(), b.m, strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func (b bench) byName(t *testing.T, name string) user.User {
	t.Helper()
	u, err := b.Users.ByIdentifier(t.Context(), "p", contact.KindUsername, name)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return u
}

func (b bench) people(t *testing.T) int64 {
	t.Helper()
	_, n, err := b.Users.List(t.Context(), "p", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Both formats say the same, and everything of it arrives.
func TestEverythingArrives(t *testing.T) {
	const table = "\xef\xbb\xbf" + `id,username,phone,phone_verified,email,email_verified,external_id,password_hash,status,must_reset,created_at,name,gender,birthdate,city,custom.school,custom.age,custom.tags,identity.wx_open,identities
u-1,Alice,13800138000,1,Alice@Example.com,yes,ext-1,$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1,active,true,2020-02-03T04:05:06Z,"Alice, ""the"" first",F,2000-01-02,Berlin,hust,20,"[""a"",""b""]",open-1,"[{""provider"":""wx_mp"",""subject"":""mp-1"",""app_id"":""wx1"",""union_id"":""un-1"",""union_group"":""g""}]"
`
	const lines = `{"id":"u-1","username":"Alice","phone":13800138000,"phone_verified":true,"email":"Alice@Example.com","email_verified":1,` +
		`"external_id":"ext-1","password_hash":"$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1","status":"active","must_reset":true,"created_at":1580702706000,` +
		`"name":"Alice, \"the\" first","gender":"Female","birthdate":"2000-01-02","city":"Berlin","custom":{"school":"hust","age":20,"tags":["a","b"]},` +
		`"identities":[{"provider":"wx_open","subject":"open-1"},{"provider":"wx_mp","subject":"mp-1","app_id":"wx1","union_id":"un-1","union_group":"g"}]}` + "\n"
	for format, text := range map[string]string{"csv": strings.Replace(table, ",F,", ",female,", 1), "jsonl": strings.Replace(lines, "Female", "female", 1), "json": "[\n" + strings.TrimSpace(strings.Replace(lines, "Female", "female", 1)) + "\n]\n"} {
		t.Run(format, func(t *testing.T) {
			each(t, func(t *testing.T, b bench) {
				report := b.run(t, text, migrate.Options{})
				want := migrate.Counts{Rows: 1, Created: 1}
				if diff := cmp.Diff(want, report.Counts); diff != "" {
					t.Fatalf("%s%+v", diff, report.Problems)
				}
				u := b.byName(t, "alice")
				got := map[string]any{
					"id": u.ID, "phone": u.Phone, "verified": u.PhoneVerified && u.EmailVerified, "email": u.Email,
					"external": u.ExternalID, "reset": u.MustReset, "status": u.Status, "name": u.Name, "gender": u.Gender,
					"city": u.Attributes["city"], "custom": u.Custom, "created": u.CreatedAt.Format(time.RFC3339), "from": u.CreatedFrom,
				}
				expect := map[string]any{
					"id": "u-1", "phone": "+8613800138000", "verified": true, "email": "alice@example.com",
					"external": "ext-1", "reset": true, "status": "active", "name": `Alice, "the" first`, "gender": "female",
					"city": "Berlin", "created": "2020-02-03T04:05:06Z", "from": "import",
					"custom": map[string]any{"school": "hust", "age": 20.0, "tags": []any{"a", "b"}},
				}
				if diff := cmp.Diff(expect, got); diff != "" {
					t.Error(diff)
				}
				for provider, subject := range map[string]string{"wx_open": "open-1", "wx_mp": "mp-1"} {
					if owner, err := b.Users.ByIdentity(t.Context(), "p", provider, subject); err != nil || owner.ID != u.ID {
						t.Errorf("%s: %s, %v", provider, owner.ID, err)
					}
				}
				if owner, err := b.Users.ByUnion(t.Context(), "p", "g", "un-1"); err != nil || owner.ID != u.ID {
					t.Errorf("union: %s, %v", owner.ID, err)
				}
				records, _, err := b.Audit.History(t.Context(), "p", "", audit.Filter{Action: audit.UserImport}, 10, "")
				if err != nil || len(records) != 1 || records[0].Event.Detail["created"] != "1" || records[0].Event.Actor != "cli" {
					t.Errorf("recorded %+v, %v", records, err)
				}
			})
		})
	}
}

// PW-07: people keep their passwords, and the first sign-in hashes them our way.
func TestImportedPasswordsSignIn(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		report := b.run(t, `{"username":"crypt","password_hash":"$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1"}
{"username":"discuz","password_hash":"dab03bc365092aa94f589d6bb2674ea0","password_algorithm":"md5","password_salt":"a1b2c3","password_template":"{MD5(PASSWORD)}{SALT}"}
{"username":"plain","password":"`+accounttest.Password+`"}
`, migrate.Options{})
		if report.Created != 3 {
			t.Fatalf("%+v", report)
		}
		for name, password := range map[string]string{"crypt": "Hello world!", "discuz": "test", "plain": accounttest.Password} {
			for range 2 {
				_, err := b.Signin.SignIn(t.Context(), signin.Input{Client: b.Client, Method: signin.MethodPassword, Identifier: name, Password: password})
				if err != nil {
					t.Errorf("%s: %v", name, err)
				}
				if u := b.byName(t, name); !strings.HasPrefix(u.PasswordHash, "$argon2id$") {
					t.Errorf("%s has the hash %s", name, u.PasswordHash)
				}
			}
		}
	})
}

// ID-05, PW-08: what breaks a rule is named by its line and stops nothing.
func TestProblemsAreNamed(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		b.User(t, admin.NewUser{Username: "taken", Phone: "+8613800138000", ExternalID: "x-1"})
		lines := []string{
			`{"username":"fine"}`,
			`{"phone":"12"}`,
			`{"name":"nobody"}`,
			``,
			`{"username":"a","password_hash":"$2a$31$o6hx.Wog/wvFSkT/Bp/6DOxCtLRTDj7lm9on9suF/WaCGNVHbkfL6"}`,
			`{"username":"b","password_hash":"098f6bcd4621d373cade4e832627b4f6"}`,
			`{"username":"TAKEN"}`,
			`{"username":"c","custom":{"age":"old"}}`,
			`{"username":"d","colour":"red"}`,
			`{"username":"e"`,
			`{"username":"f","custom":{"tags":` + strings.Repeat("[", 9) + strings.Repeat("]", 9) + `}}`,
			`{"username":"g","description":"` + strings.Repeat("x", 70_000) + `"}`,
			"{\"username\":\"\xff\"}",
			`{"username":"h","password":"12345678"}`,
			`{"username":"fine"}`,
			`{"username":"i","identities":[{"provider":"anonymous","subject":"d1"}]}`,
			`{"username":"j","id":"../x"}`,
			`{"username":"k","created_at":"soon"}`,
			`{"username":"l","external_id":"x-1","phone":"13900139000"}`,
			`{"username":"m","phone":"13900139000"}`,
			`[]`,
			`{"username":"last"}`,
		}
		path := filepath.Join(t.TempDir(), "report.jsonl")
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		report := b.run(t, strings.Join(lines, "\n"), migrate.Options{Report: file, BatchSize: 4})
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for line := range strings.Lines(string(text)) {
			var p migrate.Problem
			if err := json.Unmarshal([]byte(line), &p); err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprintf("%d %s %s %s", p.Line, p.Result, p.Reason, p.Field))
			if strings.Contains(line, "\\ufffd") || strings.Contains(line, "13900139000") || strings.Contains(line, "TAKEN") {
				t.Errorf("a value is told: %s", line)
			}
		}
		want := []string{
			"2 refused phone_invalid ", "3 refused field_missing username", "5 refused bad_request password_hash",
			"6 refused bad_request password_hash", "7 skipped username_taken ", "8 refused bad_request age",
			"9 refused bad_request colour", "10 refused bad_request ", "11 refused bad_request ", "12 refused field_too_long ",
			"13 refused bad_request ", "14 refused password_common ", "15 skipped username_taken ", "16 refused bad_request identity",
			"17 refused bad_request id", "18 refused bad_request created_at", "19 skipped identifier_taken ", "21 refused bad_request ",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if wantCounts := (migrate.Counts{Rows: 21, Created: 3, Skipped: 3, Refused: 15}); report.Counts != wantCounts {
			t.Errorf("%+v, want %+v", report.Counts, wantCounts)
		}
		if len(report.Problems) != len(want) {
			t.Errorf("%d problems in the report", len(report.Problems))
		}
		b.byName(t, "last")
	})
}

func TestConflicts(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		old := b.User(t, admin.NewUser{Username: "alice", Phone: "+8613800138000", Password: accounttest.Password, ExternalID: "x-1"})
		b.User(t, admin.NewUser{Username: "bob", Email: "bob@example.com"})
		const text = "username,phone,email,password_hash,name,custom.school,identity.wx_open,status\n" +
			"alice,13800138000,alice@example.com,$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1,Alice,hust,open-1,\n" +
			"bob,,,$1$saltstri$YMyguxXMBpd2TEZ.vS/3q1,Bob,,,blocked\n" +
			"alice,,bob@example.com,,Mixed,,,\n" +
			"carol,,,,Carol,,,\n"
		if _, err := b.migrate.Import(t.Context(), b.m, strings.NewReader(text), migrate.Options{OnConflict: migrate.Fail}); errs.CodeOf(err) != errs.IdentifierTaken || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("fail: %v", err)
		}
		if b.people(t) != 2 {
			t.Error("a failed import made people")
		}
		report := b.run(t, text, migrate.Options{OnConflict: migrate.Update})
		if want := (migrate.Counts{Rows: 4, Created: 1, Updated: 2, Refused: 1}); report.Counts != want {
			t.Errorf("update: %+v, want %+v: %+v", report.Counts, want, report.Problems)
		}
		alice, bob := b.byName(t, "alice"), b.byName(t, "bob")
		if alice.ID != old.ID || alice.PasswordHash != old.PasswordHash || alice.Email != "alice@example.com" || alice.EmailVerified ||
			!alice.PhoneVerified || alice.Name != "Alice" || alice.Custom["school"] != "hust" || len(alice.Identities) != 1 || alice.ExternalID != "x-1" {
			t.Errorf("alice is %+v", alice)
		}
		if bob.Status != user.StatusBlocked || !strings.HasPrefix(bob.PasswordHash, "$1$") || bob.Name != "Bob" {
			t.Errorf("bob is %+v", bob)
		}
		report = b.run(t, text, migrate.Options{})
		if want := (migrate.Counts{Rows: 4, Skipped: 4}); report.Counts != want {
			t.Errorf("skip: %+v, want %+v", report.Counts, want)
		}
	})
}

// A dry run finds what the real one will, and stores nothing.
func TestDryRun(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		b.User(t, admin.NewUser{Username: "alice"})
		var text strings.Builder
		for i := range 30 {
			fmt.Fprintf(&text, `{"username":"user-%d","password":"%s-%d"}`+"\n", i%25, accounttest.Password, i)
		}
		text.WriteString(`{"username":"alice"}` + "\n" + `{"username":"bad name"}` + "\n")
		hashed := b.Hasher.Stats().Done
		dry := b.run(t, text.String(), migrate.Options{DryRun: true, BatchSize: 10})
		if want := (migrate.Counts{Rows: 32, Created: 25, Skipped: 6, Refused: 1}); dry.Counts != want {
			t.Errorf("dry %+v, want %+v", dry.Counts, want)
		}
		if n := b.people(t); n != 1 || b.Hasher.Stats().Done != hashed {
			t.Errorf("%d people, %d hashes", n, b.Hasher.Stats().Done-hashed)
		}
		done := b.run(t, text.String(), migrate.Options{BatchSize: 10})
		if done.Counts != dry.Counts {
			t.Errorf("real %+v, dry %+v", done.Counts, dry.Counts)
		}
	})
}

// DL-02: the id of somebody who was deleted is nobody's.
func TestDeletedIDsAreNotGivenAgain(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		const text = `{"id":"u-1","username":"alice"}` + "\n"
		b.run(t, text, migrate.Options{})
		if _, err := b.Admin.DeleteUsers(t.Context(), b.m, []string{"u-1"}); err != nil {
			t.Fatal(err)
		}
		report := b.run(t, text, migrate.Options{})
		if len(report.Problems) != 1 || report.Problems[0].Field != "id" || b.people(t) != 0 {
			t.Errorf("%+v", report)
		}
	})
}

// MT-01: a file of one pool touches no other.
func TestImportStaysInItsPool(t *testing.T) {
	each(t, func(t *testing.T, b bench) {
		_, err := b.migrate.Import(t.Context(), admin.Operator("nowhere", "cli"), strings.NewReader("{}"), migrate.Options{})
		if errs.CodeOf(err) != errs.PoolNotFound {
			t.Error(err)
		}
	})
}

func TestFilesThatCannotBeRead(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	b := newBench(t, d)
	for name, tt := range map[string]struct {
		text string
		o    migrate.Options
	}{
		"an empty file":      {"", migrate.Options{}},
		"a list without end": {`[{"username":"a"}`, migrate.Options{}},
		"a list of texts":    {`["a"]`, migrate.Options{}},
		"too many rows":      {"{\"username\":\"a\"}\n{\"username\":\"b\"}\n", migrate.Options{MaxRows: 1}},
		"too many bytes":     {"{\"username\":\"a\"}\n", migrate.Options{MaxBytes: 10}},
		"no such format":     {"{}", migrate.Options{Format: "xml"}},
		"no such vendor":     {"{}", migrate.Options{From: "nobody"}},
		"no such conflict":   {"{}", migrate.Options{OnConflict: "merge"}},
	} {
		if _, err := b.migrate.Import(t.Context(), b.m, strings.NewReader(tt.text), tt.o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	// ID-05: one line of 64 MiB costs no memory, and the next one is read.
	long := io.MultiReader(strings.NewReader(`{"username":"`), io.LimitReader(endless{}, 64<<20), strings.NewReader("\"}\n{\"username\":\"next\"}\n"))
	spool, err := os.Create(filepath.Join(t.TempDir(), "long"))
	if err != nil {
		t.Fatal(err)
	}
	defer spool.Close()
	if _, err := io.Copy(spool, long); err != nil {
		t.Fatal(err)
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	report, err := b.migrate.Import(t.Context(), b.m, spool, migrate.Options{})
	if want := (migrate.Counts{Rows: 2, Created: 1, Refused: 1}); err != nil || report.Counts != want {
		t.Errorf("%+v, %v", report, err)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func TestTables(t *testing.T) {
	d := dbtest.Open(t, dbtest.SQLite)
	b := newBench(t, d)
	report := b.run(t, "username,name\r\n\"quoted\",\"two\nlines\"\r\n\r\nfew\nmany,a,b\nbad,a\"b\nafter,\"x\"y\nlast,\"'=1+1\"\nopen,\"never closed\n", migrate.Options{})
	if want := (migrate.Counts{Rows: 7, Created: 2, Refused: 5}); report.Counts != want {
		t.Errorf("%+v, want %+v: %+v", report.Counts, want, report.Problems)
	}
	lines := []int64{}
	for _, p := range report.Problems {
		lines = append(lines, p.Line)
	}
	if want := []int64{5, 6, 7, 8, 10}; !slices.Equal(lines, want) {
		t.Errorf("lines %v, want %v", lines, want)
	}
	if u := b.byName(t, "quoted"); u.Name != "two\nlines" {
		t.Errorf("name = %q", u.Name)
	}
	if u := b.byName(t, "last"); u.Name != "=1+1" { // what an export of ours escaped
		t.Errorf("name = %q", u.Name)
	}
	var out bytes.Buffer
	if _, err := b.migrate.Export(t.Context(), b.m, &out, migrate.ExportOptions{Format: migrate.CSV}); err != nil || !strings.Contains(out.String(), ",'=1+1,") { // AD-07
		t.Errorf("%s, %v", out.String(), err)
	}
}
