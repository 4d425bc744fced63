package pool

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// TicketKeyFile is what the owner of a pool downloads once, in the form the node SDK
// of CloudBase reads. We keep only the public half.
type TicketKeyFile struct {
	PrivateKeyID string `json:"private_key_id"`
	PrivateKey   string `json:"private_key"`
	EnvID        string `json:"env_id"`
}

// TicketKeyInfo describes a key without its halves.
type TicketKeyInfo struct {
	ID        string
	CreatedAt time.Time
	RevokedAt time.Time // zero while it is good
}

// NewTicketKey makes a key a pool's own server signs custom sign-in tickets with.
func (s *Service) NewTicketKey(ctx context.Context, poolID string) (TicketKeyFile, error) {
	if _, err := s.Get(ctx, poolID); err != nil {
		return TicketKeyFile{}, err
	}
	private, err := rsa.GenerateKey(secret.Reader(), 2048)
	if err != nil {
		return TicketKeyFile{}, fmt.Errorf("generate ticket key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return TicketKeyFile{}, fmt.Errorf("encode ticket key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return TicketKeyFile{}, fmt.Errorf("encode ticket key: %w", err)
	}
	id := secret.ID()
	if err := s.insertTicketKey(ctx, id, poolID, text("PUBLIC KEY", public)); err != nil {
		return TicketKeyFile{}, fmt.Errorf("store ticket key: %w", err)
	}
	return TicketKeyFile{PrivateKeyID: id, PrivateKey: text("PRIVATE KEY", der), EnvID: poolID}, nil
}

// TicketKey returns the public half of a pool's key, or KeyNotFound when it is
// unknown, revoked or another pool's.
func (s *Service) TicketKey(ctx context.Context, poolID, keyID string) (*rsa.PublicKey, error) {
	encoded, err := s.ticketKey(ctx, poolID, keyID)
	if errors.Is(err, db.ErrNoRows) {
		return nil, errs.New(errs.KeyNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read ticket key: %w", err)
	}
	block, _ := pem.Decode([]byte(encoded))
	if block == nil {
		return nil, errors.New("ticket key is not PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse ticket key: %w", err)
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("ticket key is not RSA")
	}
	return public, nil
}

// TicketKeys lists a pool's keys, newest first.
func (s *Service) TicketKeys(ctx context.Context, poolID string) ([]TicketKeyInfo, error) {
	list, err := s.ticketKeys(ctx, poolID)
	if err != nil {
		return nil, fmt.Errorf("list ticket keys: %w", err)
	}
	return list, nil
}

// RevokeTicketKey ends a key at once.
func (s *Service) RevokeTicketKey(ctx context.Context, poolID, keyID string) error {
	n, err := s.revokeTicketKey(ctx, poolID, keyID)
	if err != nil {
		return fmt.Errorf("revoke ticket key: %w", err)
	}
	if n == 0 {
		return errs.New(errs.KeyNotFound)
	}
	return nil
}

func text(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
