// Package media owns the pictures people upload: what counts as one, and its bytes. It
// does not say whose picture it is, and serves nothing.
package media

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// Path is where pictures are served: the id follows.
const Path = "/media/"

// MaxSize is how many bytes a picture may have.
const MaxSize = 5 << 20

// Picture is a stored picture. Mime is one of image/png, image/jpeg, image/gif and
// image/webp, found by its content.
type Picture struct {
	ID, PoolID string
	Mime       string
	Body       []byte
	CreatedAt  time.Time
}

// Service stores pictures.
type Service struct {
	db  *db.DB
	now func() time.Time
}

// New makes the service.
func New(d *db.DB, now func() time.Time) *Service { return &Service{db: d, now: now} }

// Save stores a picture under a new id that nobody can guess. Only what a picture needs
// is kept: not where it was taken, no words, nothing behind its end. All pictures of the
// pool together may have so many bytes.
//
// Errors: ImageInvalid, MediaFull.
func (s *Service) Save(ctx context.Context, poolID string, body []byte, most int64) (id, mime string, err error) {
	clean, mime, err := Clean(body)
	if err != nil {
		return "", "", err
	}
	p := Picture{ID: secret.ID(), PoolID: poolID, Mime: mime, Body: clean, CreatedAt: s.now()}
	stored, err := s.insert(ctx, p, most)
	if err != nil {
		return "", "", fmt.Errorf("store a picture: %w", err)
	}
	if !stored {
		return "", "", errs.New(errs.MediaFull)
	}
	return p.ID, mime, nil
}

// Open returns a picture.
//
// Errors: RouteNotFound.
func (s *Service) Open(ctx context.Context, id string) (Picture, error) {
	p, err := s.find(ctx, id)
	if errors.Is(err, db.ErrNoRows) {
		return Picture{}, errs.New(errs.RouteNotFound)
	}
	return p, err
}

// Used is how many bytes the pictures of a pool have.
func (s *Service) Used(ctx context.Context, poolID string) (int64, error) { return s.used(ctx, poolID) }

// Remove deletes a picture of a pool; an unknown one is no error.
func (s *Service) Remove(ctx context.Context, poolID, id string) error {
	return s.remove(ctx, poolID, id)
}
