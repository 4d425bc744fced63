package authing

import (
	"testing"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
)

func tables() map[string]words {
	return map[string]words{
		"": nil, "register": registerWords(), "login": loginWords(), "code login": codeLoginWords(),
		"logout": logoutWords(), "mail": mailWords(), "password": passwordWords(), "phone": phoneWords(),
		"email": emailWords(), "profile": profileWords(),
	}
}

// Clients take a refusal without a number for a success, and one crashes on a refusal
// without a message.
func TestEveryReasonHasANumberAndBothTexts(t *testing.T) {
	for _, code := range errs.Codes() {
		if _, ok := byCode[code]; !ok {
			t.Errorf("%s has no number of its own", code)
		}
		if byKind[code.Kind()] == 0 {
			t.Errorf("the kind of %s has no number", code)
		}
		for name, w := range tables() {
			for _, lang := range i18n.Languages() {
				e := refusal(lang, w, errs.New(code, "message", "m", "field", "f", "max", "9", "min", "6", "seconds", "5", "reason", "r"))
				if e.Code == 0 || e.Code == codeOK || e.Message == "" || e.Message == string(code) || e.Data != nil {
					t.Errorf("%s in %q and %s is %+v", code, name, lang, e)
				}
			}
		}
	}
}

// PROTOCOL 5: these are what client libraries say themselves.
func TestNoNumberIsTheClientsOwn(t *testing.T) {
	for _, code := range errs.Codes() {
		for name, w := range tables() {
			if n := w.of(code).number; n >= 10001 && n <= 10020 {
				t.Errorf("%s in %q is %d", code, name, n)
			}
		}
	}
}

// The seed page's numbers, where it names them.
func TestSeedNumbers(t *testing.T) {
	for _, tt := range []struct {
		name   string
		words  words
		code   errs.Code
		number int
	}{
		{"registerByEmail", registerWords(), errs.EmailInvalid, 2003},
		{"registerByEmail", registerWords(), errs.IdentifierTaken, 2026},
		{"registerByUserName", registerWords(), errs.UsernameTaken, 2026},
		{"registerByPhoneCode", registerWords(), errs.CodeWrong, 2001},
		{"loginByAccount", loginWords(), errs.PasswordWrong, 2333},
		{"loginByAccount", loginWords(), errs.UserNotFound, 2333},
		{"loginByAccount", loginWords(), errs.PasswordNotSet, 2333},
		{"loginByPhoneCode", codeLoginWords(), errs.CodeWrong, 2001},
		{"loginByOneAuth", loginWords(), errs.OneTapRefused, 2333},
		{"getCurrentUser", nil, errs.SessionInvalid, 2020},
		{"logout", logoutWords(), errs.SessionInvalid, 1010001},
		{"sendSms", nil, errs.PhoneInvalid, 500},
		{"sendEmail", mailWords(), errs.EmailInvalid, 1020017},
		{"resetPasswordByPhone", nil, errs.UserNotFound, 2004},
		{"updatePassword", passwordWords(), errs.PasswordWrong, 1320011},
		{"unbindPhone", phoneWords(), errs.LastMethod, 1320005},
		{"unbindEmail", emailWords(), errs.ContactUnset, 1320005},
	} {
		if got := tt.words.of(tt.code).number; got != tt.number {
			t.Errorf("%s: %s is %d, not %d", tt.name, tt.code, got, tt.number)
		}
	}
}
