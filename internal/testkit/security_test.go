package testkit_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/testkit"
)

const memberPassword = "Kestrel-Quarry-Violin-81"

// member is somebody with an account, signed in.
type member struct {
	t *testing.T
	s *testkit.Server

	id, access, refresh, phone string
}

// join registers the owner of a phone number as "first".
func join(t *testing.T, s *testkit.Server) *member {
	t.Helper()
	const phone = "+86 13800000001"
	m := &member{t: t, s: s, phone: phone}
	a := m.ok(s.Post("/auth/v1/signup", map[string]any{
		"phone_number": phone, "verification_token": m.verified("phone_number", phone),
		"username": "first", "password": memberPassword,
	}))
	m.id, m.access, m.refresh = a.String("sub"), a.String("access_token"), a.String("refresh_token")
	return m
}

func (m *member) ok(a testkit.Answer) testkit.Answer {
	m.t.Helper()
	if a.Status != http.StatusOK {
		m.t.Fatalf("status %d: %s", a.Status, a.Raw)
	}
	return a
}

// verified returns a verification token for an address.
func (m *member) verified(field, address string) string {
	m.t.Helper()
	id := m.ok(m.s.Post("/auth/v1/verification", map[string]any{field: address})).String("verification_id")
	return m.ok(m.s.Post("/auth/v1/verification/verify", map[string]any{
		"verification_id": id, "verification_code": m.s.Code(address),
	})).String("verification_token")
}

func (m *member) sudo() string {
	m.t.Helper()
	return m.ok(m.s.Bearer(m.access, http.MethodPost, "/auth/v1/user/sudo",
		map[string]any{"password": memberPassword})).String("sudo_token")
}

// captcha returns the token of a solved picture.
func (m *member) captcha() string {
	m.t.Helper()
	token := m.ok(m.s.Post("/auth/v1/captcha/data", map[string]any{"state": "s"})).String("token")
	return m.ok(m.s.Post("/auth/v1/captcha/data/verify",
		map[string]any{"token": token, "key": m.s.Code(token)})).String("captcha_token")
}

func (m *member) device() string {
	m.t.Helper()
	d := m.ok(m.s.Post("/auth/v1/device/code", map[string]any{"scope": "user"}))
	m.ok(m.s.Bearer(m.access, http.MethodPost, "/auth/v1/user/device/authorize",
		map[string]any{"user_code": d.String("user_code")}))
	return d.String("device_code")
}

// door is a class of token and the endpoint that takes it.
type door struct {
	class, token string
	knock        func(token string) testkit.Answer
}

func (m *member) settings(set map[string]any) {
	m.t.Helper()
	m.ok(m.s.Do(http.MethodPut, "/emulator/v1/settings", set))
}

// doors returns every class of token with a live specimen. The order matters: what ends
// the session comes last.
func (m *member) doors() []door {
	m.t.Helper()
	fresh := "fresh@example.com"
	verification, device, captcha := m.verified("email", fresh), m.device(), m.captcha()
	return []door{
		{"access", m.access, func(token string) testkit.Answer {
			return m.s.Bearer(token, http.MethodGet, "/auth/v1/user/me", nil)
		}},
		{"captcha", captcha, func(token string) testkit.Answer {
			m.settings(map[string]any{"captcha": "always"})
			defer m.settings(map[string]any{"captcha": "off"})
			return m.s.Post("/auth/v1/verification?captcha_token="+url.QueryEscape(token), map[string]any{"email": "other@example.com"})
		}},
		{"verification", verification, func(token string) testkit.Answer {
			return m.s.Post("/auth/v1/signup", map[string]any{"email": fresh, "verification_token": token})
		}},
		{"device", device, func(token string) testkit.Answer {
			return m.s.Post("/auth/v1/token", map[string]any{
				"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": "dev", "device_code": token,
			})
		}},
		{"sudo", m.sudo(), func(token string) testkit.Answer {
			return m.s.Bearer(m.access, http.MethodPatch, "/auth/v1/user/password",
				map[string]any{"new_password": memberPassword, "sudo_token": token})
		}},
		{"refresh", m.refresh, func(token string) testkit.Answer {
			return m.s.Post("/auth/v1/token", map[string]any{
				"grant_type": "refresh_token", "client_id": "dev", "refresh_token": token,
			})
		}},
	}
}

