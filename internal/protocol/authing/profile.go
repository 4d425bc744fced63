package authing

import (
	"slices"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// profileFields are a profile as clients write one. What is not a field people may edit,
// such as an address, a password or a mark of verification, is passed over.
type profileFields map[string]any

// profile returns the change. null leaves a field alone, an empty text clears it.
func (f profileFields) profile() (user.Profile, error) {
	var change user.Profile
	for key, value := range f {
		into := columnOf(&change, key)
		attribute := slices.Contains(user.AttributeKeys(), key)
		if value == nil || into == nil && !attribute {
			continue
		}
		written, ok := value.(string)
		if !ok {
			return user.Profile{}, errs.New(errs.BadRequest, "field", key)
		}
		if key == "gender" {
			written = genderWord(written)
		}
		if into != nil {
			*into = &written
			continue
		}
		if change.Attributes == nil {
			change.Attributes = make(map[string]*string)
		}
		change.Attributes[key] = &written
	}
	if change.Username != nil && *change.Username == "" { // names are changed, not given up
		change.Username = nil
	}
	return change, nil
}

// custom are the custom fields a profile may bring along at a registration.
func (f profileFields) custom() map[string]any {
	list, _ := f["udf"].([]any)
	values := make(map[string]any, len(list))
	for _, v := range list {
		member, _ := v.(map[string]any)
		if key, ok := member["key"].(string); ok {
			values[key] = member["value"]
		}
	}
	return values
}

// columnOf is where the profile keeps a field that is no attribute, nil for none.
func columnOf(p *user.Profile, key string) **string {
	switch key {
	case "username":
		return &p.Username
	case "name":
		return &p.Name
	case "photo":
		return &p.Picture
	case "gender":
		return &p.Gender
	case "locale":
		return &p.Locale
	case "birthdate":
		return &p.Birthdate
	case "zoneinfo":
		return &p.Zoneinfo
	}
	return nil
}
