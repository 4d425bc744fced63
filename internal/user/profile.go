package user

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/errs"
)

// The attributes code of ours speaks of; AttributeKeys has them all.
const (
	AttributeNickname = "nickname"
	AttributeBrowser  = "browser"
	AttributeDevice   = "device"
)

// maxAttribute bounds one attribute, in bytes.
const maxAttribute = 1 << 10

// AttributeKeys lists, in order, every profile field that has no column of its own
// because nobody is looked up by it. What is not here cannot be stored (LK-08).
func AttributeKeys() []string {
	return []string{
		"address", AttributeBrowser, "city", "company", "country", AttributeDevice, "familyName",
		"formatted", "givenName", "locality", "middleName", AttributeNickname, "oauth", "postalCode",
		"preferredUsername", "profile", "province", "region", "streetAddress", "website",
	}
}

// isAttribute reports whether key may be stored.
func isAttribute(key string) bool {
	_, ok := slices.BinarySearch(AttributeKeys(), key)
	return ok
}

// Profile is a change of the fields people may edit themselves; nil leaves one alone.
// There is no field here for anything that grants or proves something (LK-08).
type Profile struct {
	Username, Name, Picture, Gender *string
	Locale, Birthdate, Zoneinfo     *string
	Description                     *string
	// Attributes are by the keys of AttributeKeys; an empty text takes one away.
	Attributes map[string]*string
}

// Empty reports whether the change changes nothing.
func (p Profile) Empty() bool {
	for _, f := range []*string{
		p.Username, p.Name, p.Picture, p.Gender, p.Locale, p.Birthdate, p.Zoneinfo, p.Description,
	} {
		if f != nil {
			return false
		}
	}
	for _, f := range p.Attributes {
		if f != nil {
			return false
		}
	}
	return true
}

// CheckAttributes refuses an attribute that does not exist, is too long or is not text.
func (p Profile) CheckAttributes() error {
	for _, key := range slices.Sorted(maps.Keys(p.Attributes)) {
		text := p.Attributes[key]
		switch {
		case !isAttribute(key):
			return errs.New(errs.BadRequest, "field", key)
		case text == nil:
		case len(*text) > maxAttribute:
			return errs.New(errs.FieldTooLong, "field", key, "max", strconv.Itoa(maxAttribute))
		case !utf8.ValidString(*text) || strings.ContainsFunc(*text, unprintable):
			return errs.New(errs.BadRequest, "field", key)
		}
	}
	return nil
}

// unprintable allows the white space an address may have.
func unprintable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }

// Apply writes the change into u. It does not check anything, but attributes that do not
// exist are left out. The map u had before stays as it was.
func (p Profile) Apply(u *User) {
	set := func(to, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&u.Username, p.Username)
	set(&u.Name, p.Name)
	set(&u.Picture, p.Picture)
	set(&u.Gender, p.Gender)
	set(&u.Locale, p.Locale)
	set(&u.Birthdate, p.Birthdate)
	set(&u.Zoneinfo, p.Zoneinfo)
	set(&u.Description, p.Description)
	if len(p.Attributes) == 0 {
		return
	}
	after := maps.Clone(u.Attributes)
	if after == nil {
		after = make(map[string]string, len(p.Attributes))
	}
	for key, text := range p.Attributes {
		switch {
		case text == nil || !isAttribute(key):
		case *text == "":
			delete(after, key)
		default:
			after[key] = *text
		}
	}
	u.Attributes = after
}
