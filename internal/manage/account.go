package manage

import (
	"context"
	"slices"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

// MergeUsers makes two accounts of one person one: the account in the path takes over
// what it has not got, the other ends. All sessions of both end. A dry run only says what
// would happen. Errors: UserNotFound, BadRequest.
func (s *Service) MergeUsers(ctx context.Context, p operator.Principal, in api.MergeUsers) (out api.MergedUsers, err error) {
	m, err := s.may(ctx, p, UserMerge, in.Pool)
	if err != nil {
		return out, err
	}
	if in.DryRun {
		to, err := s.d.Admin.User(ctx, m, in.User)
		if err != nil {
			return out, err
		}
		from, err := s.d.Admin.User(ctx, m, in.From)
		if err != nil {
			return out, err
		}
		plan, err := user.PlanMerge(to, from)
		return mergeView(plan), err
	}
	var merged user.Merged
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		for _, id := range []string{in.User, in.From} {
			if err := s.d.Account.CutOff(ctx, id, "merge"); err != nil {
				return err
			}
		}
		if merged, err = s.d.Users.Merge(ctx, in.Pool, in.User, in.From); err != nil {
			return err
		}
		if err := s.record(ctx, m, audit.UserMerge, in.User, map[string]string{"from": in.From}); err != nil {
			return err
		}
		return s.record(ctx, m, audit.Delete, in.From, map[string]string{"merged_into": in.User})
	})
	if err != nil {
		return out, err
	}
	out = mergeView(merged)
	out.Done = true
	return out, nil
}

func mergeView(m user.Merged) api.MergedUsers {
	return api.MergedUsers{User: userView(m.After), Moved: append([]string{}, m.Moved...), Dropped: append([]string{}, m.Dropped...)}
}

// LinkIdentity links a person to an account at an identity provider. Errors:
// UserNotFound, IdentifierTaken, BadRequest.
func (s *Service) LinkIdentity(ctx context.Context, p operator.Principal, in api.NewIdentity) (api.User, error) {
	m, err := s.may(ctx, p, IdentityLink, in.Pool)
	if err != nil {
		return api.User{}, err
	}
	i := user.Identity{Provider: in.Provider, Subject: in.Subject, Name: in.Name}
	if in.UnionID != "" {
		i.Profile = map[string]string{user.IdentityUnionGroup: in.UnionGroup, user.IdentityUnion: in.UnionID}
	}
	u, err := s.d.Admin.Link(ctx, m, in.User, i)
	return userView(u), err
}

// UnlinkIdentity unlinks a person from an identity provider. Errors: UserNotFound,
// ProviderNotFound, LastMethod.
func (s *Service) UnlinkIdentity(ctx context.Context, p operator.Principal, in api.IdentityRef) (api.User, error) {
	m, err := s.may(ctx, p, IdentityUnlink, in.Pool)
	if err != nil {
		return api.User{}, err
	}
	u, err := s.d.Admin.Unlink(ctx, m, in.User, in.Provider)
	return userView(u), err
}

// SignOutUser ends all sessions of a person.
func (s *Service) SignOutUser(ctx context.Context, p operator.Principal, in api.UserRef) (api.None, error) {
	m, err := s.may(ctx, p, UserSignOut, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	if _, err := s.d.Admin.User(ctx, m, in.User); err != nil {
		return api.None{}, err
	}
	return api.None{}, s.d.Admin.Kick(ctx, m, []string{in.User}, "")
}

// Sessions lists the sessions of a person. There are few: they are not paged.
func (s *Service) Sessions(ctx context.Context, p operator.Principal, in api.UserRef) (list api.List[api.UserSession], err error) {
	m, err := s.may(ctx, p, SessionList, in.Pool)
	if err != nil {
		return list, err
	}
	sessions, err := s.sessionsOf(ctx, m.PoolID, in.User)
	list.Items = make([]api.UserSession, 0, len(sessions))
	for _, v := range sessions {
		list.Items = append(list.Items, api.UserSession{
			ID: v.ID, ClientID: v.ClientID, Methods: append([]string{}, v.AMR...), DeviceID: v.DeviceID, IP: v.IP, UserAgent: v.UserAgent,
			CreatedAt: v.CreatedAt.UTC(), SeenAt: v.RotatedAt.UTC(), ExpiresAt: v.ExpiresAt.UTC(),
		})
	}
	return list, err
}

// sessionsOf returns the live sessions of a person of the pool.
func (s *Service) sessionsOf(ctx context.Context, poolID, userID string) ([]session.Session, error) {
	if _, err := s.d.Users.ByID(ctx, poolID, userID); err != nil {
		return nil, err
	}
	return s.d.Sessions.List(ctx, userID)
}

// RevokeSession ends one session of a person. Errors: UserNotFound, SessionNotFound.
func (s *Service) RevokeSession(ctx context.Context, p operator.Principal, in api.SessionRef) (api.None, error) {
	m, err := s.may(ctx, p, SessionRevoke, in.Pool)
	if err != nil {
		return api.None{}, err
	}
	return api.None{}, s.d.DB.InTx(ctx, func(ctx context.Context) error {
		sessions, err := s.sessionsOf(ctx, in.Pool, in.User)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(sessions, func(v session.Session) bool { return v.ID == in.Session }) {
			return errs.New(errs.SessionNotFound)
		}
		if err := s.d.Sessions.Revoke(ctx, in.Session, "operator"); err != nil {
			return err
		}
		return s.record(ctx, m, audit.SessionRevoke, in.User, map[string]string{"session": in.Session})
	})
}
