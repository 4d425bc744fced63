package migrate

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/user"
)

// person is somebody as a file describes them.
type person struct {
	admin.NewUser
	id        string
	hash      string // as secret.CheckHash takes it
	createdAt time.Time

	// The parts of a digest another system keeps apart, see secret.DigestHash.
	algorithm, salt, template string
}

// ids is what an id brought from elsewhere may look like: tokens and addresses hold it.
var ids = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// prefixes of columns whose rest names something.
const (
	customPrefix   = "custom."
	identityPrefix = "identity."
)

// parse reads the fields of a record. Unknown names are refused unless ignored.
func parse(fields map[string]any, ignoreUnknown bool) (person, error) {
	var p person
	for name, v := range fields {
		if v == nil {
			continue
		}
		known, err := p.set(name, v)
		if err != nil {
			return p, errs.New(errs.BadRequest, "field", name).Because(err)
		}
		if !known && !ignoreUnknown {
			return p, errs.New(errs.BadRequest, "field", name).Because(flaw("no such column"))
		}
	}
	if err := p.finish(); err != nil {
		return p, err
	}
	return p, nil
}

// set stores one field and reports whether there is such a field.
func (p *person) set(name string, v any) (known bool, err error) {
	if to := p.texts(name); to != nil {
		*to, err = text(v)
		return true, err
	}
	if to := p.flags(name); to != nil {
		*to, err = flag(v)
		return true, err
	}
	switch name {
	case "created_at":
		p.createdAt, err = moment(v)
		return true, err
	case "custom":
		values, err := mapping(v)
		for key, value := range values {
			p.custom(key, value)
		}
		return true, err
	case "identities":
		return true, p.identities(v)
	}
	if key, ok := strings.CutPrefix(name, customPrefix); ok {
		p.custom(key, v)
		return true, nil
	}
	if provider, ok := strings.CutPrefix(name, identityPrefix); ok {
		subject, err := text(v)
		p.Identities = append(p.Identities, user.Identity{Provider: provider, Subject: subject})
		return true, err
	}
	return p.profile(name, v)
}

func (p *person) texts(name string) *string {
	switch name {
	case "id":
		return &p.id
	case "username":
		return &p.Username
	case "phone":
		return &p.Phone
	case "email":
		return &p.Email
	case "external_id":
		return &p.ExternalID
	case "status":
		return &p.Status
	case "registered_by":
		return &p.RegisteredBy
	case "password":
		return &p.Password
	case "password_hash":
		return &p.hash
	case "password_algorithm":
		return &p.algorithm
	case "password_salt":
		return &p.salt
	case "password_template":
		return &p.template
	}
	return nil
}

func (p *person) flags(name string) *bool {
	switch name {
	case "phone_verified":
		return &p.PhoneVerified
	case "email_verified":
		return &p.EmailVerified
	case "must_reset":
		return &p.MustReset
	}
	return nil
}

func (p *person) profile(name string, v any) (bool, error) {
	to := map[string]**string{
		"name": &p.Profile.Name, "picture": &p.Profile.Picture, "gender": &p.Profile.Gender,
		"locale": &p.Profile.Locale, "birthdate": &p.Profile.Birthdate, "zoneinfo": &p.Profile.Zoneinfo,
		"description": &p.Profile.Description,
	}[name]
	attribute := to == nil && slices.Contains(user.AttributeKeys(), name)
	if to == nil && !attribute {
		return false, nil
	}
	t, err := text(v)
	if to != nil {
		*to = &t
		return true, err
	}
	if p.Profile.Attributes == nil {
		p.Profile.Attributes = map[string]*string{}
	}
	p.Profile.Attributes[name] = &t
	return true, err
}

func (p *person) custom(key string, v any) {
	if p.Custom == nil {
		p.Custom = map[string]any{}
	}
	if t, ok := v.(string); ok && (strings.HasPrefix(t, "{") || strings.HasPrefix(t, "[")) {
		var nested any
		if json.Unmarshal([]byte(t), &nested) == nil { // a cell that holds an object
			v = nested
		}
	}
	p.Custom[key] = v
}

// identities reads a list of objects, or the JSON text of one.
func (p *person) identities(v any) error {
	if t, ok := v.(string); ok {
		if err := json.Unmarshal([]byte(t), &v); err != nil {
			return flaw("no list of identities")
		}
	}
	list, ok := v.([]any)
	if !ok || len(list) > 32 {
		return flaw("no list of identities")
	}
	for _, one := range list {
		fields, err := mapping(one)
		if err != nil {
			return err
		}
		i := user.Identity{Profile: map[string]string{}}
		for key, value := range fields {
			t, err := text(value)
			if err != nil {
				return err
			}
			switch key {
			case "provider":
				i.Provider = t
			case "subject":
				i.Subject = t
			case "name":
				i.Name = t
			case user.IdentityApp, user.IdentityUnion, user.IdentityUnionGroup, "picture":
				i.Profile[key] = t
			default:
				return flaw("no such part of an identity: " + key)
			}
		}
		p.Identities = append(p.Identities, i)
	}
	return nil
}

// finish puts a password's parts together and checks what admin does not know.
func (p *person) finish() error {
	if p.id != "" && !ids.MatchString(p.id) {
		return errs.New(errs.BadRequest, "field", "id")
	}
	if p.algorithm != "" && p.hash != "" {
		template := p.template
		if template == "" && p.salt == "" {
			template = "{PASSWORD}"
		}
		hash, err := secret.DigestHash(p.algorithm, template, p.salt, p.hash)
		if err != nil {
			return errs.New(errs.BadRequest, "field", "password_hash").Because(err)
		}
		p.hash = hash
	}
	if p.hash != "" {
		if err := secret.CheckHash(p.hash); err != nil {
			return errs.New(errs.BadRequest, "field", "password_hash").Because(err)
		}
	}
	if p.hash != "" && p.Password != "" {
		return errs.New(errs.BadRequest, "field", "password").Because(flaw("a password and a hash"))
	}
	return nil
}

func text(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return strings.TrimSpace(v), nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", flaw("no text")
}

func flag(v any) (bool, error) {
	t, err := text(v)
	switch strings.ToLower(t) {
	case "true", "1", "yes", "y":
		return true, err
	case "false", "0", "no", "n", "":
		return false, err
	}
	return false, flaw("neither true nor false")
}

// moment reads RFC 3339, a date, or Unix seconds or milliseconds.
func moment(v any) (time.Time, error) {
	t, err := text(v)
	if err != nil || t == "" {
		return time.Time{}, err
	}
	if n, err := strconv.ParseInt(t, 10, 64); err == nil {
		const latest = 253402300799 // seconds, the end of the year 9999
		switch {
		case n < 0 || n > latest*1000:
			return time.Time{}, flaw("no time")
		case n < 100_000_000_000:
			return time.Unix(n, 0).UTC(), nil
		}
		return time.UnixMilli(n).UTC(), nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", time.DateTime, "2006/01/02 15:04:05", time.DateOnly} {
		if at, err := time.Parse(layout, t); err == nil && at.Year() > 1900 {
			return at.UTC(), nil
		}
	}
	return time.Time{}, flaw("no time")
}

func mapping(v any) (map[string]any, error) {
	if t, ok := v.(string); ok && t != "" {
		if err := json.Unmarshal([]byte(t), &v); err != nil {
			return nil, flaw("no object")
		}
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, flaw("no object")
	}
	return m, nil
}
