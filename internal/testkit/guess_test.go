package testkit_test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/testkit"
)

// try shows a password at one door and says what came of it: right, wrong or locked.
type try func(password string) string

const (
	doorRight  = "right"
	doorWrong  = "wrong"
	doorLocked = "locked"
)

// passwordDoors are all the places where an account's password is asked for, by name.
func passwordDoors(t *testing.T, s *testkit.Server, m *member) map[string]try {
	t.Helper()
	key := authingKey(t, s)
	cloudbase := func(name string) try {
		return func(password string) string {
			return cloudbaseOutcome(t, s.Post("/auth/v1/signin", map[string]any{"username": name, "password": password}), "sub")
		}
	}
	authing := func(account string) try {
		return func(password string) string {
			a := s.Do(http.MethodPost, "/api/v2/login/account", map[string]any{"account": account, "password": seal(t, key, password)}, "X-Authing-App-Id", "dev-app")
			return authingOutcome(t, a, a.Body["code"])
		}
	}
	const mutation = "mutation login($input: LoginByUsernameInput!) { loginByUsername(input: $input) { id token } }"
	return map[string]try{
		"CloudBase by username": cloudbase("first"),
		"CloudBase by phone":    cloudbase(m.phone),
		"CloudBase by mail":     cloudbase("First@Example.com"),
		"CloudBase sudo": func(password string) string {
			a := s.Bearer(m.access, http.MethodPost, "/auth/v1/user/sudo", map[string]any{"password": password})
			return cloudbaseOutcome(t, a, "sudo_token")
		},
		"Authing by username": authing("first"),
		"Authing by phone":    authing("13800000001"),
		"Authing by mail":     authing("first@example.com"),
		"Authing GraphQL": func(password string) string {
			a := s.Do(http.MethodPost, "/graphql/v2", map[string]any{"query": mutation, "variables": map[string]any{
				"input": map[string]any{"username": "first", "password": seal(t, key, password)},
			}}, "X-Authing-App-Id", "dev-app")
			code := any(200.0)
			if all, ok := a.Body["errors"].([]any); ok && len(all) > 0 {
				first, _ := all[0].(map[string]any)
				message, _ := first["message"].(map[string]any)
				code = message["code"]
			}
			return authingOutcome(t, a, code)
		},
		"hosted page": func(password string) string {
			v := newGuest(t, s)
			v.submit("password", url.Values{"do": {"password"}, "account": {"first"}, "password": {password}})
			switch {
			case v.left != nil:
				return doorRight
			case strings.Contains(v.page, "Too many wrong attempts"):
				return doorLocked
			case strings.Contains(v.page, "wrong"):
				return doorWrong
			}
			t.Fatalf("the page says neither: %s", v.page)
			return ""
		},
	}
}

func authingKey(t *testing.T, s *testkit.Server) *rsa.PublicKey {
	t.Helper()
	der, err := base64.StdEncoding.DecodeString(s.Do(http.MethodGet, "/emulator/v1/project", nil).String("publicKey"))
	if err != nil {
		t.Fatal(err)
	}
	return parseKey(t, der)
}

func parseKey(t *testing.T, der []byte) *rsa.PublicKey {
	t.Helper()
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PublicKey) //nolint:forcetypeassert // a panic says it as well.
}

// seal encrypts a password as Authing's clients do.
func seal(t *testing.T, key *rsa.PublicKey, password string) string {
	t.Helper()
	b, err := rsa.EncryptPKCS1v15(secret.Reader(), key, []byte(password)) //nolint:staticcheck // the clients' padding
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

func cloudbaseOutcome(t *testing.T, a testkit.Answer, field string) string {
	t.Helper()
	switch {
	case a.Status == http.StatusOK && a.String(field) != "":
		return doorRight
	case a.Body["error"] == "invalid_username_or_password", a.Body["error"] == "invalid_password":
		return doorWrong
	case a.Body["error"] == "invalid_status":
		return doorLocked
	}
	t.Fatalf("neither right, wrong nor locked: %d %s", a.Status, a.Raw)
	return ""
}

func authingOutcome(t *testing.T, a testkit.Answer, code any) string {
	t.Helper()
	switch code {
	case 200.0:
		return doorRight
	case 2333.0, 2006.0:
		return doorWrong
	case 2057.0:
		return doorLocked
	}
	t.Fatalf("neither right, wrong nor locked: %d %s", a.Status, a.Raw)
	return ""
}

// AT-01: an account has one counter of wrong passwords, whichever name and whichever
// protocol they come by; and who is locked out is so at every door.
func TestWrongPasswordsCountTogetherAtEveryDoor(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		m.ok(s.Bearer(m.access, http.MethodPatch, "/auth/v1/user/contact", map[string]any{
			"email": "first@example.com", "verification_token": m.verified("email", "first@example.com"), "sudo_token": m.sudo(),
		}))
		doors := passwordDoors(t, s, m)
		for name, door := range doors {
			if got := door(memberPassword); got != doorRight {
				t.Fatalf("%s: the right password is %s", name, got)
			}
		}
		for tried := 0; tried < limit.PasswordAccount().Max; {
			for name, door := range doors {
				if tried == limit.PasswordAccount().Max {
					break
				}
				if got := door("wrong " + memberPassword); got != doorWrong {
					t.Errorf("%s: wrong password %d is %s", name, tried+1, got)
				}
				tried++
			}
		}
		for name, door := range doors {
			for _, password := range []string{memberPassword, "wrong " + memberPassword} {
				if got := door(password); got != doorLocked {
					t.Errorf("%s: after all tries %q is %s", name, password, got)
				}
			}
		}
		s.Advance(limit.PasswordAccount().Per + limit.MailGap)
		if got := doors["Authing by phone"](memberPassword); got != doorRight {
			t.Errorf("afterwards the right password is %s", got)
		}
	})
}
