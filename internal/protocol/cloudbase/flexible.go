package cloudbase

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
)

// token is a string that apps also send as the whole answer they found it in: the
// vendor's own examples pass {"accessToken": …} and {"sudo_token": …}.
type token string

// UnmarshalJSON takes a string, null, or an object holding exactly one known token.
func (t *token) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) == 0 || data[0] != '{' {
		return decodeText(data, (*string)(t))
	}
	var object struct {
		AccessToken       *string `json:"accessToken"`
		Access            *string `json:"access_token"`
		SudoToken         *string `json:"sudo_token"`
		VerificationToken *string `json:"verification_token"`
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return errs.New(errs.BadRequest).Because(err)
	}
	for _, s := range []*string{object.AccessToken, object.Access, object.SudoToken, object.VerificationToken} {
		if s != nil {
			*t = token(*s)
			return nil
		}
	}
	return errs.New(errs.BadRequest)
}

// text is a string that may arrive as a number, as a code typed into a number field
// does.
type text string

// UnmarshalJSON takes a string, a number, or null.
func (t *text) UnmarshalJSON(data []byte) error {
	return decodeText(bytes.TrimSpace(data), (*string)(t))
}

func decodeText(data []byte, into *string) error {
	if len(data) > 0 && (data[0] == '-' || data[0] >= '0' && data[0] <= '9') {
		*into = string(data)
		return nil
	}
	if err := json.Unmarshal(data, into); err != nil {
		return errs.New(errs.BadRequest).Because(err)
	}
	return nil
}

// number reads the count in a query parameter; anything else is zero.
func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 {
		return 0
	}
	return n
}
