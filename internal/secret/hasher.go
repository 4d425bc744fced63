package secret

import (
	"context"
	"time"
)

// HasherOptions configure a Hasher; zero values mean the defaults.
type HasherOptions struct {
	Workers int           // hashes at once; default: GOMAXPROCS when the hasher is made
	Queue   int           // waiting hashes; default 512
	MaxWait time.Duration // longest predicted wait to accept; default 5 s
	Nice    bool          // run at low priority where the platform allows
	Params  Argon2Params
	Now     func() time.Time // measures hashes; nil assumes 50 ms each
}

// Argon2Params are the costs of new hashes.
type Argon2Params struct {
	Memory  uint32 // KiB; default 19456
	Time    uint32 // passes; default 2
	Threads uint8  // lanes; default 1
}

// Hasher hashes and verifies passwords.
type Hasher struct{}

// HasherStats describes a hasher at one moment.
type HasherStats struct {
	Queued, Running int
	Done            uint64
}

// NewHasher starts a hasher; Close stops it.
func NewHasher(o HasherOptions) *Hasher { return &Hasher{} }

// Close stops the workers.
func (h *Hasher) Close() {}

// Workers is the number of hashes that run at once.
func (h *Hasher) Workers() int { return 1 }

// Hash hashes a new password.
func (h *Hasher) Hash(ctx context.Context, tenant, password string) (string, error) {
	return "", ctx.Err()
}

// Verify checks password against phc.
func (h *Hasher) Verify(ctx context.Context, tenant, phc, password string) (ok, rehash bool, err error) {
	return false, false, ctx.Err()
}

// Stats describes the hasher now.
func (h *Hasher) Stats() HasherStats { return HasherStats{} }
