package manage

import (
	"context"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/user"
)

// What can be done with people.
const (
	UserList       Op = "user.list"
	UserGet        Op = "user.get"
	UserCreate     Op = "user.create"
	UserUpdate     Op = "user.update"
	UserBlock      Op = "user.block"
	UserUnblock    Op = "user.unblock"
	UserForceReset Op = "user.force-password-change"
	UserSignOut    Op = "user.sign-out"
	UserDelete     Op = "user.delete"
	UserMerge      Op = "user.merge"
	IdentityLink   Op = "user.link"
	IdentityUnlink Op = "user.unlink"
	SessionList    Op = "session.list"
	SessionRevoke  Op = "session.revoke"
)

// userOperations are what can be done with people.
func userOperations() []Operation {
	return []Operation{
		{UserList, operator.UsersRead, "Look for people, or list them"},
		{UserGet, operator.UsersRead, "Show a person"},
		{UserCreate, operator.UsersWrite, "Make a person without asking them"},
		{UserUpdate, operator.UsersWrite, "Change a person: identifiers, verification, password, profile and custom fields"},
		{UserBlock, operator.UsersHelp, "Keep a person from signing in, and end their sessions"},
		{UserUnblock, operator.UsersHelp, "Let a person sign in again"},
		{UserForceReset, operator.UsersHelp, "Make a person choose a new password at the next sign-in, and end their sessions"},
		{UserSignOut, operator.UsersHelp, "End all sessions of a person"},
		{UserDelete, operator.UsersDelete, "Delete a person and all that is kept by them"},
		{UserMerge, operator.UsersDelete, "Make two accounts of one person one, or say what that would do"},
		{IdentityLink, operator.UsersWrite, "Link a person to an account at an identity provider"},
		{IdentityUnlink, operator.UsersWrite, "Unlink a person from an identity provider"},
		{SessionList, operator.UsersRead, "List the sessions of a person"},
		{SessionRevoke, operator.UsersHelp, "End one session of a person"},
	}
}

// Users lists the people of a pool, newest first, or those a query names. Only the whole
// list has more pages: a query with too many answers is for narrowing.
func (s *Service) Users(ctx context.Context, p operator.Principal, in api.UserQuery) (list api.List[api.User], err error) {
	m, err := s.may(ctx, p, UserList, in.Pool)
	if err != nil {
		return list, err
	}
	size := pageSize(in.Page)
	var found []user.User
	switch {
	case in.Query != "" && in.Inside:
		found, _, err = s.d.Admin.Search(ctx, m, in.Query, nil, 1, size)
	case in.Query != "":
		found, err = s.d.Users.Lookup(ctx, in.Pool, in.Query, size)
	default:
		return s.browse(ctx, in, size)
	}
	list.Items = make([]api.User, 0, len(found))
	for _, u := range found {
		if in.Status == "" || u.Status == in.Status {
			list.Items = append(list.Items, userView(u))
		}
	}
	return list, err
}

func (s *Service) browse(ctx context.Context, in api.UserQuery, size int) (list api.List[api.User], err error) {
	var after user.Place
	if _, err := openCursor(s.d.Ring, "users "+in.Status, in.Pool, in.Cursor, &after); err != nil {
		return list, err
	}
	found, err := s.d.Users.Browse(ctx, in.Pool, in.Status, after, size+1)
	if err != nil {
		return list, err
	}
	if len(found) > size {
		found = found[:size]
		end := found[size-1]
		list.NextCursor, err = sealCursor(s.d.Ring, "users "+in.Status, in.Pool, user.Place{At: end.CreatedAt, ID: end.ID})
	}
	list.Items = make([]api.User, len(found))
	for i, u := range found {
		list.Items[i] = userView(u)
	}
	return list, err
}

// User returns a person. Errors: UserNotFound; UserDeleted with when, and with whose the
// account became.
func (s *Service) User(ctx context.Context, p operator.Principal, in api.UserRef) (api.User, error) {
	m, err := s.may(ctx, p, UserGet, in.Pool)
	if err != nil {
		return api.User{}, err
	}
	u, err := s.d.Admin.User(ctx, m, in.User)
	if errs.CodeOf(err) == errs.UserNotFound {
		return api.User{}, s.deleted(ctx, in, err)
	}
	return userView(u), err
}

// deleted says what is still known of an account that is not there.
func (s *Service) deleted(ctx context.Context, in api.UserRef, notFound error) error {
	at, to, err := s.d.Users.Deleted(ctx, in.Pool, in.User)
	switch {
	case err != nil:
		return err
	case at.IsZero():
		return notFound
	}
	return errs.New(errs.UserDeleted, "at", at.UTC().Format(time.RFC3339), "merged_into", to)
}

