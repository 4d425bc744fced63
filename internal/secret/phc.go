package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	xargon2 "golang.org/x/crypto/argon2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/text/secure/precis"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret/argon2"
)

const (
	saltBytes = 16
	tagBytes  = 32
	// maxPassword bounds what is hashed, in bytes after normalisation.
	maxPassword = 1024
	// bcryptBytes is all of a password that bcrypt looks at.
	bcryptBytes = 72
)

// Ceilings on the cost of a stored hash, which an import or a stranger with write
// access to the database would otherwise choose for us.
const (
	maxMemory       = 256 << 10 // KiB
	maxTime         = 10
	maxThreads      = 8
	maxBcryptCost   = 14
	maxPBKDF2Rounds = 5_000_000
	maxEncoded      = 512
)

// Why a stored hash cannot be checked.
var (
	ErrHashUnknown = errors.New("password hash of an unknown form")
	ErrHashDamaged = errors.New("password hash is damaged")
	ErrHashCost    = errors.New("password hash is dearer to check than this server allows (PW-08)")
)

// CheckHash says whether Verify can check passwords against a hash that comes from
// elsewhere, without computing anything. docs/migrating.md lists the forms. Its errors are
// ErrHashUnknown, ErrHashDamaged and ErrHashCost.
func CheckHash(encoded string) error {
	_, err := parse(encoded)
	return err
}

// Argon2Params are the costs of new hashes; zero values mean the defaults.
type Argon2Params struct {
	Memory  uint32 // KiB; default 19456
	Time    uint32 // passes; default 2
	Threads uint8  // lanes; default 1
}

// Check refuses costs below what OWASP recommends or above what Verify accepts.
func (p Argon2Params) Check() error {
	p = p.withDefaults()
	if p.Memory > maxMemory || p.Time > maxTime || p.Threads > maxThreads {
		return fmt.Errorf("argon2id m=%d,t=%d,p=%d is above the ceiling m=%d,t=%d,p=%d",
			p.Memory, p.Time, p.Threads, maxMemory, maxTime, maxThreads)
	}
	for _, floor := range []Argon2Params{{Memory: 47104, Time: 1}, {Memory: 19456, Time: 2}, {Memory: 12288, Time: 3}, {Memory: 9216, Time: 4}, {Memory: 7168, Time: 5}} {
		if p.Memory >= floor.Memory && p.Time >= floor.Time {
			return nil
		}
	}
	return fmt.Errorf("argon2id m=%d,t=%d is too cheap; use at least m=19456,t=2", p.Memory, p.Time)
}

func (p Argon2Params) withDefaults() Argon2Params {
	if p.Memory == 0 {
		p.Memory = 19456
	}
	if p.Time == 0 {
		p.Time = 2
	}
	if p.Threads == 0 {
		p.Threads = 1
	}
	return p
}

func (p Argon2Params) key(s *scratch, password string, salt []byte, n uint32) ([]byte, error) {
	return argon2.Key(&s.Memory, []byte(password), salt, argon2.Params(p), n)
}

func (p Argon2Params) encode(salt, tag []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.Memory, p.Time, p.Threads, b64.EncodeToString(salt), b64.EncodeToString(tag))
}

// normalise applies the OpaqueString profile of RFC 8265: composed form, one kind of
// space, no controls, letters as they are.
func normalise(password string) (string, error) {
	tooLong := errs.New(errs.PasswordTooLong, "max", "256")
	if len(password) > 4*maxPassword { // before any work that grows with the length
		return "", tooLong
	}
	plain, err := precis.OpaqueString.String(password)
	if err != nil || !utf8.ValidString(password) {
		return "", errs.New(errs.PasswordInvalid).Because(err)
	}
	if len(plain) > maxPassword {
		return "", tooLong
	}
	return plain, nil
}

// stored is a parsed hash of one of the algorithms we check.
type stored interface {
	matches(s *scratch, password string) (bool, error)
	weaker(than Argon2Params) bool
}

