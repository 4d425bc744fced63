package signin_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

func TestPasswordByAnyName(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := k.User(t, admin.NewUser{Username: "alice", Phone: phone, Email: email, Password: password})
		k.User(t, admin.NewUser{Username: "bare"})
		k.User(t, admin.NewUser{Username: "blocked", Password: password, Status: user.StatusBlocked})
		k.User(t, admin.NewUser{Username: "pending", Password: password, Status: user.StatusPending})
		for _, name := range []string{"alice", "ALICE", "13800000000", "+86 +86 13800000000", "Alice@Example.com"} {
			_, p := k.SignIn(t, name)
			if p.UserID != u.ID {
				t.Errorf("%s signed in %s, want %s", name, p.UserID, u.ID)
			}
		}
		for _, tt := range []struct {
			name, identifier, password string
			want                       errs.Code
		}{
			{"wrong password", "alice", "wrong-password", errs.PasswordWrong},
			{"nobody", "nobody", password, errs.UserNotFound},
			{"nonsense", " \x00", password, errs.UserNotFound},
			{"no password set", "bare", password, errs.PasswordNotSet},
			{"blocked", "blocked", password, errs.UserBlocked},
			{"blocked and wrong EN-05", "blocked", "wrong-password", errs.PasswordWrong},
			{"pending", "pending", password, errs.UserPending},
			{"no name", "", password, errs.FieldMissing},
			{"no password", "alice", "", errs.FieldMissing},
		} {
			t.Run(tt.name, func(t *testing.T) { wantCode(t, byPassword(t, k, tt.identifier, tt.password), tt.want) })
		}
		records, _, err := k.Audit.History(t.Context(), "p", u.ID, audit.Filter{Action: audit.SignIn}, 50, "")
		if err != nil || len(records) != 6 || records[0].Event.Result != string(errs.PasswordWrong) {
			t.Errorf("history = %+v, %v; want five sign-ins and a refusal", records, err)
		}
	})
}

func TestMustResetIsAStep(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Username: "fresh", Phone: phone, Password: password, MustReset: true})
		in := signin.Input{Client: k.Client, Method: signin.MethodPassword, Identifier: "fresh", Password: password}
		out, err := k.Signin.SignIn(t.Context(), in)
		wantCode(t, err, "")
		if out.Session != nil || out.Next == nil || out.Next.Kind != signin.StepResetPassword {
			t.Fatalf("outcome = %+v, want only the step", out)
		}
		token := k.Verified(t, phone, "", signin.UsageReset)
		wantCode(t, k.Account.ResetPassword(t.Context(), account.ResetInput{
			Client: k.Client, Phone: phone, Token: token, Password: password + "2",
		}), "")
		wantCode(t, byPassword(t, k, "fresh", password+"2"), "")
	})
}

// AT-01, AT-02, AT-04: all names of an account share one lock, which is decided before
// hashing and opened by a verified code.
func TestWrongPasswordsLock(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Username: "alice", Phone: phone, Email: email, Password: password})
		names := []string{"alice", phone, email}
		for i := range limit.PasswordAccount().Max {
			wantCode(t, byPassword(t, k, names[i%3], "wrong-password"), errs.PasswordWrong)
		}
		hashed := k.Hasher.Stats().Done
		err := byPassword(t, k, "alice", password)
		wantCode(t, err, errs.PasswordAttempts)
		if errs.From(err).RetryAfter <= 0 {
			t.Error("no time to wait")
		}
		if k.Hasher.Stats().Done != hashed {
			t.Error("a locked account was hashed for")
		}
		for range limit.PasswordUnknown().Max {
			wantCode(t, byPassword(t, k, "nobody", "wrong-password"), errs.UserNotFound)
		}
		if k.Hasher.Stats().Done != hashed+uint64(limit.PasswordUnknown().Max) { // EN-02
			t.Error("an unknown user costs no hash")
		}
		wantCode(t, byPassword(t, k, "nobody", "wrong-password"), errs.PasswordAttempts)

		_, err = byToken(t, k, phone, k.Verified(t, phone, "", signin.UsageSignIn))
		wantCode(t, err, "")
		wantCode(t, byPassword(t, k, "alice", password), "")

		for range limit.PasswordAccount().Max {
			wantCode(t, byPassword(t, k, "alice", "wrong-password"), errs.PasswordWrong)
		}
		k.Advance(limit.PasswordAccount().Per + time.Second)
		wantCode(t, byPassword(t, k, "alice", password), "")
	})
}

