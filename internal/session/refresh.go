package session

import (
	"encoding/base64"
	"encoding/binary"
	"strings"

	"github.com/tigertally/tigertally/internal/secret"
)

// A refresh token is
//
//	"r." base64url( session id 26 | generation 8 | seed 16 | MAC 32 )
//
// The MAC covers the pool and the family of the token too and is made with the
// installation's key, so a forged or misplaced token never reaches the database. The database knows the seed by its hash only: even
// together with the installation's key it yields no token. A token's successor differs
// in its generation alone, so every node answers the same retired token with the same
// successor, remembering nothing.
const (
	refreshPrefix = "r."
	idBytes       = 26
	seedBytes     = 16
	macBytes      = 32
	bodyBytes     = idBytes + 8 + seedBytes
	macPurpose    = "session.refresh"
)

type refreshToken struct {
	session    string
	generation int64
	seed       [seedBytes]byte
}

func (t refreshToken) next() refreshToken {
	t.generation++
	return t
}

// seedHash is what the database keeps of the seed.
func (t refreshToken) seedHash() []byte { return secret.Hash(string(t.seed[:])) }

func (t refreshToken) encode(ring *secret.Keyring, poolID, family string) string {
	raw := make([]byte, 0, bodyBytes+macBytes)
	raw = append(raw, t.session...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(t.generation)) //nolint:gosec // never negative.
	raw = append(raw, t.seed[:]...)
	raw = append(raw, ring.MAC(macPurpose+family, []byte(poolID), raw)...)
	return refreshPrefix + base64.RawURLEncoding.EncodeToString(raw)
}

// parseRefresh accepts exactly the one spelling of a token we made for the pool and family.
func parseRefresh(ring *secret.Keyring, poolID, family, token string) (refreshToken, bool) {
	text, ok := strings.CutPrefix(token, refreshPrefix)
	if !ok || len(text) != base64.RawURLEncoding.EncodedLen(bodyBytes+macBytes) {
		return refreshToken{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != bodyBytes+macBytes {
		return refreshToken{}, false
	}
	body := raw[:bodyBytes]
	if !secret.Equal(raw[bodyBytes:], ring.MAC(macPurpose+family, []byte(poolID), body)) {
		return refreshToken{}, false
	}
	return refreshToken{
		session:    string(body[:idBytes]),
		generation: int64(binary.BigEndian.Uint64(body[idBytes:])), //nolint:gosec // we wrote it.
		seed:       [seedBytes]byte(body[idBytes+8:]),
	}, true
}
