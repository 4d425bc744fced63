package signin_test

import (
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/account/accounttest"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
)

func byCode(t *testing.T, k *accounttest.Kit, target, digits string, auto bool) (signin.Outcome, error) {
	t.Helper()
	return k.Signin.SignIn(t.Context(), signin.Input{
		Client: k.Client, Method: signin.MethodVerification, Identifier: target, Token: digits, AutoRegister: auto,
	})
}

func registerBy(t *testing.T, k *accounttest.Kit, mail, digits string) error {
	t.Helper()
	_, err := k.Signin.Register(t.Context(), signin.RegisterInput{Client: k.Client, Email: mail, Code: digits})
	return err
}

// VC-05: which code serves which purpose. Whoever asks without a word gets one for all
// but a sudo proof.
func TestVC05CodesServeWhatTheyWereSentFor(t *testing.T) {
	all := []signin.Usage{
		signin.UsageRegister, signin.UsageSignIn, signin.UsageReset, signin.UsageContact, signin.UsageSudo, signin.UsageMFA,
	}
	serves := map[signin.Usage][]signin.Usage{
		signin.UsageAny:      all,
		signin.UsageAll:      {signin.UsageRegister, signin.UsageSignIn, signin.UsageReset, signin.UsageContact, signin.UsageMFA},
		signin.UsageEnter:    {signin.UsageRegister, signin.UsageSignIn, signin.UsageContact},
		signin.UsageJoin:     {signin.UsageRegister, signin.UsageSignIn, signin.UsageContact},
		signin.UsageRecover:  {signin.UsageReset, signin.UsageSignIn},
		signin.UsageConfirm:  {signin.UsageSudo, signin.UsageSignIn},
		signin.UsageRegister: {signin.UsageRegister}, signin.UsageSignIn: {signin.UsageSignIn},
		signin.UsageReset: {signin.UsageReset}, signin.UsageContact: {signin.UsageContact},
		signin.UsageSudo: {signin.UsageSudo}, signin.UsageMFA: {signin.UsageMFA},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		for issued, good := range serves {
			for _, want := range all {
				target := "u" + string(issued) + "@" + string(want[:3]) + ".example"
				_, digits := k.Code(t, target, "", issued)
				_, err := k.Signin.Proofs().Code(t.Context(), k.Client, digits, target, want)
				ok := false
				for _, g := range good {
					ok = ok || g == want
				}
				if (err == nil) != ok {
					t.Errorf("sent for %q, shown for %q: %v", issued, want, err)
				}
			}
		}
	})
}

// A code is spent by its effect: what comes to nothing does not cost it.
func TestACodeOutlivesWhatCameToNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Email: email})
		_, digits := k.Code(t, email, "", signin.UsageEnter)
		wantCode(t, registerBy(t, k, email, digits), errs.IdentifierTaken)
		_, err := byCode(t, k, email, digits, false)
		wantCode(t, err, "")
		_, err = byCode(t, k, email, digits, false)
		wantCode(t, err, errs.CodeWrong)

		_, digits = k.Code(t, "new@example.com", "", signin.UsageEnter)
		_, err = byCode(t, k, "new@example.com", digits, false)
		wantCode(t, err, errs.UserNotFound)
		out, err := byCode(t, k, "new@example.com", digits, true)
		wantCode(t, err, "")
		if !out.User.EmailVerified || out.User.RegisteredBy != "email-code" || out.User.SignIns != 1 {
			t.Errorf("registered %+v", out.User)
		}
	})
}

// VC-03: showing a code counts, whatever comes of it.
func TestVC03SixthShowingFails(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Phone: phone})
		_, digits := k.Code(t, phone, "", signin.UsageAll)
		for range 5 {
			_, err := byCode(t, k, phone, other(digits), false)
			wantCode(t, err, errs.CodeWrong)
		}
		_, err := byCode(t, k, phone, digits, false)
		wantCode(t, err, errs.CodeAttempts)
	})
}

