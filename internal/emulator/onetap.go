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

// OneTap stands in for a carrier. It believes what it is told, so only a development
// server may have it.
type OneTap struct {
	// Next is asked about the tokens of the upstream simulator; nil refuses them.
	Next interface {
		Phone(ctx context.Context, poolID, token, accessToken string) (string, error)
	}
}

// Phone vouches for the number in the token "phone:+8613800000000". For "good-token"
// it is the number accessToken is, or else always the same one. Next knows the others.
func (o OneTap) Phone(ctx context.Context, poolID, token, accessToken string) (string, error) {
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
	if number == "" && o.Next != nil {
		return o.Next.Phone(ctx, poolID, token, accessToken)
	}
	e164, err := contact.Phone(number, "")
	if err != nil {
		return "", errs.New(errs.OneTapRefused).Because(err)
	}
	return e164, nil
}
