package onetap

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // the vendor's algorithm
	"crypto/sha1" //nolint:gosec // the vendor's algorithm
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

// signatures are the hashes Yidun takes, by the name the request gives.
func signatures() map[string]func(string) string {
	md := func(s string) string {
		sum := md5.Sum([]byte(s)) //nolint:gosec // the vendor's algorithm
		return hex.EncodeToString(sum[:])
	}
	return map[string]func(string) string{
		"": md, "MD5": md,
		"SHA1": func(s string) string {
			sum := sha1.Sum([]byte(s)) //nolint:gosec // the vendor's algorithm
			return hex.EncodeToString(sum[:])
		},
		"SHA256": func(s string) string {
			sum := sha256.Sum256([]byte(s))
			return hex.EncodeToString(sum[:])
		},
	}
}

// The answers that say something about the tokens.
const (
	yidunOK         = "200"
	yidunUndecoded  = "440"
	yidunWrongToken = "450"
)

// yidunFaults say to the operator what an answer means.
func yidunFaults() map[string]string {
	return map[string]string{
		"400": "the secret id or business id is missing", "401": "the business id is not allowed",
		"405": "a parameter is wrong", "410": "the signature is wrong: check the secret key",
		"420": "the request had expired: check the clock", "429": "the quota is used up",
		"430": "the nonce was seen before", "503": "the service is down",
		"507": "the balance is used up", "508": "too many requests a second",
	}
}

// readYidun finds the number in an answer. Text is all that is kept of what the vendor
// says, and no message of theirs.
func readYidun(body []byte) (string, error) {
	var answer struct {
		Code scalar          `json:"code"`
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", unavailable("malformed", "yidun's answer is not JSON")
	}
	switch answer.Code {
	case yidunOK:
		return vouched(answer.Data)
	case yidunUndecoded, yidunWrongToken:
		return "", refused("vendor_"+string(answer.Code), "yidun answered "+string(answer.Code))
	case "":
		return "", unavailable("malformed", "yidun's answer has no code")
	}
	why := yidunFaults()[string(answer.Code)]
	if why == "" {
		why = "no reason known"
	}
	return "", unavailable("vendor_"+plain(string(answer.Code)), fmt.Sprintf("yidun answered %.8q: %s", string(answer.Code), why))
}

// vouched reads the number of a success. The carrier may still have refused to name one.
func vouched(data json.RawMessage) (string, error) {
	var found struct {
		Phone scalar `json:"phone"`
	}
	if err := json.Unmarshal(data, &found); err != nil {
		return "", unavailable("malformed", "yidun's answer has no data")
	}
	if found.Phone == "" {
		return "", refused("no_number", "the carrier named no number")
	}
	number, err := contact.Phone(string(found.Phone), "86")
	if err != nil {
		return "", refused("bad_number", "the carrier named no mobile number")
	}
	return number, nil
}

// refused is OneTapRefused with one word for the audit record.
func refused(reason, why string) error {
	return errs.New(errs.OneTapRefused, "reason", reason).Because(errors.New(why))
}

func unavailable(reason, why string) error {
	return errs.New(errs.Unavailable, "reason", reason).Because(errors.New(why))
}

// plain is a vendor's number, or "other" for what is none.
func plain(code string) string {
	if _, err := strconv.ParseUint(code, 10, 32); err != nil {
		return "other"
	}
	return code
}

// scalar is a text or a whole number: vendors write either for the same field.
type scalar string

// UnmarshalJSON reads a string, a whole number or null.
func (s *scalar) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(s))
	}
	n, err := strconv.ParseInt(string(b), 10, 64)
	*s = scalar(strconv.FormatInt(n, 10))
	return err
}
