package user

import (
	"context"
	"maps"
	"slices"

	"github.com/tigertally/tigertally/internal/errs"
)

// Merged says what becomes of each part of an account that is merged into another.
type Merged struct {
	// Moved and Dropped name what the remaining account takes over, and what is lost
	// because it has its own: "phone", "email", "username", "password", "external_id",
	// "custom:<key>" and "identity:<provider>".
	Moved, Dropped []string
	After          User // the remaining account as it will be
}

// PlanMerge says what Merge of from into to would do. Where both have something, the one
// of to stays; a verified address wins over a claimed one.
//
// Errors: BadRequest for one account given twice or an anonymous one.
func PlanMerge(to, from User) (Merged, error) {
	if to.ID == from.ID || to.PoolID != from.PoolID || to.Anonymous() || from.Anonymous() {
		return Merged{}, errs.New(errs.BadRequest, "field", "from")
	}
	m := Merged{After: to}
	take := func(name string, has, wins bool, move func()) {
		switch {
		case !has:
		case wins:
			m.Moved = append(m.Moved, name)
			move()
		default:
			m.Dropped = append(m.Dropped, name)
		}
	}
	a := &m.After
	take("phone", from.Phone != "", to.Phone == "" || from.PhoneVerified && !to.PhoneVerified, func() {
		a.Phone, a.PhoneVerified = from.Phone, from.PhoneVerified
	})
	take("email", from.Email != "", to.Email == "" || from.EmailVerified && !to.EmailVerified, func() {
		a.Email, a.EmailVerified = from.Email, from.EmailVerified
	})
	take("username", from.Username != "", to.Username == "", func() { a.Username = from.Username })
	take("external_id", from.ExternalID != "", to.ExternalID == "", func() { a.ExternalID = from.ExternalID })
	take("password", from.HasPassword(), !to.HasPassword(), func() {
		a.PasswordHash, a.MustReset = from.PasswordHash, from.MustReset
	})
	mergeDetails(&m, to, from)
	return m, nil
}

// mergeDetails adds the fields and identities to the plan.
func mergeDetails(m *Merged, to, from User) {
	custom := make(map[string]any, len(to.Custom)+len(from.Custom))
	maps.Copy(custom, to.Custom)
	for _, key := range slices.Sorted(maps.Keys(from.Custom)) {
		if _, has := custom[key]; has {
			m.Dropped = append(m.Dropped, "custom:"+key)
			continue
		}
		m.Moved = append(m.Moved, "custom:"+key)
		custom[key] = from.Custom[key]
	}
	m.After.Custom = custom
	has := map[string]bool{}
	for _, i := range to.Identities {
		has[i.Provider] = true
	}
	m.After.Identities = append([]Identity(nil), to.Identities...)
	for _, i := range from.Identities {
		if has[i.Provider] {
			m.Dropped = append(m.Dropped, "identity:"+i.Provider)
			continue
		}
		m.Moved = append(m.Moved, "identity:"+i.Provider)
		m.After.Identities = append(m.After.Identities, i)
	}
	for _, f := range []struct{ to, from *string }{
		{&m.After.Name, &from.Name}, {&m.After.Picture, &from.Picture}, {&m.After.Locale, &from.Locale},
	} {
		if *f.to == "" {
			*f.to = *f.from
		}
	}
}

// Merge makes two accounts one: to takes over what PlanMerge says, and from is deleted.
// It is for an operator who knows that both are the same person; nothing else may. The
// sessions of both are for the caller to end.
//
// Errors: UserNotFound, and those of PlanMerge.
func (s *Service) Merge(ctx context.Context, poolID, toID, fromID string) (m Merged, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		for _, id := range []string{min(toID, fromID), max(toID, fromID)} { // always in this order: no deadlock
			if err := found(s.stamp(ctx, poolID, id, s.now())); err != nil {
				return err
			}
		}
		to, err := s.ByID(ctx, poolID, toID)
		if err != nil {
			return err
		}
		from, err := s.ByID(ctx, poolID, fromID)
		if err != nil {
			return err
		}
		if m, err = PlanMerge(to, from); err != nil {
			return err
		}
		if err := s.moveIdentities(ctx, poolID, toID, fromID); err != nil {
			return err
		}
		if err := s.bury(ctx, poolID, fromID, toID); err != nil {
			return err
		}
		if _, err := s.remove(ctx, poolID, fromID); err != nil {
			return err
		}
		m.After.UpdatedAt = s.now()
		if m.After.PasswordHash != to.PasswordHash {
			m.After.PasswordChangedAt = later(s.now(), to.PasswordChangedAt)
		}
		if err := found(s.overwrite(ctx, m.After)); err != nil {
			return err
		}
		if _, err = s.SetCustom(ctx, poolID, toID, m.After.Custom); err != nil {
			return err
		}
		return s.release(ctx, poolID, from.Picture, m.After.Picture)
	})
	return m, err
}
