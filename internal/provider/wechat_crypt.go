package provider

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1" //nolint:gosec // the vendor's signature.
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/secret"
)

// wechatData is what older mini-programs send sealed: a profile or a phone number. The
// unionid in it is left alone, for it decides who somebody is and nothing authenticates it.
type wechatData struct {
	wechatPhone

	OpenID    string `json:"openId"`
	NickName  string `json:"nickName"`
	AvatarURL string `json:"avatarUrl"`
}

// errSealed is the one answer to data that does not open. Nothing authenticates it, so
// that telling padding from content would help to forge it.
func errSealed() error { return refuse("bad_encrypted_data", "the sealed data does not open") }

// unseal adds to p what the client sent sealed under the key of the session.
func (m *wechatMini) unseal(c Credential, s wechatSession, p *Profile) error {
	if sign := c.Params["signature"]; sign != "" && !secret.Equal([]byte(sign), []byte(wechatSignature(c.Params["rawData"], s.SessionKey))) {
		return errSealed()
	}
	if c.EncryptedData == "" {
		return nil
	}
	d, ok := openWeChatData(s.SessionKey, c.IV, c.EncryptedData, m.id)
	switch {
	case !ok, d.OpenID != "" && d.OpenID != s.OpenID:
		return errSealed()
	case d.PurePhoneNumber == "":
		p.Name, p.Picture = d.NickName, picture(d.AvatarURL)
		return nil
	}
	phone, err := m.e164(d.wechatPhone)
	if err != nil {
		return errSealed()
	}
	p.Phone = phone
	return nil
}

// wechatSignature signs the plain copy of a profile.
func wechatSignature(rawData, sessionKey string) string {
	sum := sha1.Sum([]byte(rawData + sessionKey)) //nolint:gosec // the vendor's signature.
	return hex.EncodeToString(sum[:])
}

// openWeChatData decrypts AES-128-CBC and takes nothing that is not whole and for this app.
func openWeChatData(sessionKey, iv, sealed, appID string) (wechatData, bool) {
	var d wechatData
	key, err1 := base64.StdEncoding.DecodeString(sessionKey)
	vector, err2 := base64.StdEncoding.DecodeString(iv)
	data, err3 := base64.StdEncoding.DecodeString(sealed)
	if err1 != nil || err2 != nil || err3 != nil || len(key) != 16 || len(vector) != aes.BlockSize ||
		len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return d, false
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return d, false
	}
	cipher.NewCBCDecrypter(block, vector).CryptBlocks(data, data)
	plain, ok := unpad(data)
	// A block that was tampered with turns into noise, which a JSON decoder would repair.
	if !ok || !utf8.Valid(plain) || json.Unmarshal(plain, &d) != nil || !d.Watermark.of(appID) {
		return wechatData{}, false
	}
	return d, true
}

// unpad takes the padding of PKCS #7 off, all of which must be right.
func unpad(data []byte) ([]byte, bool) {
	n := int(data[len(data)-1])
	if n == 0 || n > aes.BlockSize || n > len(data) {
		return nil, false
	}
	good := 1
	for _, b := range data[len(data)-n:] {
		good &= subtle.ConstantTimeByteEq(b, byte(n))
	}
	return data[:len(data)-n], good == 1
}