// TK-01: a token opens the door of its class and no other.
func TestTokensOpenTheirOwnDoorOnly(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		doors := m.doors()
		for _, d := range doors {
			for _, other := range doors {
				if other.class == d.class {
					continue
				}
				if a := d.knock(other.token); a.Status < 400 {
					t.Errorf("%s token as %s: %d %s", other.class, d.class, a.Status, a.Raw)
				}
			}
		}
		for _, d := range doors {
			if a := d.knock(d.token); a.Status != http.StatusOK {
				t.Errorf("%s token in its place: %d %s", d.class, a.Status, a.Raw)
			}
		}
	})
}

// TK-01, MUT: a token that was cut, extended or changed anywhere opens nothing, and
// trying costs the real one nothing.
func TestMutatedTokensOpenNothing(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		for _, d := range m.doors() {
			for _, bad := range mutations(d.token) {
				if a := d.knock(bad); a.Status < 400 {
					t.Errorf("%s: %q for %q: %d %s", d.class, bad, d.token, a.Status, a.Raw)
				}
			}
			if a := d.knock(d.token); a.Status != http.StatusOK {
				t.Errorf("%s: the real token afterwards: %d %s", d.class, a.Status, a.Raw)
			}
		}
	})
}

func mutations(token string) []string {
	n := len(token)
	all := []string{
		token[:n-1], token[:n-4], token[:n/2], token[1:], token + "A", token + "=", token + token,
		strings.ToUpper(token), strings.ToLower(token), token[:n/2] + "\n" + token[n/2:],
	}
	if parts := strings.Split(token, "."); len(parts) == 3 {
		all = append(all, parts[1]+"."+parts[0]+"."+parts[2], parts[0]+"."+parts[1]+".",
			base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"at+jwt"}`))+"."+parts[1]+".")
	}
	step := max(1, n/24)
	for i := 0; i < n; i += step {
		all = append(all, token[:i]+flip(token[i])+token[i+1:])
	}
	all = append(all, token[:n-1]+flip(token[n-1]))
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], "\n", "%0A") // a header holds no line break
	}
	return all
}

func flip(c byte) string {
	if c == 'A' || c == 'a' {
		return "q"
	}
	return "A"
}

// TK-07: tokens count in their own place, not in a query.
func TestTokensInQueriesAreIgnored(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		for _, path := range []string{"/auth/v1/user/me?access_token=", "/auth/v1/user/me?token=", "/auth/v1/user/me?authorization=Bearer%20"} {
			if a := s.Do(http.MethodGet, path+m.access, nil); a.Status != http.StatusUnauthorized {
				t.Errorf("%s: %d %s", path, a.Status, a.Raw)
			}
		}
		a := s.Do(http.MethodPost, "/auth/v1/token?refresh_token="+m.refresh, map[string]any{"grant_type": "refresh_token", "client_id": "dev"})
		if a.Status < 400 {
			t.Errorf("refresh token in the query: %d %s", a.Status, a.Raw)
		}
		a = s.Bearer(m.access, http.MethodPatch, "/auth/v1/user/password?sudo_token="+m.sudo(), map[string]any{"new_password": "another phrase 17"})
		if a.Status < 400 {
			t.Errorf("sudo token in the query: %d %s", a.Status, a.Raw)
		}
	})
}

// LK-08: a profile call sets nothing that grants or proves.
func TestProfilesGrantNothing(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		before := m.ok(s.Bearer(m.access, http.MethodGet, "/auth/v1/user/me", nil))
		for name, value := range map[string]any{
			"id": "x", "sub": "x", "user_id": "x", "uid": "x", "pool_id": "other", "kind": "admin", "status": "blocked",
			"email": "victim@example.com", "email_verified": true, "phone": "13900000009", "phone_number": "+86 13900000009",
			"phone_verified": true, "phone_number_verified": true, "password": "owned by somebody", "password_hash": "$argon2id$x",
			"has_password": false, "password_changed_at": 0, "must_reset": true, "groups": []any{map[string]any{"id": "administrator"}},
			"roles": []string{"admin"}, "scope": "all", "user_type": "admin", "internal_user_type": "admin", "created_from": "x",
			"custom": map[string]any{"a": 1}, "created_at": "2000-01-01T00:00:00Z", "identities": []any{}, "providers": []any{},
			"provider_type": "x", "last_sign_in_at": 0, "meta": map[string]any{"wxOpenId": "x"}, "version": 1,
		} {
			_ = s.Bearer(m.access, http.MethodPatch, "/auth/v1/user/profile", map[string]any{name: value})
		}
		after := m.ok(s.Bearer(m.access, http.MethodGet, "/auth/v1/user/me", nil))
		delete(before.Body, "updated_at")
		delete(after.Body, "updated_at")
		if fmt.Sprint(before.Body) != fmt.Sprint(after.Body) {
			t.Errorf("the profile was\n%v\nand is\n%v", before.Body, after.Body)
		}
		if a := s.Post("/auth/v1/signin", map[string]any{"username": "first", "password": memberPassword}); a.String("sub") != m.id {
			t.Errorf("sign-in afterwards: %d %s", a.Status, a.Raw)
		}
	})
}

// ED-03: what could be read in two ways is not read.
func TestAmbiguousBodiesAreRefused(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		for _, body := range []string{
			`{"username":"nobody","username":"first","password":"` + memberPassword + `"}`,
			`{"username":"first","password":"x","password":"` + memberPassword + `"}`,
			`{"username":["first"],"password":"` + memberPassword + `"}`,
			`{"username":{"$ne":""},"password":"` + memberPassword + `"}`,
			`{"username":"first","password":["` + memberPassword + `"]}`,
			`{"username":"first","password":true}`,
			`[{"username":"first","password":"` + memberPassword + `"}]`,
		} {
			a := s.Post("/auth/v1/signin", json.RawMessage(body))
			if a.Status != http.StatusBadRequest {
				t.Errorf("%s: %d %s", body, a.Status, a.Raw)
			}
		}
		m.ok(s.Post("/auth/v1/signin", map[string]any{"username": "first", "password": memberPassword}))
	})
}

// ID-03: however a number is written, it is one account.
func TestThirtySpellingsAreOneNumber(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		for _, spelling := range []string{
			"13800000001", "+8613800000001", "+86 13800000001", "+86 138 0000 0001", "+86-138-0000-0001", "138 0000 0001",
			"138-0000-0001", "8613800000001", "008613800000001", "0086 13800000001", "00 86 138 0000 0001", "+086 13800000001",
			"+08613800000001", " 13800000001", "13800000001 ", "  +86  13800000001  ", "(+86)13800000001", "+86(138)00000001",
			"＋８６１３８０００００００１", "１３８０００００００１", "＋86 138 0000 0001", "+86\u00a013800000001", "+86\u300013800000001",
			"138.0000.0001", "+86.138.0000.0001", "+86 +86 13800000001", "+86 138-0000 0001", "86 13800000001", "86-138-0000-0001",
			"+86 1380000 0001",
		} {
			a := s.Post("/auth/v1/signin", map[string]any{"username": spelling, "password": memberPassword})
			if a.Status == http.StatusOK && a.String("sub") != m.id {
				t.Errorf("%q signs in somebody else", spelling)
			}
			sent := s.Post("/auth/v1/verification", map[string]any{"phone_number": spelling})
			if sent.Status != http.StatusOK {
				t.Errorf("%q: %d %s", spelling, sent.Status, sent.Raw)
				continue
			}
			made := s.Post("/auth/v1/signup", map[string]any{
				"phone_number": spelling, "verification_token": m.ok(s.Post("/auth/v1/verification/verify", map[string]any{
					"verification_id": sent.String("verification_id"), "verification_code": s.Code(m.phone),
				})).String("verification_token"),
			})
			if made.String("error") != "failed_precondition" {
				t.Errorf("%q signs up: %d %s", spelling, made.Status, made.Raw)
			}
		}
	})
}

// VC-09: a code goes to the stored address or to nobody.
func TestCodesGoToTheStoredAddress(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		s.Post("/emulator/v1/users", map[string]any{"email": "mike@example.org"})
		for _, spelling := range []string{
			"MIKE@example.org", "Mike@EXAMPLE.ORG", "m\u0131ke@example.org", "mi\u212ae@example.org", "mike@example.org\r\nBcc: x@evil.test",
			"mike@example.org,x@evil.test", "mike@example.org x@evil.test", `"a@b"@evil.test`, "mike@example.org@evil.test",
			"mike@example.org\x00@evil.test", "mike\uff20example.org", "<mike@example.org>", "mike@example.org\u202e",
		} {
			_ = s.Post("/auth/v1/verification", map[string]any{"email": spelling, "target": "USER"})
		}
		var sent []struct {
			To string `json:"to"`
		}
		raw := s.Do(http.MethodGet, "/emulator/v1/messages?wait=1s", nil).Raw
		if err := json.Unmarshal(raw, &sent); err != nil || len(sent) == 0 {
			t.Fatalf("messages: %v %s", err, raw)
		}
		for _, message := range sent {
			if message.To != "mike@example.org" {
				t.Errorf("a code went to %q", message.To)
			}
		}
	})
}

// WB-02: only the registered origins may read answers, errors included.
func TestOnlyRegisteredOriginsReadAnswers(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := &member{t: t, s: s}
		m.settings(map[string]any{"allowedOrigins": []string{"https://app.example.com"}})
		ask := func(origin string) string {
			a := s.Do(http.MethodPost, "/auth/v1/signin?client_id=dev", map[string]any{"username": "x", "password": "y"}, "Origin", origin)
			return a.Header.Get("Access-Control-Allow-Origin")
		}
		if got := ask("https://app.example.com"); got != "https://app.example.com" {
			t.Errorf("the registered origin got %q", got)
		}
		for _, origin := range []string{
			"null", "http://app.example.com", "https://app.example.com:8443", "https://app.example.com.evil.test", "https://evilapp.example.com",
			"https://app.example.com@evil.test", "https://app-example.com", "https://appxexample.com", "https://sub.app.example.com",
			"https://example.com", "https://APP.example.com.", "https://app.example.com/", "https://app.example.com%2eevil.test",
			"https://app.example.com_.evil.test", "*", "https://*.example.com", "file://", "chrome-extension://app.example.com",
			"https://\u0430pp.example.com", "https://app.example.com#x", "//app.example.com", "app.example.com", "https://evil.test",
		} {
			if got := ask(origin); got != "" {
				t.Errorf("%q may read answers: %q", origin, got)
			}
		}
	})
}

// SE-07: signing out ends the session on the server.
func TestSignOutEndsTheSession(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		other := m.ok(s.Post("/auth/v1/signin", map[string]any{"username": "first", "password": memberPassword}))
		m.ok(s.Bearer(m.access, http.MethodPost, "/auth/v1/user/signout", map[string]any{}))
		if a := s.Bearer(m.access, http.MethodGet, "/auth/v1/user/me", nil); a.Status != http.StatusUnauthorized {
			t.Errorf("access: %d %s", a.Status, a.Raw)
		}
		a := s.Post("/auth/v1/token", map[string]any{"grant_type": "refresh_token", "client_id": "dev", "refresh_token": m.refresh})
		if a.Status < 400 {
			t.Errorf("refresh: %d %s", a.Status, a.Raw)
		}
		m.ok(s.Bearer(other.String("access_token"), http.MethodGet, "/auth/v1/user/me", nil))
	})
}

// PW-12, PW-02: a blob that decrypts to nothing looks like a wrong password, and a
// password counts to its last character.
func TestBrokenPasswordsLookLikeWrongOnes(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		long := strings.Repeat("kestrel violin ", 14)[:200]
		m.ok(s.Bearer(m.access, http.MethodPatch, "/auth/v1/user/password", map[string]any{"new_password": long, "sudo_token": m.sudo()}))
		try := func(body map[string]any) string {
			s.Advance(20 * time.Minute) // past the lock of earlier tries
			a := s.Post("/auth/v1/signin", body)
			return fmt.Sprint(a.Status, a.Body["error"], a.Body["error_code"], a.Body["error_description"])
		}
		wrong := try(map[string]any{"username": "first", "password": "wrong " + memberPassword})
		for _, short := range []string{long[:199] + "!", long[:72], strings.ToUpper(long), long[:199]} {
			if got := try(map[string]any{"username": "first", "password": short}); got != wrong {
				t.Errorf("%q: %s, want %s", short, got, wrong)
			}
		}
		key := m.ok(s.Post("/auth/v2/signin/publichkey", map[string]any{}))
		block, _ := pem.Decode([]byte(key.String("public_key")))
		sealed := func(params string) string {
			return try(map[string]any{"params": params, "public_key_thumbprint": key.String("public_key_thumbprint")})
		}
		// What does not open is answered as what opens and says nothing.
		opens := sealed(seal(t, parseKey(t, block.Bytes), "nothing"))
		for i := range 8 {
			if got := sealed(base64.StdEncoding.EncodeToString(secret.Bytes(256 - i%2))); got != opens {
				t.Errorf("blob %d: %s, want %s", i, got, opens)
			}
		}
		m.ok(s.Post("/auth/v1/signin", map[string]any{"username": "first", "password": long}))
	})
}

// CANARY (VC-08, TK-01, SE-02, KM-01, PW-06): nothing that opens anything stands in the
// files.
func TestFilesHoldNothingThatOpens(t *testing.T) {
	s := testkit.Start(t, dbtest.SQLite)
	m := join(t, s)
	secrets := map[string]string{"password": memberPassword, "access": m.access}
	for _, d := range m.doors() {
		secrets[d.class] = d.token
	}
	m.ok(s.Post("/auth/v1/verification", map[string]any{"email": "canary@example.com"}))
	secrets["next refresh"] = m.ok(s.Post("/auth/v1/token", map[string]any{
		"grant_type": "refresh_token", "client_id": "dev", "refresh_token": m.refresh,
	})).String("refresh_token")
	files := 0
	err := filepath.WalkDir(filepath.Dir(t.TempDir()), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for class, token := range secrets {
			if end := token[max(0, len(token)-40):]; bytes.Contains(raw, []byte(end)) {
				t.Errorf("%s holds the %s token", filepath.Base(path), class)
			}
		}
		if bytes.Contains(raw, []byte("BEGIN PRIVATE KEY")) {
			t.Errorf("%s holds a private key", filepath.Base(path))
		}
		return nil
	})
	if err != nil || files < 2 {
		t.Fatalf("%d files read: %v", files, err)
	}
}

// TK-04: the token of another client's anonymous person, or one that expired, upgrades
// nobody and makes no account.
func TestForeignAnonymousTokensUpgradeNobody(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := &member{t: t, s: s}
		visitor := m.ok(s.Do(http.MethodPost, "/auth/v1/signin/anonymously?client_id=dev", map[string]any{}, "X-Device-Id", "device-of-a-visitor"))
		upgrade := func(client, email string) testkit.Answer {
			return s.Post("/auth/v1/signup?client_id="+client, map[string]any{
				"email": email, "verification_token": m.verified("email", email), "anonymous_token": visitor.String("access_token"),
			})
		}
		if a := upgrade("dev-app", "one@example.com"); a.Status < 400 {
			t.Errorf("another client: %d %s", a.Status, a.Raw)
		}
		s.Advance(3 * time.Hour)
		if a := upgrade("dev", "two@example.com"); a.Status < 400 {
			t.Errorf("expired: %d %s", a.Status, a.Raw)
		}
		for _, email := range []string{"one@example.com", "two@example.com"} {
			if sent := s.Post("/auth/v1/verification", map[string]any{"email": email}); sent.Body["is_user"] != false {
				t.Errorf("%s: %d %s", email, sent.Status, sent.Raw)
			}
		}
	})
}

// ED-05: what reads as SQL is text.
func TestSQLInInputIsText(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m := join(t, s)
		for _, text := range []string{"' OR '1'='1", "first'--", "x'; DROP TABLE users; --", `" OR ""="`, "$1", "%", "_irst", "first\\", "' UNION SELECT 1,2,3--", "1 OR 1=1"} {
			q := url.QueryEscape(text)
			for _, a := range []testkit.Answer{
				s.Post("/auth/v1/signin", map[string]any{"username": text, "password": memberPassword}),
				s.Post("/auth/v1/verification/verify", map[string]any{"verification_id": text, "verification_code": text}),
				s.Post("/auth/v1/token", map[string]any{"grant_type": "refresh_token", "client_id": text, "refresh_token": text}),
				s.Bearer(m.access, http.MethodGet, "/auth/v1/user/security/history?page_token="+q+"&action="+q, nil),
				s.Bearer(m.access, http.MethodGet, "/auth/v1/user/query?username="+q+"&id="+q, nil),
				s.Bearer(m.access, http.MethodDelete, "/auth/v1/user/authorized/devices/"+url.PathEscape(text), nil),
				s.Bearer(m.access, http.MethodPatch, "/auth/v1/user/profile", map[string]any{"name": text}),
			} {
				if a.Status >= 500 || strings.Contains(string(a.Raw), m.id) && a.String("sub") != m.id || a.String("access_token") != "" {
					t.Errorf("%s: %d %s", text, a.Status, a.Raw)
				}
			}
			if me := m.ok(s.Bearer(m.access, http.MethodGet, "/auth/v1/user/me", nil)); me.String("name") != text {
				t.Errorf("%q was stored as %q", text, me.String("name"))
			}
		}
	})
}
