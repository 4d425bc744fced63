package emulator

import (
	"context"
	"strings"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

// What the development server takes for a one-tap sign-in.
const (
	oneTapToken  = "good-token"
	oneTapPhone  = "+8613800000001"
	oneTapPrefix = "phone:"
)

// OneTap stands in for a carrier. It believes everything and asks nobody, so only a
// development server may have it.
type OneTap struct{}

// Phone vouches for the number in the token "phone:+8613800000000". For "good-token"
// it is the number accessToken is, or else always the same one.
func (OneTap) Phone(_ context.Context, token, accessToken string) (string, error) {
	number := ""
	switch stated, named := strings.CutPrefix(token, oneTapPrefix); {
	case named:
		number = stated
	case token == oneTapToken:
		number = oneTapPhone
		if _, err := contact.Phone(accessToken, ""); err == nil {
			number = accessToken
		}
	}
	e164, err := contact.Phone(number, "")
	if err != nil {
		return "", errs.New(errs.OneTapRefused).Because(err)
	}
	return e164, nil
}
