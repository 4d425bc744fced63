package provider

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/secret"
)

// The ways to prove to a token endpoint which client asks (OpenID Connect Core section 9).
const (
	authBasic = "client_secret_basic"
	authPost  = "client_secret_post"
	authJWT   = "private_key_jwt"
	authNone  = "none"
)

const assertionLife = time.Minute

func clientAuthOptions() []driver.Option {
	return []driver.Option{
		{Name: "client_id", Doc: "The id the provider gave the application.", Required: true},
		{Name: "client_secret", Doc: "The secret that came with it.", Secret: true},
		{Name: "auth", Doc: "How the client proves itself: client_secret_basic, client_secret_post, private_key_jwt or none. Empty: what the provider offers."},
		{Name: "private_key", Doc: "For private_key_jwt: an RSA key, or an EC key on P-256, in PEM.", Secret: true},
		{Name: "key_id", Doc: "For private_key_jwt: the kid under which the provider knows the key."},
	}
}

// clientAuth proves which client asks.
type clientAuth struct {
	id, secret string
	method     string // "" when the provider's metadata decides
	signer     jose.Signer
	now        func() time.Time
}

func newClientAuth(set map[string]string, now func() time.Time) (clientAuth, error) {
	a := clientAuth{id: set["client_id"], secret: set["client_secret"], method: set["auth"], now: now}
	if !slices.Contains([]string{"", authBasic, authPost, authJWT, authNone}, a.method) {
		return a, fmt.Errorf("there is no client authentication %q", a.method)
	}
	if a.method == "" && set["private_key"] != "" {
		a.method = authJWT
	}
	if a.method == authJWT {
		var err error
		a.signer, err = newSigner(set["private_key"], set["key_id"])
		return a, err
	}
	if a.secret == "" && a.method != authNone {
		return a, errors.New(`the option "client_secret" is missing`)
	}
	return a, nil
}

// newSigner makes the signer of client assertions.
func newSigner(text, kid string) (jose.Signer, error) {
	key, err := parsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("private_key: %w", err)
	}
	alg := jose.RS256
	if _, ok := key.(*ecdsa.PrivateKey); ok {
		alg = jose.ES256
	}
	with := jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}
	return jose.NewSigner(with, (&jose.SignerOptions{}).WithType("JWT"))
}

// parsePrivateKey reads a key in PEM, or the bare base64 that some consoles hand out.
func parsePrivateKey(text string) (any, error) {
	der := []byte(nil)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else if bare, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil {
		der = bare
	}
	if key, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return strong(key)
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return strong(key)
	}
	if key, err := x509.ParseECPrivateKey(der); err == nil {
		return strong(key)
	}
	return nil, errors.New("is no private key in PEM")
}

func strong(key any) (any, error) {
	switch k := key.(type) {
	case *rsa.PrivateKey:
		if k.N.BitLen() < minRSABits {
			return nil, fmt.Errorf("has fewer than %d bits", minRSABits)
		}
	case *ecdsa.PrivateKey:
		if k.Curve != elliptic.P256() {
			return nil, errors.New("is not on P-256")
		}
	default:
		return nil, errors.New("is neither an RSA nor an EC key")
	}
	return key, nil
}

// prove adds the proof to a request to the token endpoint, and returns the headers it
// needs. Offered are the methods the provider names, nil for the standard's default.
func (a clientAuth) prove(form url.Values, endpoint string, offered []string) ([]string, error) {
	switch a.pick(offered) {
	case authBasic:
		// RFC 6749 section 2.3.1: both halves are form-encoded first.
		pair := url.QueryEscape(a.id) + ":" + url.QueryEscape(a.secret)
		return []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}, nil
	case authPost:
		form.Set("client_id", a.id)
		form.Set("client_secret", a.secret)
	case authJWT:
		assertion, err := a.assertion(endpoint)
		if err != nil {
			return nil, err
		}
		form.Set("client_id", a.id)
		form.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		form.Set("client_assertion", assertion)
	default:
		form.Set("client_id", a.id)
	}
	return nil, nil
}

func (a clientAuth) pick(offered []string) string {
	if a.method != "" {
		return a.method
	}
	if len(offered) > 0 && !slices.Contains(offered, authBasic) && slices.Contains(offered, authPost) {
		return authPost
	}
	return authBasic
}

// assertion is a JWT for the token endpoint alone, good once and for a minute (RFC 7523
// section 3).
func (a clientAuth) assertion(endpoint string) (string, error) {
	now := a.now()
	payload, err := json.Marshal(map[string]any{
		"iss": a.id, "sub": a.id, "aud": endpoint, "jti": secret.ID(),
		"iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if err != nil {
		return "", err
	}
	signed, err := a.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("signing the client assertion: %w", err)
	}
	return signed.CompactSerialize()
}
