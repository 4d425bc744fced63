package upsim

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// dkimKeys looks up the TXT record of a selector and domain.
type dkimKeys func(selector, domain string) string

// headerField is one field of a message as received, folds and all.
type headerField struct {
	name string // in lower case
	raw  string // without the line break at its end
}

func (f headerField) value() string { return f.raw[strings.IndexByte(f.raw, ':')+1:] }

// splitMessage parts header and body, and the header into its fields. A field is a piece
// of the header as it stands: joining its lines again would take ages for many folds.
func splitMessage(raw []byte) (fields []headerField, body []byte) {
	rawHead, body, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	head, start, at := string(rawHead), 0, 0
	for line := range strings.SplitSeq(head, "\r\n") {
		end := at + len(line)
		if at > 0 && line != "" && (line[0] == ' ' || line[0] == '\t') {
			fields[len(fields)-1].raw = head[start:end]
		} else {
			name, _, ok := strings.Cut(line, ":")
			if !ok {
				name = ""
			}
			start = at
			fields = append(fields, headerField{name: strings.ToLower(strings.TrimSpace(name)), raw: line})
		}
		at = end + len("\r\n")
	}
	return fields, body
}

// What became of the signatures of a message.
const (
	dkimNone = "none"
	dkimPass = "pass"
	dkimFail = "fail"
)

// verifyDKIM checks every signature of a message as RFC 6376 and RFC 8463 say. One that
// fails makes the message fail, which is stricter than what receivers do.
func verifyDKIM(raw []byte, at time.Time, keys dkimKeys) (result string, why []string) {
	fields, body := splitMessage(raw)
	result = dkimNone
	for i, f := range fields {
		if f.name != "dkim-signature" {
			continue
		}
		if err := verifySignature(fields, i, body, at, keys); err != nil {
			result = dkimFail
			why = append(why, err.Error())
		} else if result == dkimNone {
			result = dkimPass
		}
	}
	return result, why
}

func verifySignature(fields []headerField, at int, body []byte, now time.Time, keys dkimKeys) error {
	tags, err := dkimTags(fields[at].value())
	if err != nil {
		return err
	}
	if err := checkTags(tags, now); err != nil {
		return err
	}
	header, bodyForm, _ := strings.Cut(tags["c"], "/")
	if err := checkBody(tags, bodyForm, body); err != nil {
		return err
	}
	signature, err := base64.StdEncoding.DecodeString(tags["b"])
	if err != nil {
		return errors.New("b= is no base64")
	}
	signed := sha256.Sum256([]byte(signedHeader(fields, at, tags["h"], header == "relaxed")))
	return checkSignature(tags, keys(tags["s"], tags["d"]), signed[:], signature)
}

var whitespace = regexp.MustCompile(`[ \t\r\n]+`)

// dkimTags reads a list of tags, whose values have no white space that matters here.
func dkimTags(text string) (map[string]string, error) {
	tags := make(map[string]string)
	for part := range strings.SplitSeq(text, ";") {
		name, value, ok := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		if !ok {
			if name != "" {
				return nil, fmt.Errorf("%q is no tag", name)
			}
			continue
		}
		if _, twice := tags[name]; twice {
			return nil, fmt.Errorf("tag %s= is there twice", name)
		}
		tags[name] = whitespace.ReplaceAllString(value, "")
	}
	return tags, nil
}

func checkTags(tags map[string]string, now time.Time) error {
	for _, name := range []string{"v", "a", "b", "bh", "d", "h", "s"} {
		if tags[name] == "" {
			return fmt.Errorf("%s= is missing", name)
		}
	}
	if tags["v"] != "1" {
		return errors.New("v= is not 1")
	}
	if !slices.Contains(strings.Split(strings.ToLower(tags["h"]), ":"), "from") {
		return errors.New("field From is not signed")
	}
	if i := tags["i"]; i != "" && !strings.HasSuffix(i, "@"+tags["d"]) && !strings.HasSuffix(i, "."+tags["d"]) {
		return errors.New("i= is not below d=")
	}
	if text := tags["x"]; text != "" {
		if until, err := strconv.ParseInt(text, 10, 64); err != nil || now.Unix() > until {
			return errors.New("the signature is expired")
		}
	}
	return nil
}

