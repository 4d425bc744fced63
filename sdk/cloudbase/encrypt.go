package cloudbase

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"unicode/utf8"
)

// chunkLength is how much the JavaScript library puts into one block of a text that
// needs several.
const chunkLength = 117

type publicKey struct {
	Key        string `json:"public_key"`
	Thumbprint string `json:"public_key_thumbprint"`
}

type encrypted struct {
	Params     string `json:"params"`
	Thumbprint string `json:"public_key_thumbprint"`
}

// encrypt hides a body from those who can read TLS on the way, such as a proxy that ends
// it: what it encrypts only the server can read.
func (a *App) encrypt(ctx context.Context, body any) (encrypted, error) {
	text, err := encode(body)
	if err != nil {
		return encrypted{}, err
	}
	var k publicKey
	if err := a.do(ctx, call{method: http.MethodPost, path: "/v2/signin/publichkey", body: struct{}{}}, &k); err != nil {
		return encrypted{}, err
	}
	key, err := k.parse()
	if err != nil {
		return encrypted{}, &Error{Name: ErrUnknown, Description: "the server's public key cannot be used", cause: err}
	}
	var out []byte
	for _, chunk := range chunks(text, key.Size()-11) {
		// The padding is the protocol's.
		block, err := rsa.EncryptPKCS1v15(rand.Reader, key, chunk) //nolint:staticcheck // see above.
		if err != nil {
			return encrypted{}, &Error{Name: ErrLocal, Description: "the request cannot be encrypted", cause: err}
		}
		out = append(out, block...)
	}
	return encrypted{base64.StdEncoding.EncodeToString(out), k.Thumbprint}, nil
}

// parse reads an SPKI key, in PEM or bare.
func (k publicKey) parse() (*rsa.PublicKey, error) {
	der := []byte(nil)
	if block, _ := pem.Decode([]byte(k.Key)); block != nil {
		der = block.Bytes
	} else if bare, err := base64.StdEncoding.DecodeString(k.Key); err == nil {
		der = bare
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, err
	}
	if key, ok := key.(*rsa.PublicKey); ok {
		return key, nil
	}
	return nil, x509.ErrUnsupportedAlgorithm
}

// chunks cuts text that does not fit into one block, between characters.
func chunks(text []byte, fits int) [][]byte {
	if len(text) <= fits {
		return [][]byte{text}
	}
	var all [][]byte
	for len(text) > chunkLength {
		n := chunkLength
		for n > 0 && !utf8.RuneStart(text[n]) {
			n--
		}
		all, text = append(all, text[:n]), text[n:]
	}
	return append(all, text)
}
