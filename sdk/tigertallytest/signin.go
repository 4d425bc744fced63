package tigertallytest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Session is somebody signed in with the CloudBase client of the server.
type Session struct {
	UserID       string
	AccessToken  string // a bearer token for an API behind package verify
	RefreshToken string
	ExpiresAt    time.Time // of AccessToken, by the server's clock
}

// SignIn signs somebody in with their phone number and a code, for tests of what comes
// after a sign-in. The account is made if there is none. The number is written with its
// country, in any way: "+86 138 0000 0000".
func (s *Server) SignIn(t testing.TB, phone string) Session {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	country, rest, found := strings.Cut(phone, " ")
	number := country + " " + strings.NewReplacer(" ", "", "-", "").Replace(rest)
	if !found || !strings.HasPrefix(phone, "+") {
		t.Fatalf("tigertallytest: sign in %q: write the number as \"+86 13800000000\"", phone)
	}
	var sent struct {
		ID     string `json:"verification_id"`
		IsUser bool   `json:"is_user"`
	}
	s.enter(ctx, t, phone, "verification", map[string]string{"phone_number": number, "target": "ANY"}, &sent)
	var proof struct {
		Token string `json:"verification_token"`
	}
	s.enter(ctx, t, phone, "verification/verify", map[string]string{"verification_id": sent.ID, "verification_code": s.Code(t, phone)}, &proof)
	path, body := "signup", map[string]string{"phone_number": number, "verification_token": proof.Token}
	if sent.IsUser {
		path, body = "signin", map[string]string{"username": number, "verification_token": proof.Token}
	}
	var tokens struct {
		Sub     string `json:"sub"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Life    int    `json:"expires_in"`
	}
	s.enter(ctx, t, phone, path, body, &tokens)
	return Session{
		UserID: tokens.Sub, AccessToken: tokens.Access, RefreshToken: tokens.Refresh,
		ExpiresAt: s.Now(t).Add(time.Duration(tokens.Life) * time.Second),
	}
}

// enter takes one step of a sign-in.
func (s *Server) enter(ctx context.Context, t testing.TB, phone, path string, in map[string]string, out any) {
	t.Helper()
	in["client_id"] = s.ClientID
	status, raw, err := s.send(ctx, http.MethodPost, "/auth/v1/"+path, in)
	if err == nil && status != http.StatusOK {
		var refusal struct {
			Name string `json:"error"`
			Text string `json:"error_description"`
		}
		_ = json.Unmarshal(raw, &refusal) // an answer of another shape is shown by its status
		err = fmt.Errorf("%s: %d %s: %s", path, status, refusal.Name, refusal.Text)
	}
	if err == nil {
		err = json.Unmarshal(raw, out)
	}
	if err != nil {
		t.Fatalf("tigertallytest: sign in %s: %v", phone, err)
	}
}
