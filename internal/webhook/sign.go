package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// Overlap is how long the secret before is signed with beside the new one.
const Overlap = 24 * time.Hour

// secretPrefix marks a secret of Standard Webhooks:
// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
const (
	secretPrefix = "whsec_"
	secretBytes  = 32
)

// key is a secret a webhook is signed with, until Until (Unix milliseconds; 0 for ever).
type key struct {
	Secret string `json:"s"`
	Until  int64  `json:"u,omitempty"`
}

func newSecret() string {
	return secretPrefix + base64.StdEncoding.EncodeToString(secret.Bytes(secretBytes))
}

// Rotate makes a new secret, which is shown once. The one before is signed with as well
// for another Overlap, so that receivers can change over; at once ends it now, for a
// secret feared lost.
//
// Errors: WebhookNotFound, EditConflict.
func (s *Service) Rotate(ctx context.Context, poolID, id string, atOnce bool) (string, error) {
	text := newSecret()
	err := s.d.DB.InTx(ctx, func(ctx context.Context) error {
		h, err := s.get(ctx, poolID, id)
		if errors.Is(err, db.ErrNoRows) {
			return errs.New(errs.WebhookNotFound)
		}
		if err != nil {
			return err
		}
		old, err := s.keys(h)
		if err != nil {
			return err
		}
		all := []key{{Secret: text}}
		if !atOnce && len(old) > 0 {
			all = append(all, key{Secret: old[0].Secret, Until: db.Millis(s.d.Now().Add(Overlap))})
		}
		sealed, err := s.seal(id, all)
		if err != nil {
			return err
		}
		n, err := s.replaceSecrets(ctx, h, sealed)
		if err == nil && n == 0 {
			return errs.New(errs.EditConflict)
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("rotate secret: %w", err)
	}
	return text, nil
}

func (s *Service) seal(id string, all []key) ([]byte, error) {
	plain, err := json.Marshal(all) //nolint:gosec // to be sealed.
	if err != nil {
		return nil, err
	}
	return s.d.Ring.Seal(plain, place(id))
}

// keys opens the secrets of a hook, the newest first.
func (s *Service) keys(h Hook) (all []key, err error) {
	plain, err := s.d.Ring.Open(h.sealed, place(h.ID))
	if err != nil {
		return nil, fmt.Errorf("secrets of webhook %s: %w", h.ID, err)
	}
	return all, json.Unmarshal(plain, &all)
}

func place(id string) string { return "webhooks.secrets:" + id }

// sign is the webhook-signature header of a body sent at a moment: one signature for each
// secret that is good then, separated by spaces.
func sign(all []key, id string, at time.Time, body []byte) (string, error) {
	var list []string
	for _, k := range all {
		if k.Until != 0 && k.Until <= db.Millis(at) {
			continue
		}
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(k.Secret, secretPrefix))
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, raw)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		list = append(list, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(list, " "), nil
}
