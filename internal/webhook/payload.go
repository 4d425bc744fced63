package webhook

import (
	"context"
	"encoding/json"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// payload is the body of what is sent. It never has a secret, a code or a password hash.
type payload struct {
	ID        string    `json:"id"`
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"` // when it happened
	Data      data      `json:"data"`
}

type data struct {
	Pool      string   `json:"pool"`
	UserID    string   `json:"user_id,omitempty"`
	ClientID  string   `json:"client_id,omitempty"`
	SessionID string   `json:"session_id,omitempty"`
	User      *profile `json:"user,omitempty"` // as it is when it is sent; absent of nobody and of who is gone
}

// profile is the little of a person that a receiver is told.
type profile struct {
	ID            string    `json:"id"`
	Kind          string    `json:"kind"`
	Status        string    `json:"status"`
	Username      string    `json:"username,omitempty"`
	Name          string    `json:"name,omitempty"`
	Picture       string    `json:"picture,omitempty"`
	Locale        string    `json:"locale,omitempty"`
	Email         string    `json:"email,omitempty"`
	EmailVerified bool      `json:"email_verified"`
	Phone         string    `json:"phone_number,omitempty"`
	PhoneVerified bool      `json:"phone_number_verified"`
	CreatedAt     time.Time `json:"created_at"`
}

// body writes what a hook is sent of an event. The person is read now and not when it
// happened, so that nothing personal waits in a queue or stays in the log.
func (s *Service) body(ctx context.Context, h Hook, e event) ([]byte, error) {
	p := payload{ID: e.id, Type: e.name, Timestamp: e.at.UTC(), Data: data{
		Pool: h.PoolID, UserID: e.userID, ClientID: e.clientID, SessionID: e.sessionID,
	}}
	if e.userID != "" {
		u, err := s.d.Users.ByID(ctx, h.PoolID, e.userID)
		switch errs.CodeOf(err) {
		case "":
			p.Data.User = view(u, h.Contacts)
		case errs.UserNotFound, errs.UserDeleted:
		default:
			return nil, err
		}
	}
	return json.Marshal(p)
}

func view(u user.User, contacts bool) *profile {
	p := &profile{
		ID: u.ID, Kind: u.Kind, Status: u.Status, Username: u.Username, Name: u.Name, Picture: u.Picture, Locale: u.Locale,
		Email: u.Email, EmailVerified: u.EmailVerified, Phone: u.Phone, PhoneVerified: u.PhoneVerified, CreatedAt: u.CreatedAt.UTC(),
	}
	if !contacts {
		p.Email, p.Phone = masked(u.Email, contact.MaskEmail), masked(u.Phone, contact.MaskPhone)
	}
	return p
}

func masked(text string, mask func(string) string) string {
	if text == "" {
		return ""
	}
	return mask(text)
}
