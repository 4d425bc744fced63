package authing

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// keyring holds the key that passwords are encrypted with.
type keyring struct {
	gate
	fixed   *rsa.PublicKey // of the configuration
	fetched *rsa.PublicKey // of the server
}

// publicKey is the key in use. One caller fetches it while the others wait.
func (c *AuthClient) publicKey(ctx context.Context) (*rsa.PublicKey, error) {
	if c.keys.fixed != nil {
		return c.keys.fixed, nil
	}
	if err := c.keys.enter(ctx); err != nil {
		return nil, err
	}
	defer c.keys.leave()
	if c.keys.fetched != nil {
		return c.keys.fetched, nil
	}
	data, err := c.send(ctx, request{method: http.MethodGet, path: "/api/v2/.well-known", repeatable: true})
	if err != nil {
		return nil, err
	}
	var answer struct {
		PublicKey string `json:"publicKey"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return nil, fmt.Errorf("authing: the server's public key: %w", err)
	}
	key, err := parsePublicKey(answer.PublicKey)
	if err != nil {
		return nil, fmt.Errorf("authing: the server's public key: %w", err)
	}
	c.keys.fetched = key
	return key, nil
}

// forgetKey drops a fetched key the server no longer has, so that the next password
// fetches the new one.
func (c *AuthClient) forgetKey(ctx context.Context) {
	if c.keys.enter(ctx) == nil {
		c.keys.fetched = nil
		c.keys.leave()
	}
}

// encrypt makes a password fit for the wire: RSA with PKCS #1 v1.5 padding, in Base64.
// That padding is the protocol's; it is why the connection has to be https all the same.
func (c *AuthClient) encrypt(ctx context.Context, password string) (string, error) {
	key, err := c.publicKey(ctx)
	if err != nil {
		return "", err
	}
	sealed, err := rsa.EncryptPKCS1v15(nil, key, []byte(password)) //nolint:staticcheck // what the API takes; Go 1.26 brings its own randomness
	if err != nil {
		return "", fmt.Errorf("authing: encrypt the password: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// parsePublicKey reads an RSA key: PEM, with or without line ends, or its Base64 alone.
func parsePublicKey(text string) (*rsa.PublicKey, error) {
	if _, rest, found := strings.Cut(text, "-----BEGIN"); found {
		_, rest, _ = strings.Cut(rest, "-----")
		text, _, _ = strings.Cut(rest, "-----END")
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("not PEM and not Base64")
	}
	if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("not an RSA key")
	}
	return key, nil
}
