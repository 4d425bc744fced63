package cloudbase_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/testkit"
)

// world is a server with one user on it, signed in, and the addresses of a stranger.
type world struct {
	t *testing.T
	s *testkit.Server

	id, username, phone, email, password string
	newPhone, newEmail, newName          string
	access, refresh, device, request     string
}

const newPassword = "another good phrase 9"

func newWorld(t *testing.T, s *testkit.Server, n int) *world {
	t.Helper()
	w := &world{
		t: t, s: s, password: "correct horse battery",
		username: fmt.Sprintf("member%d", n), phone: fmt.Sprintf("+86 1380000%04d", n),
		email: fmt.Sprintf("member%d@example.com", n), newName: fmt.Sprintf("fresh%d", n),
		newPhone: fmt.Sprintf("+86 1390000%04d", n), newEmail: fmt.Sprintf("fresh%d@example.com", n),
		device: fmt.Sprintf("%032x", n+1), request: fmt.Sprintf("%032x", n+0x10000),
	}
	made := s.Post("/emulator/v1/users", map[string]any{
		"username": w.username, "phone": w.phone, "email": w.email, "password": w.password,
	})
	w.id = made.String("id")
	tokens := w.post("/auth/v1/signin", map[string]any{"username": w.username, "password": w.password})
	w.access, w.refresh = tokens.String("access_token"), tokens.String("refresh_token")
	w.bearer(http.MethodPatch, "/auth/v1/user/profile", map[string]any{
		"name": "Somebody", "gender": "MALE", "locale": "zh-CN", "picture": "https://example.com/p.png",
	})
	return w
}

// post sends a public request that must succeed.
func (w *world) post(path string, body map[string]any) testkit.Answer {
	w.t.Helper()
	a := w.s.Do(http.MethodPost, path+"?client_id=dev", body, "X-Device-Id", w.device)
	if a.Status != http.StatusOK {
		w.t.Fatalf("%s: %d %s", path, a.Status, a.Raw)
	}
	return a
}

// bearer sends a request of the user that must succeed.
func (w *world) bearer(method, path string, body any) testkit.Answer {
	w.t.Helper()
	a := w.s.Bearer(w.access, method, path, body)
	if a.Status != http.StatusOK {
		w.t.Fatalf("%s %s: %d %s", method, path, a.Status, a.Raw)
	}
	return a
}

// code sends a code to an address and reads it, as the user or as a stranger.
func (w *world) code(signedIn bool, field, address string) (id, digits string) {
	w.t.Helper()
	body := map[string]any{field: address}
	if signedIn {
		id = w.bearer(http.MethodPost, "/auth/v1/verification", body).String("verification_id")
	} else {
		id = w.post("/auth/v1/verification", body).String("verification_id")
	}
	return id, w.s.Code(address)
}

// verified returns a verification token for an address.
func (w *world) verified(signedIn bool, field, address string) string {
	w.t.Helper()
	id, digits := w.code(signedIn, field, address)
	return w.post("/auth/v1/verification/verify", map[string]any{
		"verification_id": id, "verification_code": digits,
	}).String("verification_token")
}

func (w *world) sudo() string {
	w.t.Helper()
	return w.bearer(http.MethodPost, "/auth/v1/user/sudo", map[string]any{"password": w.password}).String("sudo_token")
}

// solved returns a picture's token and its answer.
func (w *world) solved() (token, key string) {
	w.t.Helper()
	token = w.post("/auth/v1/captcha/data", map[string]any{"state": "s"}).String("token")
	return token, w.s.Code(token)
}

// ticket is what a customer's server makes with the vendor's node SDK.
func (w *world) ticket() string {
	w.t.Helper()
	file := w.s.Post("/emulator/v1/ticket-keys", map[string]any{})
	block, _ := pem.Decode([]byte(file.String("private_key")))
	if block == nil {
		w.t.Fatalf("no ticket key: %s", file.Raw)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		w.t.Fatal(err)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		w.t.Fatal("the ticket key is not RSA")
	}
	now := time.Now().UnixMilli()
	payload, err := json.Marshal(map[string]any{
		"alg": "RS256", "env": file.String("env_id"), "iat": now, "exp": now + 600_000,
		"uid": "user_" + w.newName, "refresh": 3_600_000, "expire": now + 604_800_000,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." +
		base64.RawURLEncoding.EncodeToString(payload)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		w.t.Fatal(err)
	}
	return file.String("private_key_id") + "/@@/" + signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// seal encrypts plain the way the client library does, in blocks.
func (w *world) seal(plain string) (sealed, thumbprint string) {
	w.t.Helper()
	a := w.post("/auth/v2/signin/publichkey", map[string]any{})
	block, _ := pem.Decode([]byte(a.String("public_key")))
	if block == nil {
		w.t.Fatalf("no public key: %s", a.Raw)
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		w.t.Fatal(err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		w.t.Fatal("the transport key is not RSA")
	}
	var out strings.Builder
	rest, size := plain, key.Size()-11
	if len(plain) > size {
		size = 117
	}
	for rest != "" {
		n := min(size, len(rest))
		block, err := rsa.EncryptPKCS1v15(secret.Reader(), key, []byte(rest[:n])) //nolint:staticcheck // the client library's padding
		if err != nil {
			w.t.Fatal(err)
		}
		out.Write(block)
		rest = rest[n:]
	}
	return base64.StdEncoding.EncodeToString([]byte(out.String())), a.String("public_key_thumbprint")
}
