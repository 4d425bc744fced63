package upsim

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // CRAM-MD5 is what it is
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
)

const scramRounds = 4096

// sasl is one exchange of AUTH. Given what the client says it answers with a challenge,
// or is done; ok then tells whether user proved the password.
type sasl interface {
	next(response string) (challenge string, done bool)
	result() (user string, ok bool)
}

// passwords looks a user's password up.
type passwords func(user string) (string, bool)

// same compares a password with what was given.
func (p passwords) same(user, given string) bool {
	want, ok := p(user)
	return ok && hmac.Equal([]byte(want), []byte(given))
}

// saslMechanisms are those that are offered.
func saslMechanisms() string { return "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256" }

// newSASL starts an exchange; nonce is different in each. Nil is an unknown mechanism.
func newSASL(mechanism, nonce string, p passwords) sasl {
	switch strings.ToUpper(mechanism) {
	case "PLAIN":
		return &saslPlain{passwords: p}
	case "LOGIN":
		return &saslLogin{passwords: p}
	case "CRAM-MD5":
		return &saslCRAM{passwords: p, challenge: "<" + nonce + "@localhost>"}
	case "SCRAM-SHA-256":
		return &saslSCRAM{passwords: p, nonce: nonce}
	}
	return nil
}

type outcome struct {
	user string
	ok   bool
}

func (o outcome) result() (string, bool) { return o.user, o.ok }

// saslPlain is RFC 4616.
type saslPlain struct {
	outcome
	passwords passwords
	asked     bool
}

func (m *saslPlain) next(response string) (string, bool) {
	if response == "" && !m.asked {
		m.asked = true
		return "", false
	}
	parts := strings.Split(response, "\x00")
	if len(parts) == 3 && (parts[0] == "" || parts[0] == parts[1]) {
		m.user, m.ok = parts[1], m.passwords.same(parts[1], parts[2])
	}
	return "", true
}

// saslLogin asks for name and password one after the other, as Exchange does.
type saslLogin struct {
	outcome
	passwords passwords
	asked     bool
}

func (m *saslLogin) next(response string) (string, bool) {
	switch {
	case m.user != "":
		m.ok = m.passwords.same(m.user, response)
		return "", true
	case response == "" && !m.asked:
		m.asked = true
		return "Username:", false
	case response == "":
		return "", true
	}
	m.user = response
	return "Password:", false
}

// saslCRAM is RFC 2195.
type saslCRAM struct {
	outcome
	passwords passwords
	challenge string
	asked     bool
}

func (m *saslCRAM) next(response string) (string, bool) {
	if !m.asked {
		m.asked = true
		return m.challenge, false
	}
	user, digest, ok := cutLast(response, " ")
	password, known := m.passwords(user)
	m.user, m.ok = user, ok && known && hmac.Equal([]byte(cramDigest(password, m.challenge)), []byte(digest))
	return "", true
}

func cramDigest(password, challenge string) string {
	h := hmac.New(md5.New, []byte(password))
	h.Write([]byte(challenge))
	return hex.EncodeToString(h.Sum(nil))
}

func cutLast(s, sep string) (before, after string, ok bool) {
	at := strings.LastIndex(s, sep)
	if at < 0 {
		return s, "", false
	}
	return s[:at], s[at+len(sep):], true
}

// saslSCRAM is RFC 5802 with the hash of RFC 7677, without channel binding.
type saslSCRAM struct {
	outcome
	passwords passwords
	nonce     string // our part of it
	salt      []byte // derived from the user when empty
	step      int
	header    string // gs2
	bare      string // the client's first message without header
	first     string // ours
}

func (m *saslSCRAM) next(response string) (string, bool) {
	m.step++
	switch {
	case m.step == 1 && response == "":
		m.step = 0
		return "", false
	case m.step == 1:
		return m.begin(response)
	case m.step == 2:
		return m.finish(response)
	}
	return "", true // the client has seen our signature
}

func (m *saslSCRAM) begin(message string) (string, bool) {
	binding, rest, ok := strings.Cut(message, ",")
	authzid, bare, both := strings.Cut(rest, ",")
	attributes := scramAttributes(bare)
	if !ok || !both || binding != "n" && binding != "y" || authzid != "" || attributes["n"] == "" || attributes["r"] == "" {
		return "", true
	}
	m.user = strings.NewReplacer("=2C", ",", "=3D", "=").Replace(attributes["n"])
	if m.salt == nil {
		m.salt = sha256Of("salt:" + m.user)[:16]
	}
	m.header, m.bare = binding+","+authzid+",", bare
	m.first = "r=" + attributes["r"] + m.nonce + ",s=" + base64.StdEncoding.EncodeToString(m.salt) + ",i=" + strconv.Itoa(scramRounds)
	return m.first, false
}

func scramAttributes(message string) map[string]string {
	all := make(map[string]string)
	for part := range strings.SplitSeq(message, ",") {
		if name, value, ok := strings.Cut(part, "="); ok {
			all[name] = value
		}
	}
	return all
}

func (m *saslSCRAM) finish(message string) (string, bool) {
	without, proof, ok := cutLast(message, ",p=")
	attributes := scramAttributes(without)
	password, known := m.passwords(m.user)
	wantNonce := scramAttributes(m.first)["r"]
	if !ok || !known || attributes["c"] != base64.StdEncoding.EncodeToString([]byte(m.header)) || attributes["r"] != wantNonce {
		return "", true
	}
	salted, err := pbkdf2.Key(sha256.New, password, m.salt, scramRounds, sha256.Size)
	if err != nil {
		return "", true
	}
	auth := m.bare + "," + m.first + "," + without
	clientKey := hmacSHA256(salted, "Client Key")
	stored := sha256.Sum256(clientKey)
	signature := hmacSHA256(stored[:], auth)
	for i := range clientKey {
		clientKey[i] ^= signature[i]
	}
	if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(clientKey)), []byte(proof)) {
		return "", true
	}
	m.ok = true
	return "v=" + base64.StdEncoding.EncodeToString(hmacSHA256(hmacSHA256(salted, "Server Key"), auth)), false
}
