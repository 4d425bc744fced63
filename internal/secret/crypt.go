package secret

import (
	"crypto/sha256"
	"crypto/sha512"
	"strconv"
	"strings"

	"github.com/go-crypt/x/crypt"
)

// The rounds of crypt(3) with SHA-2. Its own format allows a thousand times as many.
const (
	cryptRounds    = 5000
	minCryptRounds = 1000
	maxCryptRounds = 1_000_000
)

// cryptHash is a line of a Unix shadow file: $1$ (MD5), $5$ (SHA-256) or $6$ (SHA-512).
type cryptHash struct {
	id     string
	rounds int
	salt   string
	tag    string
}

// parseCrypt reads "$6$rounds=5000$salt$tag"; rounds may be left out.
func parseCrypt(text string) (stored, error) {
	f := strings.Split(text, "$")
	h := cryptHash{id: f[1], rounds: cryptRounds}
	if digits, ok := strings.CutPrefix(f[2], "rounds="); ok && h.id != "1" {
		n, err := strconv.ParseUint(digits, 10, 31)
		if err != nil || n < minCryptRounds {
			return nil, ErrHashDamaged
		}
		if n > maxCryptRounds {
			return nil, ErrHashCost
		}
		h.rounds = int(n)
		f = append(f[:2], f[3:]...)
	}
	if len(f) != 4 || len(f[2]) > 16 || len(f[3]) != map[string]int{"1": 22, "5": 43, "6": 86}[h.id] {
		return nil, ErrHashDamaged
	}
	h.salt, h.tag = f[2], f[3]
	return h, nil
}

func (h cryptHash) matches(_ *scratch, password string) (bool, error) {
	var got []byte
	switch h.id {
	case "1":
		got = crypt.KeyMD5Crypt([]byte(password), []byte(h.salt))
	case "5":
		got = crypt.KeySHACrypt(sha256.New, []byte(password), []byte(h.salt), h.rounds)
	default:
		got = crypt.KeySHACrypt(sha512.New, []byte(password), []byte(h.salt), h.rounds)
	}
	return Equal(got, []byte(h.tag)), nil
}

func (cryptHash) weaker(Argon2Params) bool { return true }
