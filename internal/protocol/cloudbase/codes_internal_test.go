package cloudbase

import (
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
)

// reserved are the vendor's numbers. The client library believes a number before its
// word, so none may stand for another.
func reserved() map[int]string {
	return map[int]string{
		3: "invalid_argument", 4: "deadline_exceeded", 5: "not_found", 6: "already_exists",
		7: "permission_denied", 8: "resource_exhausted", 9: "failed_precondition", 10: "aborted",
		12: "unimplemented", 13: "internal", 14: "unavailable", 16: "unauthenticated",
		4001: "captcha_required", 4002: "captcha_invalid", 4019: "provider_error",
		4022: "unauthorized_client", 4042: "mfa_phone_required", 4045: "login_type_disabled",
	}
}

func TestEveryReasonHasAWireForm(t *testing.T) {
	words := make(map[int]string)
	for _, code := range errs.Codes() {
		w := wireOf(code)
		if w.name == "" || w.number == 0 || w.status < 400 {
			t.Errorf("%s has no wire form: %+v", code, w)
		}
		if was, ok := words[w.number]; ok && was != w.name {
			t.Errorf("%d is both %s and %s", w.number, was, w.name)
		}
		words[w.number] = w.name
		if name, ok := reserved()[w.number]; ok && name != w.name {
			t.Errorf("%s: %d means %s, not %s", code, w.number, name, w.name)
		}
		if _, ok := reserved()[w.number]; !ok && (w.number < 4101 || w.number > 4199) {
			t.Errorf("%s: %d is neither the vendor's nor one of our own", code, w.number)
		}
	}
}

// A client deletes its session when it hears unauthenticated (PROTOCOL: session wiping).
func TestOnlyADeadAccessTokenIsUnauthenticated(t *testing.T) {
	for _, code := range errs.Codes() {
		if w := wireOf(code); (w.name == "unauthenticated") != (code == errs.SessionInvalid) {
			t.Errorf("%s answers %s", code, w.name)
		}
	}
}

func TestOnlyTheCaptchaGateSpeaksOfCaptcha(t *testing.T) {
	for _, code := range errs.Codes() {
		w := wireOf(code)
		gate := code == errs.CaptchaRequired || code == errs.CaptchaInvalid
		if strings.HasPrefix(w.name, "captcha_") != gate {
			t.Errorf("%s answers %s", code, w.name)
		}
	}
}

// The client library sorts errors by words in their text; these would be sorted wrongly.
func TestStatusTextsDoNotSpeakOfPasswords(t *testing.T) {
	for _, code := range []errs.Code{errs.UserBlocked, errs.UserPending, errs.PasswordAttempts} {
		text := strings.ToLower(i18n.Text(i18n.English, code, nil))
		if strings.Contains(text, "password") || strings.Contains(text, "credentials") {
			t.Errorf("%s says %q", code, text)
		}
	}
}