func parse(phc string) (stored, error) {
	if len(phc) > maxEncoded {
		return nil, ErrHashDamaged
	}
	for _, form := range []struct {
		prefix string
		parse  func(string) (stored, error)
	}{
		{"$argon2id$", parseArgon2},
		{"$argon2i$", parseArgon2},
		{"$pbkdf2", parsePBKDF2},
		{"pbkdf2_sha", parseDjango},
		{"$scrypt$", parseScrypt},
		{"$firescrypt$", parseFirebase},
		{"$fbscrypt$", parseFirebase},
		{"$1$", parseCrypt},
		{"$5$", parseCrypt},
		{"$6$", parseCrypt},
		{"$md5$", parseDigest},
		{"$sha1$", parseDigest},
		{"$sha256$", parseDigest},
		{"$sha512$", parseDigest},
		{"$2", parseBcrypt},
		{"{", parseLDAP},
	} {
		if strings.HasPrefix(phc, form.prefix) {
			return form.parse(phc)
		}
	}
	return nil, ErrHashUnknown
}

type argon2Hash struct {
	mode      string // "argon2id" or "argon2i"
	params    Argon2Params
	salt, tag []byte
}

func parseArgon2(phc string) (stored, error) {
	f := strings.Split(phc, "$")
	if len(f) != 6 || f[2] != "v="+strconv.Itoa(argon2.Version) {
		return nil, ErrHashDamaged
	}
	n, ok := numbers(f[3], "m", "t", "p")
	if !ok || n[0] < 8*n[2] {
		return nil, ErrHashDamaged
	}
	if n[0] > maxMemory || n[1] > maxTime || n[2] > maxThreads {
		return nil, ErrHashCost
	}
	salt, tag, err := saltAndTag(f[4], f[5])
	if err != nil {
		return nil, err
	}
	p := Argon2Params{Memory: uint32(n[0]), Time: uint32(n[1]), Threads: uint8(n[2])} //nolint:gosec // All below the ceilings.
	return argon2Hash{f[1], p, salt, tag}, nil
}

func (a argon2Hash) matches(s *scratch, password string) (bool, error) {
	size := uint32(len(a.tag)) //nolint:gosec // saltAndTag bounds it.
	if a.mode == "argon2i" {
		got := xargon2.Key([]byte(password), a.salt, a.params.Time, a.params.Memory, a.params.Threads, size)
		return Equal(got, a.tag), nil
	}
	got, err := a.params.key(s, password, a.salt, size)
	if a.params.Memory > 64<<10 {
		s.Release() // an imported hash must not hold a worker at its size
	}
	return err == nil && Equal(got, a.tag), err
}

func (a argon2Hash) weaker(than Argon2Params) bool {
	return a.mode != "argon2id" || a.params.Memory < than.Memory || a.params.Time < than.Time ||
		len(a.tag) < tagBytes || len(a.salt) < saltBytes
}

type bcryptHash string

func parseBcrypt(phc string) (stored, error) {
	cost, err := bcrypt.Cost([]byte(phc))
	if err != nil || len(phc) != 60 {
		return nil, ErrHashDamaged
	}
	if cost > maxBcryptCost {
		return nil, ErrHashCost
	}
	return bcryptHash(phc), nil
}

// matches refuses passwords whose end bcrypt would ignore.
func (b bcryptHash) matches(_ *scratch, password string) (bool, error) {
	same := bcrypt.CompareHashAndPassword([]byte(b), []byte(password)) == nil
	return same && len(password) <= bcryptBytes, nil
}

func (bcryptHash) weaker(Argon2Params) bool { return true }

// numbers reads "m=1,t=2" with exactly the given names in order, each at least 1.
func numbers(text string, names ...string) ([]int, bool) {
	parts := strings.Split(text, ",")
	if len(parts) != len(names) {
		return nil, false
	}
	all := make([]int, len(names))
	for i, name := range names {
		digits, ok := strings.CutPrefix(parts[i], name+"=")
		n, err := strconv.ParseUint(digits, 10, 31)
		if !ok || err != nil || n == 0 {
			return nil, false
		}
		all[i] = int(n)
	}
	return all, true
}

// saltAndTag decodes both, padded or not.
func saltAndTag(salt, tag string) (s, t []byte, err error) {
	b64 := base64.RawStdEncoding.Strict()
	s, errSalt := b64.DecodeString(strings.TrimRight(salt, "="))
	t, errTag := b64.DecodeString(strings.TrimRight(tag, "="))
	if errSalt != nil || errTag != nil || len(s) < 8 || len(s) > 64 || len(t) < 16 || len(t) > 64 {
		return nil, nil, ErrHashDamaged
	}
	return s, t, nil
}
