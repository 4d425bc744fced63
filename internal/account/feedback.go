package account

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pool"
)

// The bounds of what people write to the operator, in bytes.
const (
	maxFeedback     = 4 << 10
	maxFeedbackPart = 1 << 10
)

// FeedbackInput is what somebody, known or not, writes to the operator.
type FeedbackInput struct {
	Client              pool.Client
	Contact, Kind, Text string
	Images              string // addresses of pictures, as one text
}

// Feedback keeps what somebody writes, in the record of the pool. What is too long is
// cut, never refused, and an address is masked.
//
// Errors: FieldMissing, TooManyRequests.
func (s *Service) Feedback(ctx context.Context, in FeedbackInput) error {
	if in.Text == "" && in.Images == "" {
		return errs.New(errs.FieldMissing, "field", "description")
	}
	if err := s.take(ctx, in.Client, limit.Feedback, limit.FeedbackAddress()); err != nil {
		return err
	}
	return s.Audit.Record(ctx, audit.Event{
		PoolID: in.Client.Pool.ID, Action: audit.Feedback, ClientID: in.Client.ID,
		Detail: map[string]string{
			"contact": contact.Mask(in.Contact), "kind": cut(in.Kind, maxFeedbackPart),
			"text": cut(in.Text, maxFeedback), "images": cut(in.Images, maxFeedbackPart),
		},
	})
}

// SavePicture keeps a picture somebody uploads, who need not be signed in: some clients
// do not say who they are. It returns the id the picture is served under.
//
// Errors: ImageInvalid, TooManyRequests, MediaFull, of which the operator hears.
func (s *Service) SavePicture(ctx context.Context, c pool.Client, body []byte) (id string, err error) {
	if err := s.take(ctx, c, limit.Uploads, limit.UploadAddress()); err != nil {
		return "", err
	}
	id, _, err = s.Media.Save(ctx, c.Pool.ID, body, int64(c.Pool.Settings.MediaBytes))
	if errs.CodeOf(err) == errs.MediaFull {
		if alarmed := s.alarm(ctx, c.Pool, notify.MediaFull, nil); alarmed != nil {
			err = errors.Join(err, alarmed)
		}
	}
	return id, err
}

// take counts what anybody may do so often from one address.
func (s *Service) take(ctx context.Context, c pool.Client, what limit.Counter, rule limit.Rule) error {
	if !c.Pool.Settings.Limits {
		return nil
	}
	return s.Limits.Take(ctx, what.In(c.Pool.ID, caller.From(ctx).Prefix()), rule)
}

// cut shortens s to at most n bytes of whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
