package provider

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
)

// signAlipay signs the raw values in the order of their names; RSA2 is SHA256withRSA.
// https://opendocs.alipay.com/common/02khjm
func signAlipay(key *rsa.PrivateKey, form url.Values) (string, error) {
	sum := sha256.Sum256([]byte(alipayContent(form)))
	// PKCS #1 v1.5 signatures need no randomness.
	sign, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	return base64.StdEncoding.EncodeToString(sign), err
}

func alipayContent(form url.Values) string {
	names := make([]string, 0, len(form))
	for name := range form {
		if name != "sign" && form.Get(name) != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for i, name := range names {
		names[i] = name + "=" + form.Get(name)
	}
	return strings.Join(names, "&")
}

// open finds the answer to method in its wrapper and verifies the signature over the very
// bytes of it. An error needs no signature: it gives nothing away.
func (a *alipay) open(method string, answer driver.Answer, into any) error {
	var wrapper map[string]json.RawMessage
	if err := decode(answer, &wrapper); err != nil {
		return err
	}
	content, ok := wrapper[strings.ReplaceAll(method, ".", "_")+"_response"]
	if !ok {
		content = wrapper["error_response"]
	}
	var fault alipayFault
	if err := decode(driver.Answer{Status: answer.Status, Body: content}, &fault); err != nil {
		return err
	}
	if !ok || (fault.Code != "" && fault.Code != "10000") {
		return fault.refusal()
	}
	var sign string
	if err := json.Unmarshal(wrapper["sign"], &sign); err != nil || !a.signed(content, sign) {
		return because(errs.ProviderMisconfigured, "response_signature", "the answer is not signed with Alipay's key as it is set here")
	}
	return decode(driver.Answer{Status: answer.Status, Body: content}, into)
}

func (a *alipay) signed(content []byte, sign string) bool {
	raw, err := base64.StdEncoding.DecodeString(sign)
	if err != nil {
		return false
	}
	sum := sha256.Sum256(content)
	return rsa.VerifyPKCS1v15(a.vendor, crypto.SHA256, sum[:], raw) == nil
}

type alipayFault struct {
	Code    text `json:"code"`
	SubCode text `json:"sub_code"`
}

// refusal sorts the gateway's public codes.
// https://opendocs.alipay.com/common/02km9f
func (f alipayFault) refusal() error {
	sub, code := string(f.SubCode), errs.ProviderRefused
	switch {
	case f.Code == "40005" || strings.Contains(sub, "call-limited"):
		code = errs.TooManyRequests
	case f.Code == "20000" || strings.HasPrefix(sub, "isp."):
		code = errs.Unavailable
	case f.Code == "40006" || strings.HasPrefix(sub, "isv.invalid-") || strings.HasPrefix(sub, "isv.missing-") ||
		strings.HasPrefix(sub, "isv.insufficient-"):
		code = errs.ProviderMisconfigured
	}
	word := known(strings.NewReplacer(".", "_", "-", "_").Replace(strings.ToLower(sub)))
	return because(code, "vendor_"+word, "Alipay answered %.10q %.60q", string(f.Code), sub)
}

// parseRSAPublicKey reads a key in PEM, or the bare base64 that Alipay's console shows.
func parseRSAPublicKey(text string) (*rsa.PublicKey, error) {
	der := []byte(nil)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		der = block.Bytes
	} else if bare, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil {
		der = bare
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return nil, errors.New("is no public key in PEM")
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok || key.N.BitLen() < minRSABits {
		return nil, errors.New("is no RSA key of 2048 bits")
	}
	return key, nil
}
