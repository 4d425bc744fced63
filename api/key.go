package api

import "time"

// SigningKey is a key that signs the tokens of a pool, without its private half.
type SigningKey struct {
	ID          string     `json:"id" doc:"the kid of tokens"`
	Algorithm   string     `json:"algorithm" enum:"ES256,RS256" doc:"how it signs"`
	Active      bool       `json:"active" doc:"it signs now"`
	ActivatesAt time.Time  `json:"activates_at" doc:"from when it signs"`
	RetiresAt   *time.Time `json:"retires_at,omitempty" doc:"from when what it signed is refused"`
}

// SigningKeyRef names a signing key.
type SigningKeyRef struct {
	PoolRef
	Key string `path:"key" doc:"id of the key"`
}

// RotateKeys makes the next signing keys.
type RotateKeys struct {
	PoolRef
	Now bool `json:"now,omitempty" doc:"sign with them at once, for keys feared lost; otherwise they are published a while before"`
}

// PoolSecret is a secret with which a server of yours manages the pool, or a key with
// which it signs tickets. Neither is shown again.
type PoolSecret struct {
	ID        string     `json:"id" doc:"names the secret without telling it"`
	CreatedAt time.Time  `json:"created_at" doc:"when it was made"`
	RevokedAt *time.Time `json:"revoked_at,omitempty" doc:"when it was ended"`
}

// PoolSecretRef names a pool secret or a ticket key.
type PoolSecretRef struct {
	PoolRef
	ID string `path:"id" doc:"id of the secret"`
}

// TicketKeyFile is a key for custom sign-in tickets, in the form @cloudbase/node-sdk
// reads. It is shown this once.
type TicketKeyFile struct {
	PrivateKeyID string `json:"private_key_id" doc:"id of the key"`
	PrivateKey   string `json:"private_key" doc:"the private half, PEM"`
	EnvID        string `json:"env_id" doc:"the environment, which is the pool"`
}
