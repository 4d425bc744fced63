package tigertallytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/app"
)

// User is somebody a test wants to exist. Every field is optional. Addresses count as
// verified, as if an operator had made the account.
type User struct {
	Username string `json:"username,omitempty"`
	Password string `json:"password,omitempty"`
	Phone    string `json:"phone,omitempty"` // in any way of writing it
	Email    string `json:"email,omitempty"`
	Status   string `json:"status,omitempty"` // "active", which is the default, "pending" or "blocked"

	ResetPasswordOnFirstLogin bool `json:"resetPasswordOnFirstLogin,omitempty"`
}

// CreateUser makes a user and returns its id, the sub of its tokens.
func (s *Server) CreateUser(t testing.TB, u User) string {
	t.Helper()
	var made struct {
		ID string `json:"id"`
	}
	s.call(t, http.MethodPost, "users", u, &made)
	return made.ID
}

// Settings are the switches a test may flip. Nil leaves one as it is; new(true) sets it.
type Settings struct {
	Captcha            *string   `json:"captcha,omitempty"`   // "off", which is the default, or "always"
	Anonymous          *bool     `json:"anonymous,omitempty"` // people may sign in without a name
	Limits             *bool     `json:"limits,omitempty"`    // enforce the sending limits of production
	AccessTokenSeconds *int      `json:"accessTokenSeconds,omitempty"`
	AllowedOrigins     *[]string `json:"allowedOrigins,omitempty"`
	CasedUsernames     *bool     `json:"casedUsernames,omitempty"` // bob and Bob are two names
}

// Settings applies what is set in change and returns all settings as they are now.
func (s *Server) Settings(t testing.TB, change Settings) Settings {
	t.Helper()
	var now Settings
	s.call(t, http.MethodPut, "settings", change, &now)
	return now
}

// Advance moves the server's clock forward, so that codes, tokens and locks run out. The
// clock of the test and of the program under test stays where it is.
func (s *Server) Advance(t testing.TB, d time.Duration) {
	t.Helper()
	if d == 0 {
		return
	}
	s.call(t, http.MethodPost, "clock", map[string]string{"advance": d.String()}, nil)
}

// Now is the time by the server's clock.
func (s *Server) Now(t testing.TB) time.Time {
	t.Helper()
	var state struct {
		Now time.Time `json:"now"`
	}
	s.call(t, http.MethodGet, "clock", nil, &state)
	return state.Now
}

// clock is how far the server's clock is ahead.
func (s *Server) clock(t testing.TB) time.Duration {
	t.Helper()
	var state struct {
		OffsetSeconds float64 `json:"offsetSeconds"`
	}
	s.call(t, http.MethodGet, "clock", nil, &state)
	return time.Duration(state.OffsetSeconds * float64(time.Second))
}

// Reset deletes all users with everything of theirs, empties the inbox and returns the
// clock to the real time. Settings and keys stay. It is much faster than another server.
func (s *Server) Reset(t testing.TB) {
	t.Helper()
	s.call(t, http.MethodPost, "reset", map[string]bool{"clock": true}, nil)
}

// TicketKey makes a key for CloudBase custom sign-in and returns the credentials file,
// the JSON that a business server signs its tickets with.
func (s *Server) TicketKey(t testing.TB) []byte {
	t.Helper()
	var file json.RawMessage
	s.call(t, http.MethodPost, "ticket-keys", nil, &file)
	return file
}

// RotateKeys makes new keys for access and id tokens, which sign at once. Tokens that the
// keys before them signed stay good.
func (s *Server) RotateKeys(t testing.TB) {
	t.Helper()
	s.mu.Lock()
	server := s.app
	s.mu.Unlock()
	if err := server.Keys.Rotate(context.WithoutCancel(t.Context()), app.DevPool, true); err != nil {
		t.Fatalf("tigertallytest: rotate keys: %v", err)
	}
}

// describe fills in the fields of s.
func (s *Server) describe(t testing.TB) {
	t.Helper()
	var p struct {
		Env        string `json:"env"`
		ClientID   string `json:"clientId"`
		AppID      string `json:"appId"`
		PoolSecret string `json:"poolSecret"`
		ManageKey  string `json:"manageKey"`
		PublicKey  string `json:"publicKey"`
		Issuer     string `json:"issuer"`
	}
	s.call(t, http.MethodGet, "project", nil, &p)
	s.Env, s.ClientID, s.AppID = p.Env, p.ClientID, p.AppID
	s.PoolSecret, s.ManageKey, s.PublicKey, s.Issuer = p.PoolSecret, p.ManageKey, p.PublicKey, p.Issuer
}

// call asks the emulator and fails the test unless it agrees.
func (s *Server) call(t testing.TB, method, path string, in, out any) {
	t.Helper()
	if err := s.ask(context.WithoutCancel(t.Context()), method, path, in, out); err != nil { // cleanups call too
		t.Fatalf("tigertallytest: %v", err)
	}
}

// ask asks the emulator.
func (s *Server) ask(ctx context.Context, method, path string, in, out any) error {
	status, raw, err := s.send(ctx, method, "/emulator/v1/"+path, in)
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(path, "?")
	if status != http.StatusOK {
		var refusal struct {
			Error struct{ Code, Message string } `json:"error"`
		}
		_ = json.Unmarshal(raw, &refusal) // an answer of another shape is shown by its status
		return fmt.Errorf("%s %s: %d %s: %s", method, name, status, refusal.Error.Code, refusal.Error.Message)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, name, err)
	}
	return nil
}

// send sends one request, with in as JSON unless it is nil.
func (s *Server) send(ctx context.Context, method, path string, in any) (status int, raw []byte, err error) {
	body := io.Reader(http.NoBody)
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return 0, nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept-Language", "en") // for the reader of a failed test
	res, err := s.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = res.Body.Close() }() // read to its end, or an error already
	raw, err = io.ReadAll(res.Body)
	return res.StatusCode, raw, err
}
