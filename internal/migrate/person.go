package migrate

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
)

// ExportPerson writes everything that is kept of one person as one JSON document: the
// account, what it is linked to, its sessions and its whole history. The password is not
// in it, only that there is one. UserNotFound.
func (s *Service) ExportPerson(ctx context.Context, m admin.Manager, id string, w io.Writer) error {
	u, err := s.d.Users.ByID(ctx, m.PoolID, id)
	if err != nil {
		return err
	}
	err = s.d.Audit.Record(ctx, audit.Event{PoolID: m.PoolID, Action: audit.UserExport, UserID: id, Actor: m.Actor})
	if err != nil {
		return err
	}
	doc := document{
		TakenAt: s.d.Now().UTC(), Account: ExportOptions{Full: true}.of(u), HasPassword: u.HasPassword(),
		Kind: u.Kind, UpdatedAt: u.UpdatedAt, SignIns: u.SignIns, LastIP: u.LastIP, CreatedFrom: u.CreatedFrom,
	}
	doc.PasswordChangedAt, doc.LastSignInAt = optional(u.PasswordChangedAt), optional(u.LastSignInAt)
	sessions, err := s.d.Sessions.List(ctx, id)
	if err != nil {
		return err
	}
	for _, v := range sessions {
		doc.Sessions = append(doc.Sessions, documentSession{
			ID: v.ID, Client: v.ClientID, Device: v.DeviceID, IP: v.IP, UserAgent: v.UserAgent,
			CreatedAt: v.CreatedAt, RenewedAt: v.RotatedAt, ExpiresAt: v.ExpiresAt,
		})
	}
	if doc.History, err = s.history(ctx, m.PoolID, id); err != nil {
		return err
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	out.SetEscapeHTML(false)
	return out.Encode(doc)
}

// document is everything kept of one person.
type document struct {
	TakenAt           time.Time         `json:"taken_at"`
	Account           exported          `json:"account"`
	Kind              string            `json:"kind"`
	HasPassword       bool              `json:"has_password"`
	PasswordChangedAt *time.Time        `json:"password_changed_at,omitempty"`
	UpdatedAt         time.Time         `json:"updated_at"`
	LastSignInAt      *time.Time        `json:"last_sign_in_at,omitempty"`
	SignIns           int64             `json:"sign_ins"`
	LastIP            string            `json:"last_ip,omitempty"`
	CreatedFrom       string            `json:"created_from,omitempty"`
	Sessions          []documentSession `json:"sessions"`
	History           []documentEvent   `json:"history"`
}

type documentSession struct {
	ID        string    `json:"id"`
	Client    string    `json:"client"`
	Device    string    `json:"device,omitempty"`
	IP        string    `json:"ip,omitempty"`
	UserAgent string    `json:"user_agent,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	RenewedAt time.Time `json:"renewed_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

type documentEvent struct {
	At        time.Time         `json:"at"`
	Action    string            `json:"action"`
	Result    string            `json:"result"`
	Actor     string            `json:"actor,omitempty"`
	Client    string            `json:"client,omitempty"`
	Device    string            `json:"device,omitempty"`
	IP        string            `json:"ip,omitempty"`
	UserAgent string            `json:"user_agent,omitempty"`
	Detail    map[string]string `json:"detail,omitempty"`
}

func (s *Service) history(ctx context.Context, poolID, id string) ([]documentEvent, error) {
	list := []documentEvent{}
	for page := ""; ; {
		records, next, err := s.d.Audit.History(ctx, poolID, id, audit.Filter{}, 200, page)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			list = append(list, documentEvent{
				At: r.At, Action: r.Event.Action, Result: r.Event.Result, Actor: r.Event.Actor, Client: r.Event.ClientID,
				Device: r.DeviceID, IP: r.IP, UserAgent: r.UserAgent, Detail: r.Event.Detail,
			})
		}
		if page = next; page == "" {
			slices.Reverse(list)
			return list, nil
		}
	}
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
