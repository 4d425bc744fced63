package migrate

import (
	"context"
	"errors"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// update overwrites the one person who has the identifiers of c with what c says. It
// never replaces a password: they may have changed it since. refused says why not.
func (r *run) update(ctx context.Context, c candidate) (refused, err error) {
	owners, err := r.owners(ctx, c.User)
	if err != nil {
		return nil, err
	}
	if len(owners) != 1 {
		return errs.New(errs.IdentifierTaken).Because(flaw("belongs to several people")), nil
	}
	owner := owners[0]
	change := overwrite(c, owner)
	if _, _, err = r.d.Users.Update(ctx, r.pool.ID, owner.ID, change); err != nil {
		return nil, err
	}
	if len(c.Custom) > 0 {
		if _, err := r.d.Users.SetCustom(ctx, r.pool.ID, owner.ID, c.Custom); err != nil {
			return nil, err
		}
	}
	for _, i := range c.Identities {
		if _, linked := owner.Identity(i.Provider, i.Subject); linked {
			continue
		}
		if err := r.d.Users.Link(ctx, r.pool.ID, owner.ID, i); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// owners are the people who have an identifier of u.
func (r *run) owners(ctx context.Context, u user.User) ([]user.User, error) {
	var owners []user.User
	look := func(found user.User, err error) error {
		if errs.CodeOf(err) == errs.UserNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		for _, o := range owners {
			if o.ID == found.ID {
				return nil
			}
		}
		owners = append(owners, found)
		return nil
	}
	all := []error{look(r.d.Users.ByExternalID(ctx, r.pool.ID, u.ExternalID))}
	if u.ID != "" {
		all = append(all, look(r.d.Users.ByID(ctx, r.pool.ID, u.ID)))
	}
	for kind, canonical := range map[contact.Kind]string{
		contact.KindUsername: u.Username, contact.KindPhone: u.Phone, contact.KindEmail: u.Email,
	} {
		all = append(all, look(r.d.Users.ByIdentifier(ctx, r.pool.ID, kind, canonical)))
	}
	for _, i := range u.Identities {
		all = append(all, look(r.d.Users.ByIdentity(ctx, r.pool.ID, i.Provider, i.Subject)))
	}
	return owners, errors.Join(all...)
}

// overwrite is the change that makes owner what c says; what c does not say stays.
func overwrite(c candidate, owner user.User) user.AdminChange {
	said := func(text string) *string {
		if text == "" {
			return nil
		}
		return &text
	}
	yes := func(is bool) *bool {
		if !is {
			return nil
		}
		return &is
	}
	change := user.AdminChange{
		Profile: user.Profile{
			Username: said(c.Username), Name: said(c.Name), Picture: said(c.Picture), Gender: said(c.Gender),
			Locale: said(c.Locale), Birthdate: said(c.Birthdate), Zoneinfo: said(c.Zoneinfo),
			Description: said(c.Description),
		},
		Phone: said(c.Phone), PhoneVerified: yes(c.PhoneVerified),
		Email: said(c.Email), EmailVerified: yes(c.EmailVerified),
		ExternalID: said(c.ExternalID),
	}
	if len(c.Attributes) > 0 {
		change.Profile.Attributes = make(map[string]*string, len(c.Attributes))
		for key, value := range c.Attributes {
			change.Profile.Attributes[key] = &value
		}
	}
	if c.status {
		change.Status = &c.Status
	}
	if !owner.HasPassword() && c.PasswordHash != "" {
		change.PasswordHash = &c.PasswordHash
	}
	return change
}
