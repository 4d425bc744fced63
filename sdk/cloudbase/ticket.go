package cloudbase

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"regexp"
	"time"
)

const (
	ticketLife     = 10 * time.Minute
	defaultRefresh = time.Hour
	defaultExpire  = 7 * 24 * time.Hour
)

var customID = regexp.MustCompile(`^[a-zA-Z0-9_\-#@~=*(){}[\]:.,<>+]{4,32}$`)

// TicketKey signs tickets for custom login: a server that knows its people itself tells
// an environment who they are. It belongs on a server, never into an app.
type TicketKey struct {
	env, id string
	key     *rsa.PrivateKey
}

// ParseTicketKey reads the file with the key of an environment, tcb_custom_login*.json,
// which "tigertally pool ticket-key new" or CloudBase's console makes.
func ParseTicketKey(file []byte) (*TicketKey, error) {
	var f struct {
		ID  string `json:"private_key_id"`
		Key string `json:"private_key"`
		Env string `json:"env_id"`
	}
	if err := json.Unmarshal(file, &f); err != nil {
		return nil, &Error{Name: ErrLocal, Description: "this is no file with a key", cause: err}
	}
	if f.ID == "" || f.Env == "" {
		return nil, local("the file lacks private_key_id or env_id")
	}
	block, _ := pem.Decode([]byte(f.Key))
	if block == nil {
		return nil, local("private_key is not in PEM")
	}
	key, err := parsePrivateKey(block.Bytes)
	if err != nil {
		return nil, &Error{Name: ErrLocal, Description: "private_key cannot be used", cause: err}
	}
	return &TicketKey{env: f.Env, id: f.ID, key: key}, nil
}

func parsePrivateKey(der []byte) (*rsa.PrivateKey, error) {
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	if key, ok := key.(*rsa.PrivateKey); ok {
		return key, nil
	}
	return nil, errors.New("it is no RSA key")
}

// Env is the environment whose people the key vouches for.
func (k *TicketKey) Env() string { return k.env }

// TicketOptions are what a ticket says beside who it is for. The zero value is good.
type TicketOptions struct {
	// Refresh is how long an access token shall last. The default is an hour.
	Refresh time.Duration
	// Expire is when the session shall end. The default is seven days after IssuedAt.
	Expire time.Time
	// IssuedAt is when the ticket begins to be good, for ten minutes. The default is now.
	IssuedAt time.Time
}

type ticketClaims struct {
	Alg     string `json:"alg"`
	Env     string `json:"env"`
	IAT     int64  `json:"iat"` // this and the others in milliseconds
	EXP     int64  `json:"exp"`
	UID     string `json:"uid"`
	Refresh int64  `json:"refresh"`
	Expire  int64  `json:"expire"`
}

// CreateTicket returns a ticket that signs the person uid in, as createTicket of
// @cloudbase/node-sdk does: give it to their app, whose function of
// [Auth.SetCustomSignFunc] returns it. uid is 4 to 32 letters, digits or
// _-#@~=*(){}[]:.,<>+ and names an account of its own, which is made at its first ticket.
func (k *TicketKey) CreateTicket(uid string, o TicketOptions) (string, error) {
	if !customID.MatchString(uid) {
		return "", local("uid must be 4 to 32 letters, digits or _-#@~=*(){}[]:.,<>+")
	}
	if o.IssuedAt.IsZero() {
		o.IssuedAt = time.Now()
	}
	if o.Refresh == 0 {
		o.Refresh = defaultRefresh
	}
	if o.Expire.IsZero() {
		o.Expire = o.IssuedAt.Add(defaultExpire)
	}
	claims, err := encode(ticketClaims{
		Alg: "RS256", Env: k.env, UID: uid, IAT: o.IssuedAt.UnixMilli(), EXP: o.IssuedAt.Add(ticketLife).UnixMilli(),
		Refresh: o.Refresh.Milliseconds(), Expire: o.Expire.UnixMilli(),
	})
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	signed := b64([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + b64(claims)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, k.key, crypto.SHA256, sum[:])
	if err != nil {
		return "", &Error{Name: ErrLocal, Description: "the ticket cannot be signed", cause: err}
	}
	return k.id + "/@@/" + signed + "." + b64(signature), nil
}
