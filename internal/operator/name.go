package operator

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
)

// nameOf returns the name as shown and as compared. Letters and digits of any script and
// the signs of mail addresses may be in it.
func nameOf(text string) (shown, key string, err error) {
	shown = norm.NFKC.String(strings.TrimSpace(text))
	n := utf8.RuneCountInString(shown)
	odd := strings.ContainsFunc(shown, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+@", r)
	})
	if len(text) > 8*maxName || n < 1 || n > maxName || odd {
		return "", "", errs.New(errs.OperatorName)
	}
	return shown, strings.ToLower(shown), nil
}

// checkPassword holds operators to more than people of a pool (PW-01).
func checkPassword(password, name string) error {
	return contact.PasswordPolicy{Min: PasswordMin, Common: true}.Check(password, name, "tigertally")
}

// checkRole refuses roles that do not exist.
func checkRole(r Role) error {
	if !slices.Contains(Roles(), r) {
		return errs.New(errs.BadRequest, "field", "role")
	}
	return nil
}

// checkPools refuses a list that confines an owner: who may make operators must see all
// they may see.
func checkPools(r Role, pools []string) error {
	if pools != nil && r == Owner || slices.Contains(pools, "") {
		return errs.New(errs.BadRequest, "field", "pools")
	}
	return nil
}