// AT-02: a hundred wrong passwords in a row, each from another address, end sign-in by
// password for that account alone, whatever the time, until its owner shows something else.
func TestAHundredWrongPasswordsEndWithACode(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits = true })
		u := k.User(t, admin.NewUser{Username: "alice", Phone: phone, Password: password})
		k.User(t, admin.NewUser{Username: "bob", Password: password})
		try := func(address, name, password string) error {
			_, err := k.Signin.SignIn(accounttest.From(t, address, ""), signin.Input{
				Client: k.Client, Method: signin.MethodPassword, Identifier: name, Password: password,
			})
			return err
		}
		short, total := limit.PasswordAccount(), limit.PasswordTotal()
		for i := range total.Max {
			wantCode(t, try(fmt.Sprintf("198.51.%d.1", i), "alice", "wrong-password"), errs.PasswordWrong)
			if i%short.Max == short.Max-1 {
				wantCode(t, try("192.0.2.1", "alice", password), errs.PasswordAttempts)
				k.Advance(short.Per + time.Second)
			}
		}
		wantCode(t, try("192.0.2.1", "bob", password), "")
		k.Advance(30 * 24 * time.Hour)
		err := try("192.0.2.1", "alice", password)
		wantCode(t, err, errs.PasswordAttempts)
		if wait := errs.From(err).RetryAfter; wait > total.Per {
			t.Errorf("locked for %v", wait)
		}
		_, err = byToken(t, k, phone, k.Verified(t, phone, "", signin.UsageSignIn))
		wantCode(t, err, "")
		for _, rule := range []limit.Rule{short, total} {
			if n, _, err := k.Limits.Count(t.Context(), limit.Key("password", "p", u.ID), rule); err != nil || n != 0 {
				t.Errorf("%s is %d after a code, %v", rule.Name, n, err)
			}
		}
		wantCode(t, try("192.0.2.1", "alice", password), "")
	})
}

// answers counts errors by their codes.
func answers(all []error) map[errs.Code]int {
	n := make(map[errs.Code]int)
	for _, err := range all {
		n[errs.CodeOf(err)]++
	}
	return n
}

// AT-01: guesses tried at the same time do not get past the limit. Nor do more of them than
// the limit hear whether they were right: above it a wrong one is answered as a right one.
func TestParallelGuessesCount(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Username: "alice", Password: password})
		for name, wrong := range map[string]errs.Code{"alice": errs.PasswordWrong, "nobody": errs.UserNotFound} {
			_, lost := accounttest.Race(50, func(int) error { return byPassword(t, k, name, "wrong-password") })
			told := answers(lost)
			most := limit.PasswordAccount().Max
			if told[wrong] != most || told[errs.PasswordAttempts] != 50-most {
				t.Errorf("%s: answers %v, want %d that say it is wrong", name, told, most)
			}
			wantCode(t, byPassword(t, k, name, password), errs.PasswordAttempts)
		}
	})
}

// AT-06: the same for guesses at many accounts from one address.
func TestParallelSprayingTellsNoMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaOff })
		rule := limit.PasswordAddress()
		_, lost := accounttest.Race(rule.Max+50, func(i int) error {
			_, err := k.Signin.SignIn(accounttest.From(t, "192.0.2.1", ""), signin.Input{
				Client: k.Client, Method: signin.MethodPassword, Identifier: fmt.Sprint("nobody", i), Password: "wrong-password",
			})
			return err
		})
		told := answers(lost)
		if told[errs.UserNotFound] != rule.Max || told[errs.TooManyRequests] != 50 {
			t.Errorf("answers %v, want %d that tell something", told, rule.Max)
		}
	})
}