// checkBody compares the hash of the body. A length that lets text be added is refused.
func checkBody(tags map[string]string, form string, body []byte) error {
	if tags["l"] != "" {
		return errors.New("l= leaves a part of the body unsigned")
	}
	sum := sha256.Sum256(canonicalBody(body, form == "relaxed"))
	if !hmac.Equal([]byte(base64.StdEncoding.EncodeToString(sum[:])), []byte(tags["bh"])) {
		return errors.New("the body was changed")
	}
	return nil
}

var spaces = regexp.MustCompile(`[ \t]+`)

func canonicalBody(body []byte, relaxed bool) []byte {
	text := string(body)
	if relaxed {
		lines := strings.Split(text, "\r\n")
		for i, line := range lines {
			lines[i] = strings.TrimRight(spaces.ReplaceAllString(line, " "), " ")
		}
		text = strings.Join(lines, "\r\n")
	}
	text = strings.TrimRight(text, "\r\n")
	if text == "" && relaxed {
		return nil
	}
	return []byte(text + "\r\n")
}

func canonicalField(f headerField, relaxed bool) string {
	if !relaxed {
		return f.raw
	}
	value := strings.ReplaceAll(f.value(), "\r\n", "")
	return f.name + ":" + strings.Trim(spaces.ReplaceAllString(value, " "), " ")
}

var signatureTag = regexp.MustCompile(`((?:^|;|:)[ \t\r\n]*b[ \t\r\n]*=)[^;]*`)

// signedHeader is what the signature is over: the named fields, each time the next from
// the bottom, and the signature itself without its value.
func signedHeader(fields []headerField, at int, names string, relaxed bool) string {
	var b strings.Builder
	used := make(map[int]bool)
	for name := range strings.SplitSeq(strings.ToLower(names), ":") {
		for i := len(fields) - 1; i >= 0; i-- {
			if i != at && !used[i] && fields[i].name == name {
				used[i] = true
				b.WriteString(canonicalField(fields[i], relaxed) + "\r\n")
				break
			}
		}
	}
	own := fields[at]
	own.raw = signatureTag.ReplaceAllString(own.raw, "$1")
	b.WriteString(canonicalField(own, relaxed))
	return b.String()
}

const shortestRSA = 1024

func checkSignature(tags map[string]string, record string, signed, signature []byte) error {
	key, err := dkimTags(record)
	if err != nil || key["p"] == "" {
		return fmt.Errorf("there is no key %s of %s", tags["s"], tags["d"])
	}
	raw, err := base64.StdEncoding.DecodeString(key["p"])
	if err != nil {
		return errors.New("the key is no base64")
	}
	kind, _, _ := strings.Cut(tags["a"], "-")
	if k := key["k"]; k != "" && k != kind || k == "" && kind != "rsa" {
		return errors.New("the key is of another kind")
	}
	var ok bool
	switch tags["a"] {
	case "rsa-sha256":
		public := dkimRSA(raw)
		ok = public != nil && public.N.BitLen() >= shortestRSA && rsa.VerifyPKCS1v15(public, crypto.SHA256, signed, signature) == nil
	case "ed25519-sha256":
		ok = len(raw) == ed25519.PublicKeySize && ed25519.Verify(raw, signed, signature)
	default:
		return fmt.Errorf("algorithm %s is not accepted", tags["a"])
	}
	if !ok {
		return errors.New("the signature is wrong")
	}
	return nil
}

// dkimRSA reads a key in either of the forms that are in use.
func dkimRSA(der []byte) *rsa.PublicKey {
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		public, _ := key.(*rsa.PublicKey)
		return public
	}
	public, err := x509.ParsePKCS1PublicKey(der)
	if err != nil {
		return nil
	}
	return public
}
