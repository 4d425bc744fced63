package qr

import (
	"encoding/base64"
	"fmt"
	"strings"

	"rsc.io/qr"

	"github.com/tigertally/tigertally/internal/errs"
)

// maxText fits what Picture draws into a code that old cameras read from a screen.
const maxText = 512

// Picture draws text as a QR code, a PNG.
func Picture(text string) ([]byte, error) {
	if len(text) > maxText {
		return nil, errs.New(errs.FieldTooLong, "field", "text")
	}
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code: %w", err)
	}
	return code.PNG(), nil
}

// IsCode reports whether text has the form of a code, whatever became of it.
func IsCode(text string) bool {
	rest, ok := strings.CutPrefix(text, codePrefix+"_")
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	return ok && err == nil && len(raw) == 32
}
