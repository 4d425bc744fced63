package mail

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/smtp"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/secret"
)

const scramName = "SCRAM-SHA-256"

// What a server may ask for: fewer rounds protect nothing, more only keep us busy.
const (
	scramLeast = 4096
	scramMost  = 600_000
)

// scramAuth is SCRAM-SHA-256 without channel binding: the server never sees the password,
// and proves that it knows it. RFC 5802, RFC 7677.
type scramAuth struct {
	username, password string
	nonce              string

	first   string // what we said first, without the header
	expects []byte // the server's proof
	proved  bool
}

func newSCRAM(username, password string) *scramAuth {
	return &scramAuth{username: username, password: password, nonce: secret.Token("n")}
}

// Start says who wants in.
func (a *scramAuth) Start(s *smtp.ServerInfo) (string, []byte, error) {
	if !s.TLS && !driver.Loopback(s.Name) {
		return "", nil, errors.New("the connection is not encrypted")
	}
	name := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(a.username)
	a.first = "n=" + name + ",r=" + a.nonce
	return scramName, []byte("n,," + a.first), nil
}

// Next proves the password, and then has the server prove that it is who it should be.
func (a *scramAuth) Next(said []byte, more bool) ([]byte, error) {
	switch {
	case !more && a.proved:
		return nil, nil
	case !more:
		return nil, errors.New("the server did not prove that it knows the password")
	case a.expects == nil:
		return a.prove(string(said))
	}
	proof, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(said), "v="))
	if err != nil || !hmac.Equal(proof, a.expects) {
		return nil, errors.New("the server does not know the password")
	}
	a.proved = true
	return []byte{}, nil // an empty answer; none at all would end the exchange
}

func (a *scramAuth) prove(challenge string) ([]byte, error) {
	nonce, salt, rounds, err := scramChallenge(challenge)
	switch {
	case err != nil:
		return nil, err
	case !strings.HasPrefix(nonce, a.nonce) || len(nonce) == len(a.nonce):
		return nil, errors.New("the server answers somebody else")
	case rounds < scramLeast || rounds > scramMost:
		return nil, errors.New("the server asks for too few rounds, or too many")
	}
	salted, err := pbkdf2.Key(sha256.New, a.password, salt, rounds, sha256.Size)
	if err != nil {
		return nil, err
	}
	final := "c=biws,r=" + nonce
	said := a.first + "," + challenge + "," + final
	client := scramMAC(salted, "Client Key")
	stored := sha256.Sum256(client)
	proof := scramMAC(stored[:], said)
	for i := range proof {
		proof[i] ^= client[i]
	}
	a.expects = scramMAC(scramMAC(salted, "Server Key"), said)
	return []byte(final + ",p=" + base64.StdEncoding.EncodeToString(proof)), nil
}

// scramChallenge reads r=NONCE,s=SALT,i=ROUNDS. An extension that must be understood
// would come first, and is not.
func scramChallenge(text string) (nonce string, salt []byte, rounds int, err error) {
	broken := errors.New("the server's challenge is not one")
	parts := strings.Split(text, ",")
	if len(parts) < 3 {
		return "", nil, 0, broken
	}
	nonce, ok := strings.CutPrefix(parts[0], "r=")
	encoded, salted := strings.CutPrefix(parts[1], "s=")
	count, counted := strings.CutPrefix(parts[2], "i=")
	if !ok || !salted || !counted {
		return "", nil, 0, broken
	}
	salt, err = base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(salt) == 0 {
		return "", nil, 0, broken
	}
	if rounds, err = strconv.Atoi(count); err != nil {
		return "", nil, 0, broken
	}
	return nonce, salt, rounds, nil
}

func scramMAC(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}