// CreateUser makes a person without asking them. Errors: those of admin.CreateUser.
func (s *Service) CreateUser(ctx context.Context, p operator.Principal, in api.NewUser) (api.User, error) {
	m, err := s.may(ctx, p, UserCreate, in.Pool)
	if err != nil {
		return api.User{}, err
	}
	u, err := s.d.Admin.CreateUser(ctx, m, admin.NewUser{
		Username: in.Username, Phone: in.Phone, PhoneVerified: in.PhoneVerified, Email: in.Email, EmailVerified: in.EmailVerified,
		ExternalID: in.ExternalID, Password: in.Password, MustReset: in.MustReset, Status: in.Status,
		Profile: user.Profile{Name: given(in.Name)}, Custom: in.Custom,
	})
	return userView(u), err
}

// UpdateUser changes a person. Errors: EditConflict and those of admin.UpdateUser.
func (s *Service) UpdateUser(ctx context.Context, p operator.Principal, in api.UserChange) (api.User, error) {
	m, err := s.may(ctx, p, UserUpdate, in.Pool)
	if err != nil {
		return api.User{}, err
	}
	change := admin.UserChange{
		Profile: user.Profile{Username: in.Username, Name: in.Name, Picture: in.Picture, Gender: in.Gender, Locale: in.Locale},
		Phone:   in.Phone, PhoneVerified: in.PhoneVerified, Email: in.Email, EmailVerified: in.EmailVerified,
		ExternalID: in.ExternalID, Password: in.Password, MustReset: in.MustReset, Custom: in.Custom,
		Check: func(before user.User) error { return match(in.Guarded, userView(before)) },
	}
	u, err := s.d.Admin.UpdateUser(ctx, m, in.User, change)
	return userView(u), err
}

// BlockUser keeps a person from signing in.
func (s *Service) BlockUser(ctx context.Context, p operator.Principal, in api.UserRef) (api.User, error) {
	blocked := user.StatusBlocked
	return s.help(ctx, p, UserBlock, in, admin.UserChange{Status: &blocked})
}

// UnblockUser lets a person sign in again.
func (s *Service) UnblockUser(ctx context.Context, p operator.Principal, in api.UserRef) (api.User, error) {
	active := user.StatusActive
	return s.help(ctx, p, UserUnblock, in, admin.UserChange{Status: &active})
}

// ForcePasswordChange makes a person choose a new password at the next sign-in.
func (s *Service) ForcePasswordChange(ctx context.Context, p operator.Principal, in api.UserRef) (api.User, error) {
	yes := true
	return s.help(ctx, p, UserForceReset, in, admin.UserChange{MustReset: &yes})
}

func (s *Service) help(ctx context.Context, p operator.Principal, op Op, in api.UserRef, change admin.UserChange) (api.User, error) {
	m, err := s.may(ctx, p, op, in.Pool)
	if err != nil {
		return api.User{}, err
	}
	u, err := s.d.Admin.UpdateUser(ctx, m, in.User, change)
	return userView(u), err
}

// DeleteUser deletes a person for good. Errors: UserNotFound, UserDeleted.
func (s *Service) DeleteUser(ctx context.Context, p operator.Principal, in api.UserRef) (api.None, error) {
	m, err := s.may(ctx, p, UserDelete, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	n, err := s.d.Admin.DeleteUsers(ctx, m, []string{in.User})
	if err == nil && n == 0 {
		return api.None{}, s.deleted(ctx, in, errs.New(errs.UserNotFound))
	}
	return api.None{}, err
}

func given(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func userView(u user.User) api.User {
	view := api.User{
		ID: u.ID, Username: u.Username, Phone: u.Phone, PhoneVerified: u.PhoneVerified, Email: u.Email, EmailVerified: u.EmailVerified,
		Name: u.Name, Status: u.Status, Kind: u.Kind, Picture: u.Picture, Gender: u.Gender, Locale: u.Locale,
		ExternalID: u.ExternalID, HasPassword: u.HasPassword(), MustReset: u.MustReset, Identities: []api.UserIdentity{},
		Custom: u.Custom, Attributes: u.Attributes, CreatedFrom: u.CreatedFrom, RegisteredBy: u.RegisteredBy,
		SignIns: u.SignIns, LastIP: u.LastIP, CreatedAt: u.CreatedAt.UTC(), UpdatedAt: u.UpdatedAt.UTC(),
	}
	if !u.LastSignInAt.IsZero() {
		at := u.LastSignInAt.UTC()
		view.LastSignInAt = &at
	}
	for _, i := range u.Identities {
		view.Identities = append(view.Identities, api.UserIdentity{
			Provider: i.Provider, Subject: i.Subject, Name: i.Name, UnionID: i.Profile[user.IdentityUnion], CreatedAt: i.CreatedAt.UTC(),
		})
	}
	return view
}
