package secret

import (
	"crypto/pbkdf2"
	"crypto/sha1" //nolint:gosec // what other systems stored; re-hashed at the first sign-in.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"
)

// pbkdf2Hash is PBKDF2 over HMAC with one of three hashes.
type pbkdf2Hash struct {
	hash      func() hash.Hash
	rounds    int
	salt, tag []byte
}

// parsePBKDF2 reads "$pbkdf2-sha256$i=600000,l=32$salt$tag" and passlib's form, which has
// no "i=", writes "." for "+" and calls SHA-1 just "pbkdf2".
func parsePBKDF2(phc string) (stored, error) {
	f := strings.Split(strings.ReplaceAll(phc, ".", "+"), "$")
	if len(f) != 5 {
		return nil, ErrHashDamaged
	}
	fn := pbkdf2Digest(strings.TrimPrefix(strings.TrimPrefix(f[1], "pbkdf2"), "-"))
	if fn == nil {
		return nil, ErrHashUnknown
	}
	rounds, length, long := strings.Cut(strings.TrimPrefix(f[2], "i="), ",l=")
	salt, tag, err := shortSaltAndTag(f[3], f[4])
	if err != nil || long && length != strconv.Itoa(len(tag)) {
		return nil, ErrHashDamaged
	}
	return newPBKDF2(fn, rounds, salt, tag)
}

// parseDjango reads "pbkdf2_sha256$260000$salt$tag", whose salt is plain text.
func parseDjango(text string) (stored, error) {
	f := strings.Split(text, "$")
	if len(f) != 4 || f[2] == "" {
		return nil, ErrHashDamaged
	}
	fn := pbkdf2Digest(strings.TrimPrefix(f[0], "pbkdf2_"))
	if fn == nil {
		return nil, ErrHashUnknown
	}
	tag, err := base64.StdEncoding.DecodeString(f[3])
	if err != nil || len(tag) < 16 || len(tag) > 64 {
		return nil, ErrHashDamaged
	}
	return newPBKDF2(fn, f[1], []byte(f[2]), tag)
}

func newPBKDF2(fn func() hash.Hash, rounds string, salt, tag []byte) (stored, error) {
	n, err := strconv.ParseUint(rounds, 10, 31)
	if err != nil || n == 0 {
		return nil, ErrHashDamaged
	}
	if n > maxPBKDF2Rounds {
		return nil, ErrHashCost
	}
	return pbkdf2Hash{fn, int(n), salt, tag}, nil
}

func pbkdf2Digest(name string) func() hash.Hash {
	switch name {
	case "", "sha1":
		return sha1.New
	case "sha256":
		return sha256.New
	case "sha512":
		return sha512.New
	}
	return nil
}

func (p pbkdf2Hash) matches(_ *scratch, password string) (bool, error) {
	got, err := pbkdf2.Key(p.hash, password, p.salt, p.rounds, len(p.tag))
	return err == nil && Equal(got, p.tag), err
}

func (pbkdf2Hash) weaker(Argon2Params) bool { return true }

// shortSaltAndTag is saltAndTag for systems whose salts may be short.
func shortSaltAndTag(salt, tag string) (s, t []byte, err error) {
	s, errSalt := anyBase64(salt)
	t, errTag := anyBase64(tag)
	if errSalt != nil || errTag != nil || len(s) == 0 || len(s) > 128 || len(t) < 16 || len(t) > 64 {
		return nil, nil, ErrHashDamaged
	}
	return s, t, nil
}

// anyBase64 decodes the standard and the URL alphabet, padded or not.
func anyBase64(text string) ([]byte, error) {
	text = strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	return base64.RawStdEncoding.DecodeString(text)
}
