// Package user owns the people of a pool: their identifiers, profile, password hash and
// linked identities. It stores what it is told; proving who somebody is belongs to proof
// and signin.
package user

import (
	"context"
	"maps"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// The kinds of people.
const (
	KindRegular   = "regular"
	KindAnonymous = "anonymous"
	KindCustom    = "custom" // vouched for by the customer's own server
)

// The states of an account.
const (
	StatusActive  = "active"
	StatusPending = "pending"
	StatusBlocked = "blocked"
)

// The identity providers the core itself knows.
const (
	ProviderAnonymous = "anonymous" // the subject is a device id
	ProviderCustom    = "custom"    // the subject is the uid of a signed ticket
)

// The genders a profile may state; "" is unsaid.
const (
	GenderMale    = "male"
	GenderFemale  = "female"
	GenderUnknown = "unknown"
)

// User is one person of one pool. Phone is E.164 and Email canonical; an empty one is
// absent. One that is stored but not verified was only claimed: it proves nothing.
type User struct {
	ID, PoolID                         string
	Kind, Status                       string
	Username, Phone, Email             string
	PhoneVerified, EmailVerified       bool
	MustReset                          bool
	PasswordHash                       string
	PasswordChangedAt                  time.Time
	Name, Picture, Gender              string
	Locale, Birthdate, Zoneinfo        string
	Description                        string
	Custom                             map[string]any    // fields the pool defines, native values
	Attributes                         map[string]string // see AttributeKeys; an empty one is absent
	ExternalID                         string            // the customer's own key for the person
	CreatedFrom                        string            // protocol or tool that made the account
	RegisteredBy                       string            // how: "email", "phone-code", "one-tap" …
	SignIns                            int64
	LastIP                             string // of the last sign-in
	CreatedAt, UpdatedAt, LastSignInAt time.Time
	Identities                         []Identity
}

// Identity links a person to a subject at an identity provider.
type Identity struct {
	Provider, Subject, Name string
	Profile                 map[string]string
	CreatedAt               time.Time
}

// HasPassword reports whether the person can sign in by password.
func (u User) HasPassword() bool { return u.PasswordHash != "" }

// Anonymous reports whether nothing is known of the person but a device.
func (u User) Anonymous() bool { return u.Kind == KindAnonymous }

// Groups lists the groups a session of this person carries.
func (u User) Groups() []string { return []string{} }

// State refuses a person who may not sign in at the moment.
func (u User) State() error {
	switch u.Status {
	case StatusBlocked:
		return errs.New(errs.UserBlocked)
	case StatusPending:
		return errs.New(errs.UserPending)
	}
	return nil
}

// Owns reports whether target, a canonical phone number or email address, is a verified
// contact of the person.
func (u User) Owns(target string) bool {
	if target == "" {
		return false
	}
	return (u.PhoneVerified && u.Phone == target) || (u.EmailVerified && u.Email == target)
}

// Service stores people.
type Service struct {
	// CasedNames, when set before use, says whether user names of a pool that differ in
	// case only are different names.
	CasedNames func(ctx context.Context, poolID string) (bool, error)
	// Released, when set before use, hears of the picture that a person had until now, in
	// the transaction that takes it away.
	Released func(ctx context.Context, poolID, picture string) error

	db  *db.DB
	now func() time.Time
}

// New makes a Service on d.
func New(d *db.DB, now func() time.Time) *Service {
	return &Service{db: d, now: db.Clock(now)}
}

// ByID finds a person, or says UserNotFound.
func (s *Service) ByID(ctx context.Context, poolID, id string) (User, error) {
	return s.one(ctx, selectByID, poolID, id)
}

// ByIdentifier finds the owner of a canonical identifier, as contact.Classify makes it.
func (s *Service) ByIdentifier(ctx context.Context, poolID string, kind contact.Kind, canonical string) (User, error) {
	if canonical == "" {
		return User{}, errs.New(errs.UserNotFound)
	}
	switch kind {
	case contact.KindPhone:
		return s.one(ctx, selectByPhone, poolID, canonical)
	case contact.KindEmail:
		return s.one(ctx, selectByEmail, poolID, canonical)
	case contact.KindUsername:
		return s.byUsername(ctx, poolID, canonical)
	}
	return User{}, errs.New(errs.UserNotFound)
}

// ByTarget finds the owner of a canonical phone number or email address.
func (s *Service) ByTarget(ctx context.Context, poolID, target string) (User, error) {
	kind, canonical, err := contact.Classify(target)
	if err != nil || kind == contact.KindUsername {
		return User{}, errs.New(errs.UserNotFound)
	}
	return s.ByIdentifier(ctx, poolID, kind, canonical)
}

// ByIdentity finds the person linked to subject at provider.
func (s *Service) ByIdentity(ctx context.Context, poolID, provider, subject string) (User, error) {
	if subject == "" {
		return User{}, errs.New(errs.UserNotFound)
	}
	return s.one(ctx, selectByIdentity, poolID, provider, subject)
}

// ByExternalID finds the person the customer's own key names.
func (s *Service) ByExternalID(ctx context.Context, poolID, externalID string) (User, error) {
	if externalID == "" {
		return User{}, errs.New(errs.UserNotFound)
	}
	return s.one(ctx, selectByExternalID, poolID, externalID)
}

// ByIDs finds people in the order of ids; unknown ids are left out.
func (s *Service) ByIDs(ctx context.Context, poolID string, ids []string) ([]User, error) {
	return s.ByValues(ctx, poolID, FieldID, ids)
}

// ByValues finds the people one of whose identifiers is in values, in their order;
// unknown ones are left out. field is FieldID, FieldExternalID, FieldPhone, FieldEmail or
// FieldUsername, whose values are the keys contact.Username makes.
func (s *Service) ByValues(ctx context.Context, poolID, field string, values []string) ([]User, error) {
	if len(values) == 0 {
		return nil, nil
	}
	return s.having(ctx, poolID, field, values)
}

// Exists reports whether a user name, as contact.Username shows it, is taken.
func (s *Service) Exists(ctx context.Context, poolID, username string) (bool, error) {
	key, err := s.usernameKey(ctx, poolID, username)
	if err != nil {
		return false, err
	}
	return s.taken(ctx, poolID, "", key, "", "", "")
}

// Create stores a new person with the identities in it and fills ID, CreatedAt and
// UpdatedAt. It says IdentifierTaken, UsernameTaken or ExternalIDTaken when somebody was
// first. Whether Phone and Email count as verified is as u says.
func (s *Service) Create(ctx context.Context, u *User) error {
	fresh := *u
	fresh.ID = secret.ID()
	fresh.CreatedAt = s.now()
	fresh.UpdatedAt = fresh.CreatedAt
	if fresh.HasPassword() && fresh.PasswordChangedAt.IsZero() {
		fresh.PasswordChangedAt = fresh.CreatedAt
	}
	fresh.Custom, fresh.Attributes = maps.Clone(u.Custom), maps.Clone(u.Attributes)
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		if err := s.insert(ctx, fresh); err != nil {
			return err
		}
		for _, i := range fresh.Identities {
			if err := s.Link(ctx, fresh.PoolID, fresh.ID, i); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		*u = fresh
	}
	return err
}

// Promote turns the anonymous person u.ID into the regular one described by u, who keeps
// the id, and detaches the device. It says AnonymousInvalid when the person is not
// anonymous any more (TK-04).
func (s *Service) Promote(ctx context.Context, u *User) error {
	return s.db.InTx(ctx, func(ctx context.Context) error {
		u.Kind, u.UpdatedAt = KindRegular, s.now()
		if u.HasPassword() {
			u.PasswordChangedAt = u.UpdatedAt
		}
		if err := s.promote(ctx, *u); err != nil {
			return err
		}
		return s.unlinkAll(ctx, u.PoolID, u.ID, ProviderAnonymous)
	})
}
