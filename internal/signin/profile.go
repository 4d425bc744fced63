package signin

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// CheckProfile returns p with its fields in canonical form, or says which one is not
// acceptable. An empty user name is left alone: names are changed, not given up.
func CheckProfile(p user.Profile) (user.Profile, error) {
	for _, f := range []struct {
		name string
		max  int
		text *string
	}{
		{"name", 64, p.Name},
		{"picture", 2048, p.Picture},
		{"locale", 35, p.Locale},
		{"birthdate", 32, p.Birthdate},
		{"zoneinfo", 64, p.Zoneinfo},
		{"description", 512, p.Description},
	} {
		if f.text == nil {
			continue
		}
		if utf8.RuneCountInString(*f.text) > f.max {
			return p, errs.New(errs.FieldTooLong, "field", f.name, "max", strconv.Itoa(f.max))
		}
		if !utf8.ValidString(*f.text) || strings.ContainsFunc(*f.text, unprintable) {
			return p, errs.New(errs.BadRequest, "field", f.name)
		}
	}
	if err := p.CheckAttributes(); err != nil {
		return p, err
	}
	if p.Gender != nil {
		gender := strings.ToLower(*p.Gender)
		switch gender {
		case "", user.GenderMale, user.GenderFemale, user.GenderUnknown:
			p.Gender = &gender
		default:
			return p, errs.New(errs.BadRequest, "field", "gender")
		}
	}
	if p.Username == nil {
		return p, nil
	}
	if *p.Username == "" {
		p.Username = nil
		return p, nil
	}
	display, _, err := contact.Username(*p.Username)
	p.Username = &display
	return p, err
}

// unprintable allows the white space a description may have.
func unprintable(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\t' }
