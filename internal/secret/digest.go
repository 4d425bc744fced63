package secret

import (
	"crypto/md5"  //nolint:gosec // what other systems stored; re-hashed at the first sign-in.
	"crypto/sha1" //nolint:gosec // as above.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
)

// What a digest's template stands for, besides itself. Discuz and its many heirs digest
// the MD5 of a password once more with a salt.
const (
	placeSalt     = "{SALT}"
	placePassword = "{PASSWORD}"
	placeMD5      = "{MD5(PASSWORD)}" // in lower-case hexadecimal
)

// digestHash is one plain digest over a password and a salt.
type digestHash struct {
	hash      func() hash.Hash
	template  string
	salt, tag []byte
}

// parseDigest reads "$sha256$pf=template$salt$tag" (Kratos), all three in base64, and
// "$md5$tag" without a salt.
func parseDigest(text string) (stored, error) {
	f := strings.Split(text, "$")
	h := digestHash{hash: digestOf(f[1]), template: placePassword}
	switch len(f) {
	case 3:
	case 5:
		encoded, ok := strings.CutPrefix(f[2], "pf=")
		template, err := anyBase64(encoded)
		if !ok || err != nil {
			return nil, ErrHashDamaged
		}
		h.template = string(template)
		if h.salt, err = anyBase64(f[3]); err != nil {
			return nil, ErrHashDamaged
		}
	default:
		return nil, ErrHashDamaged
	}
	var err error
	if h.tag, err = anyBase64(f[len(f)-1]); err != nil {
		return nil, ErrHashDamaged
	}
	return h.checked()
}

// parseLDAP reads "{SSHA}base64" and its kin (RFC 2307): the digest of the password and
// the salt, followed by the salt.
func parseLDAP(text string) (stored, error) {
	name, body, ok := strings.Cut(strings.TrimPrefix(text, "{"), "}")
	if !ok {
		return nil, ErrHashDamaged
	}
	name = strings.ToLower(name)
	if name == "crypt" {
		if strings.HasPrefix(body, "{") {
			return nil, ErrHashUnknown
		}
		return parse(body)
	}
	salted := strings.HasPrefix(name, "s") && (strings.HasPrefix(name, "ssha") || name == "smd5")
	if salted {
		name = name[1:]
	}
	if name == "sha" {
		name = "sha1"
	}
	h := digestHash{hash: digestOf(name), template: placePassword}
	if h.hash == nil {
		return nil, ErrHashUnknown
	}
	raw, err := base64.StdEncoding.DecodeString(body)
	size := h.hash().Size()
	if err != nil || len(raw) < size || salted == (len(raw) == size) {
		return nil, ErrHashDamaged
	}
	if salted {
		h.template += placeSalt
	}
	h.tag, h.salt = raw[:size], raw[size:]
	return h.checked()
}

// checked refuses a digest that says nothing about the password.
func (h digestHash) checked() (stored, error) {
	if h.hash == nil {
		return nil, ErrHashUnknown
	}
	named := strings.Contains(h.template, placePassword) || strings.Contains(h.template, placeMD5)
	if !named || len(h.tag) != h.hash().Size() || len(h.salt) > 128 || len(h.template) > 128 {
		return nil, ErrHashDamaged
	}
	return h, nil
}

func digestOf(name string) func() hash.Hash {
	switch name {
	case "md5":
		return md5.New
	case "sha1":
		return sha1.New
	case "sha256":
		return sha256.New
	case "sha512":
		return sha512.New
	}
	return nil
}

func (h digestHash) matches(_ *scratch, password string) (bool, error) {
	once := md5.Sum([]byte(password)) //nolint:gosec // as the system the hash is from.
	text := strings.NewReplacer(
		placeSalt, string(h.salt), placePassword, password, placeMD5, hex.EncodeToString(once[:]),
	).Replace(h.template)
	digest := h.hash()
	digest.Write([]byte(text))
	return Equal(digest.Sum(nil), h.tag), nil
}

func (digestHash) weaker(Argon2Params) bool { return true }

// DigestHash writes the form of a digest that another system keeps in columns of their
// own: algorithm is md5, sha1, sha256 or sha512, digest is hexadecimal, salt is the text
// that was digested, and template says how, such as "{SALT}{PASSWORD}",
// "{PASSWORD}{SALT}" or "{MD5(PASSWORD)}{SALT}". It says ErrHashUnknown and
// ErrHashDamaged.
func DigestHash(algorithm, template, salt, digest string) (string, error) {
	tag, err := hex.DecodeString(digest)
	if err != nil {
		return "", ErrHashDamaged
	}
	h := digestHash{hash: digestOf(algorithm), template: template, salt: []byte(salt), tag: tag}
	if _, err := h.checked(); err != nil {
		return "", err
	}
	b64 := base64.StdEncoding
	return "$" + algorithm + "$pf=" + b64.EncodeToString([]byte(template)) + "$" +
		b64.EncodeToString([]byte(salt)) + "$" + b64.EncodeToString(tag), nil
}
