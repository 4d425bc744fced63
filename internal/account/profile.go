package account

import (
	"context"
	"strings"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// UpdateProfile changes the fields people may change themselves (LK-08) and returns the
// whole person. Gender is one of the user.Gender… words in any case.
//
// Errors: UsernameInvalid, UsernameTaken, FieldTooLong, BadRequest.
func (s *Service) UpdateProfile(ctx context.Context, p Principal, change user.Profile) (user.User, error) {
	change, err := signin.CheckProfile(change)
	if err != nil {
		return user.User{}, err
	}
	var after user.User
	err = s.DB.InTx(ctx, func(ctx context.Context) error {
		if after, err = s.Users.UpdateProfile(ctx, p.PoolID, p.UserID, change); err != nil {
			return err
		}
		return s.done(ctx, p, audit.ProfileUpdate, nil)
	})
	if err != nil && change.Username != nil {
		err = s.Users.Conflict(ctx, err, user.User{PoolID: p.PoolID, ID: p.UserID, Username: *change.Username})
	}
	return after, err
}

// Question looks people up by exact identifiers; exactly one field is read, in this order.
type Question struct {
	IDs          []string
	Username     string
	Email, Phone string // as typed
	CaptchaToken string
}

// Found is what anybody may know about a person. Username, Email and Phone are set only
// when the question named them (EN-04).
type Found struct {
	ID, Name, Picture      string
	Username, Email, Phone string
}

// maxQuestion is how many ids one question may name.
const maxQuestion = 50

// Query answers a signed-in person's question about others. Nobody found is no error.
//
// Errors: AnonymousDenied for anonymous and custom people, BadRequest for more than
// fifty ids, FieldMissing, CaptchaRequired, CaptchaInvalid, TooManyRequests.
func (s *Service) Query(ctx context.Context, p Principal, q Question) ([]Found, error) {
	me, err := s.Me(ctx, p)
	if err != nil {
		return nil, err
	}
	if me.Kind != user.KindRegular {
		return nil, errs.New(errs.AnonymousDenied)
	}
	if len(q.IDs) > 0 {
		return s.byIDs(ctx, p, q.IDs)
	}
	kind, typed, canonical, err := q.canonical()
	if err != nil {
		return nil, err
	}
	if canonical == "" {
		return []Found{}, nil
	}
	c, err := s.client(ctx, p)
	if err != nil {
		return nil, err
	}
	if err := s.budget(ctx, c, canonical, q.CaptchaToken); err != nil {
		return nil, err
	}
	u, err := s.Users.ByIdentifier(ctx, p.PoolID, kind, canonical)
	if errs.CodeOf(err) == errs.UserNotFound {
		return []Found{}, nil
	}
	if err != nil {
		return nil, err
	}
	found := Found{ID: u.ID, Name: u.Name, Picture: u.Picture}
	switch kind {
	case contact.KindUsername:
		found.Username = u.Username
	case contact.KindEmail:
		found.Email = typed
	case contact.KindPhone:
		found.Phone = typed
	}
	return []Found{found}, nil
}

func (s *Service) byIDs(ctx context.Context, p Principal, ids []string) ([]Found, error) {
	if len(ids) > maxQuestion {
		return nil, errs.New(errs.BadRequest, "field", "id")
	}
	users, err := s.Users.ByIDs(ctx, p.PoolID, ids)
	if err != nil {
		return nil, err
	}
	found := make([]Found, 0, len(users))
	for _, u := range users {
		found = append(found, Found{ID: u.ID, Name: u.Name, Picture: u.Picture})
	}
	return found, nil
}

// canonical returns what the question asks for. What nobody can be called has no
// canonical form and finds nobody.
func (q Question) canonical() (kind contact.Kind, typed, canonical string, err error) {
	switch {
	case q.Username != "":
		display, _, err := contact.Username(q.Username)
		if err != nil {
			display = ""
		}
		return contact.KindUsername, q.Username, display, nil
	case q.Email != "":
		email, err := contact.Email(q.Email)
		if err != nil {
			email = ""
		}
		return contact.KindEmail, email, email, nil
	case q.Phone != "":
		phone, err := contact.Phone(q.Phone, "")
		if err != nil {
			phone = ""
		}
		return contact.KindPhone, phone, phone, nil
	}
	return "", "", "", errs.New(errs.FieldMissing, "field", "id")
}

// Exists reports whether a name is taken: a user name, or a phone number or email
// address in its place.
//
// Errors: FieldMissing, CaptchaRequired, CaptchaInvalid, TooManyRequests.
func (s *Service) Exists(ctx context.Context, c pool.Client, name, captchaToken string) (bool, error) {
	if strings.TrimSpace(name) == "" {
		return false, errs.New(errs.FieldMissing, "field", "username")
	}
	kind, canonical, err := contact.Classify(name)
	if err != nil {
		return false, nil //nolint:nilerr // nobody can be called that, so nobody is
	}
	if err := s.budget(ctx, c, canonical, captchaToken); err != nil {
		return false, err
	}
	if kind == contact.KindUsername {
		return s.Users.Exists(ctx, c.Pool.ID, canonical)
	}
	_, err = s.Users.ByIdentifier(ctx, c.Pool.ID, kind, canonical)
	if errs.CodeOf(err) == errs.UserNotFound {
		return false, nil
	}
	return err == nil, err
}
