package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"math/bits"
	"strconv"
	"strings"

	"golang.org/x/crypto/scrypt"
)

// The ceilings of scrypt (PW-08): memory is 128·N·r bytes, work is N·r·p.
const (
	maxScryptLogN = 17
	maxScryptR    = 8
	maxScryptWork = 1 << (maxScryptLogN + 4) // N = 2^17, r = 8, p = 2
)

type scryptCost struct{ n, r, p int }

// newScryptCost takes the base-2 logarithm of N, or N itself as Kratos writes it.
func newScryptCost(logN, r, p int) (scryptCost, error) {
	if logN > 63 {
		if bits.OnesCount(uint(logN)) != 1 {
			return scryptCost{}, ErrHashDamaged
		}
		logN = bits.TrailingZeros(uint(logN))
	}
	if logN > maxScryptLogN || r > maxScryptR || r*p > maxScryptWork || (r*p)<<logN > maxScryptWork {
		return scryptCost{}, ErrHashCost
	}
	return scryptCost{1 << logN, r, p}, nil
}

// scryptHash is scrypt as PHC strings and passlib write it.
type scryptHash struct {
	cost      scryptCost
	salt, tag []byte
}

// parseScrypt reads "$scrypt$ln=14,r=8,p=1$salt$tag".
func parseScrypt(phc string) (stored, error) {
	f := strings.Split(phc, "$")
	if len(f) != 5 {
		return nil, ErrHashDamaged
	}
	n, ok := numbers(f[2], "ln", "r", "p")
	if !ok {
		return nil, ErrHashDamaged
	}
	cost, err := newScryptCost(n[0], n[1], n[2])
	if err != nil {
		return nil, err
	}
	salt, tag, err := shortSaltAndTag(f[3], f[4])
	return scryptHash{cost, salt, tag}, err
}

func (h scryptHash) matches(_ *scratch, password string) (bool, error) {
	got, err := scrypt.Key([]byte(password), h.salt, h.cost.n, h.cost.r, h.cost.p, len(h.tag))
	return err == nil && Equal(got, h.tag), err
}

func (scryptHash) weaker(Argon2Params) bool { return true }

// firebaseHash is Firebase's scrypt: the derived key encrypts the project's signer key,
// and the result is what is stored. See github.com/firebase/scrypt.
type firebaseHash struct {
	cost              scryptCost
	salt, signer, tag []byte
}

// parseFirebase reads "$firescrypt$ln=14,r=8,p=1$salt$tag$separator$signer" (Kratos) and
// "$fbscrypt$v=1,n=14,r=8,p=1,ss=separator,sk=signer$salt$tag" (Supabase).
func parseFirebase(text string) (stored, error) {
	f := strings.Split(text, "$")
	switch {
	case len(f) == 7 && f[1] == "firescrypt":
		n, ok := numbers(f[2], "ln", "r", "p")
		if ok {
			return newFirebase(n, f[3], f[4], f[5], f[6])
		}
	case len(f) == 5 && f[1] == "fbscrypt":
		costs, separator, hasSeparator := strings.Cut(strings.TrimPrefix(f[2], "v=1,"), ",ss=")
		separator, signer, hasSigner := strings.Cut(separator, ",sk=")
		n, ok := numbers(costs, "n", "r", "p")
		if ok && hasSeparator && hasSigner {
			return newFirebase(n, f[3], f[4], separator, signer)
		}
	}
	return nil, ErrHashDamaged
}

func newFirebase(n []int, salt, tag, separator, signer string) (stored, error) {
	cost, err := newScryptCost(n[0], n[1], n[2])
	if err != nil {
		return nil, err
	}
	s, t, err := shortSaltAndTag(salt, tag)
	if err != nil {
		return nil, err
	}
	end, errEnd := anyBase64(separator)
	key, errKey := anyBase64(signer)
	if errEnd != nil || errKey != nil || len(end) > 64 || len(key) != len(t) {
		return nil, ErrHashDamaged
	}
	return firebaseHash{cost, append(s, end...), key, t}, nil
}

func (h firebaseHash) matches(_ *scratch, password string) (bool, error) {
	key, err := scrypt.Key([]byte(password), h.salt, h.cost.n, h.cost.r, h.cost.p, 32)
	if err != nil {
		return false, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return false, err
	}
	got := make([]byte, len(h.signer))
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(got, h.signer) //nolint:gosec // Firebase does; each person has a key of their own.
	return Equal(got, h.tag), nil
}

func (firebaseHash) weaker(Argon2Params) bool { return true }

// FirebaseHash writes the form of a hash as Firebase's own export has it: salt and tag of
// the person, separator, signer key, rounds and memory cost of the project, all as in
// `firebase auth:export` and its hash parameters.
func FirebaseHash(salt, tag, separator, signer string, memoryCost, rounds int) string {
	return "$firescrypt$ln=" + strconv.Itoa(memoryCost) + ",r=" + strconv.Itoa(rounds) + ",p=1$" +
		salt + "$" + tag + "$" + separator + "$" + signer
}