// AT-01: a right password that was looked at while others used up the tries comes too late.
func TestARightGuessAmongManyComesTooLate(t *testing.T) {
	slow, err := bcrypt.GenerateFromPassword([]byte(password), 11)
	wantCode(t, err, "")
	for name, full := range map[string]struct {
		rule limit.Rule
		key  func(userID string) string
		want errs.Code
	}{
		"of the account":  {limit.PasswordAccount(), func(id string) string { return limit.WrongPasswords.In("p", id) }, errs.PasswordAttempts},
		"of all time":     {limit.PasswordTotal(), func(id string) string { return limit.WrongPasswords.In("p", id) }, errs.PasswordAttempts},
		"of the address":  {limit.PasswordAddress(), func(string) string { return limit.WrongFrom.In("p", "192.0.2.1/32") }, errs.TooManyRequests},
		"of nothing else": {limit.CodeTarget(), func(string) string { return "other" }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits = true })
				u := k.User(t, admin.NewUser{Username: "alice", Password: password})
				add := func(n int) {
					for range n {
						_, err := k.Limits.Add(t.Context(), full.key(u.ID), full.rule)
						wantCode(t, err, "")
					}
				}
				for {
					wantCode(t, k.Users.SetPasswordHash(t.Context(), "p", u.ID, string(slow)), "")
					add(full.rule.Max - 1)
					hashed, result := k.Hasher.Stats().Done, make(chan error, 1)
					go func() {
						_, err := k.Signin.SignIn(accounttest.From(t, "192.0.2.1", ""), signin.Input{
							Client: k.Client, Method: signin.MethodPassword, Identifier: "alice", Password: password,
						})
						result <- err
					}()
					for s := k.Hasher.Stats(); s.Running == 0 && s.Done == hashed; s = k.Hasher.Stats() {
						time.Sleep(time.Millisecond)
					}
					add(1)
					early := k.Hasher.Stats().Done != hashed
					err := <-result
					if !early {
						wantCode(t, err, full.want)
						return
					}
					wantCode(t, k.Limits.Clear(t.Context(), full.key(u.ID)), "")
				}
			})
		})
	}
}

// AT-06: one address that fails on many accounts has to solve a captcha.
func TestStuffingMeetsACaptcha(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits, s.Captcha = true, pool.CaptchaAuto })
		k.User(t, admin.NewUser{Username: "alice", Password: password})
		ctx := accounttest.From(t, "192.0.2.1", "d1")
		in := signin.Input{Client: k.Client, Method: signin.MethodPassword, Password: password}
		for i := range limit.PasswordAccounts().Max {
			in.Identifier = "nobody" + strings.Repeat("x", i)
			_, err := k.Signin.SignIn(ctx, in)
			wantCode(t, err, errs.UserNotFound)
		}
		in.Identifier = "alice"
		_, err := k.Signin.SignIn(accounttest.From(t, "192.0.2.1", "d2"), in)
		wantCode(t, err, errs.CaptchaRequired)
		_, err = k.Signin.SignIn(accounttest.From(t, "192.0.2.2", "d1"), in)
		wantCode(t, err, "")
		in.CaptchaToken = k.Solve(t)
		_, err = k.Signin.SignIn(ctx, in)
		wantCode(t, err, "")
	})
}

// PW-07: weaker hashes are replaced on a right password, by all of many at once.
func TestHashesAreUpgraded(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		u := k.User(t, admin.NewUser{Username: "alice", Password: password})
		old, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		wantCode(t, err, "")
		wantCode(t, k.Users.SetPasswordHash(t.Context(), "p", u.ID, string(old)), "")
		wantCode(t, byPassword(t, k, "alice", "wrong-password"), errs.PasswordWrong)
		if now, _ := k.Users.ByID(t.Context(), "p", u.ID); now.PasswordHash != string(old) {
			t.Fatal("a wrong password changed the hash")
		}
		won, lost := accounttest.Race(20, func(int) error { return byPassword(t, k, "alice", password) })
		if won != 20 {
			t.Fatalf("%d of 20 signed in: %v", won, lost)
		}
		if now, _ := k.Users.ByID(t.Context(), "p", u.ID); !strings.HasPrefix(now.PasswordHash, "$argon2id$") {
			t.Errorf("hash = %s", now.PasswordHash)
		}
	})
}