// other is another code of the same length.
func other(digits string) string {
	return string('0'+(digits[0]-'0'+1)%10) + digits[1:]
}

// VC-04: of fifty who show one code at once, one gets what it is for.
func TestVC04OneOfFiftyShowingsWins(t *testing.T) {
	for name, test := range map[string]struct {
		target string
		use    func(t *testing.T, k *accounttest.Kit, digits string) error
	}{
		"sign-in": {email, func(t *testing.T, k *accounttest.Kit, digits string) error {
			t.Helper()
			_, err := byCode(t, k, email, digits, false)
			return err
		}},
		"auto-registration": {"new@example.com", func(t *testing.T, k *accounttest.Kit, digits string) error {
			t.Helper()
			_, err := byCode(t, k, "new@example.com", digits, true)
			return err
		}},
		"registration": {"new@example.com", func(t *testing.T, k *accounttest.Kit, digits string) error {
			t.Helper()
			return registerBy(t, k, "new@example.com", digits)
		}},
		"reset": {email, func(t *testing.T, k *accounttest.Kit, digits string) error {
			t.Helper()
			return k.Account.ResetPassword(t.Context(), account.ResetInput{
				Client: k.Client, Email: email, Code: digits, Password: password,
			})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := accounttest.New(t, d, func(s *pool.Settings) { s.MaxCodeTries = 10 })
				k.User(t, admin.NewUser{Email: email})
				_, digits := k.Code(t, test.target, "", signin.UsageAll)
				won, lost := accounttest.Race(50, func(int) error { return test.use(t, k, digits) })
				for _, err := range lost {
					switch errs.CodeOf(err) {
					case errs.CodeWrong, errs.CodeAttempts, errs.IdentifierTaken, errs.Unavailable:
					default:
						t.Errorf("lost with %v", err)
					}
				}
				if won != 1 {
					t.Errorf("%d won", won)
				}
			})
		})
	}
}

// VC-03, VC-04: among fifty guesses at once at most the right one wins, and once.
func TestVC03RightAmongManyGuesses(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d)
		k.User(t, admin.NewUser{Phone: phone})
		for range 5 {
			_, digits := k.Code(t, phone, "", signin.UsageSignIn)
			won, lost := accounttest.Race(50, func(i int) error {
				shown := digits
				if i%10 != 0 {
					shown = other(digits)
				}
				_, err := byCode(t, k, phone, shown, false)
				return err
			})
			for _, err := range lost {
				if c := errs.CodeOf(err); c != errs.CodeWrong && c != errs.CodeAttempts && c != errs.Unavailable {
					t.Errorf("lost with %v", err)
				}
			}
			if won > 1 {
				t.Errorf("%d won", won)
			}
			k.Advance(2 * time.Hour)
		}
	})
}

// VC-06: guesses by bare codes share the limit of those that are exchanged for tokens.
func TestVC06BareGuessesAreLimitedByAddress(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := accounttest.New(t, d, func(s *pool.Settings) { s.Limits = true })
		ctx := accounttest.From(t, "192.0.2.1", "")
		try := func(target, digits string) error {
			_, err := k.Signin.SignIn(ctx, signin.Input{
				Client: k.Client, Method: signin.MethodVerification, Identifier: target, Token: digits, AutoRegister: true,
			})
			return err
		}
		for i := range 15 { // right ones cost nothing
			target := "u" + string(rune('a'+i)) + "@example.com"
			_, digits := k.Code(t, target, "", signin.UsageSignIn)
			wantCode(t, try(target, digits), "")
		}
		for i := range 10 {
			wantCode(t, try("v"+string(rune('a'+i))+"@example.com", "123456"), errs.CodeWrong)
		}
		_, digits := k.Code(t, email, "", signin.UsageSignIn)
		wantCode(t, try(email, digits), errs.TooManyRequests)
	})
}
