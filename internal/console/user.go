package console

import (
	"context"
	"net/http"
	"net/url"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
)

// userRoutes are the pages about people.
func (c *Console) userRoutes() []route {
	const person = "/pools/{pool}/users/{user}"
	return []route{
		{method: http.MethodGet, path: "/pools/{pool}/users", ops: []manage.Op{manage.UserList}, handle: users},
		{method: http.MethodGet, path: "/pools/{pool}/users/new", handle: newUser},
		{method: http.MethodPost, path: "/pools/{pool}/users/new", ops: []manage.Op{manage.UserCreate}, handle: createUser},
		{method: http.MethodGet, path: person, ops: []manage.Op{manage.UserGet, manage.SessionList}, handle: showUser},
		{method: http.MethodGet, path: person + "/edit", ops: []manage.Op{manage.UserGet}, handle: editUser},
		{method: http.MethodPost, path: person + "/edit", ops: []manage.Op{manage.UserUpdate}, handle: changeUser},
		{method: http.MethodPost, path: person + "/do", ops: []manage.Op{
			manage.UserBlock, manage.UserUnblock, manage.UserForceReset, manage.UserSignOut, manage.SessionRevoke,
			manage.IdentityUnlink, manage.IdentityLink, manage.UserUpdate,
		}, handle: helpUser},
		{method: http.MethodGet, path: person + "/merge", ops: []manage.Op{manage.UserMerge}, handle: planMerge},
		{method: http.MethodPost, path: person + "/merge", ops: []manage.Op{manage.UserMerge}, handle: mergeUsers},
		{method: http.MethodGet, path: person + "/delete", ops: []manage.Op{manage.UserGet}, handle: askDelete},
		{method: http.MethodPost, path: person + "/delete", ops: []manage.Op{manage.UserDelete}, handle: deleteUser},
	}
}

// poolRef names the page's pool.
func (p *page) poolRef() api.PoolRef { return api.PoolRef{Pool: p.pool.ID} }

// userRef names the person the path is about.
func (p *page) userRef() api.UserRef {
	return api.UserRef{PoolRef: p.poolRef(), User: p.r.PathValue("user")}
}

// asked is the part of a list that the address asks for.
func (p *page) asked() api.Page { return api.Page{Cursor: p.r.FormValue("cursor")} }

func users(ctx context.Context, p *page) error {
	in := api.UserQuery{
		PoolRef: p.poolRef(), Page: p.asked(), Query: p.r.FormValue("q"), Inside: p.r.FormValue("inside") == "on", Status: p.r.FormValue("status"),
	}
	list, err := p.c.Manage.Users(ctx, p.who, in)
	if err := p.refuse(err); err != nil {
		return err
	}
	return p.show(ctx, "menu_users", usersPage(p, in, list))
}

func newUser(ctx context.Context, p *page) error {
	return p.show(ctx, "user_new", newUserPage(p, api.NewUser{Status: "active"}))
}

func createUser(ctx context.Context, p *page) error {
	f := p.r.PostForm
	in := api.NewUser{
		PoolRef: p.poolRef(), Username: f.Get("username"), Name: f.Get("name"), Phone: f.Get("phone"), PhoneVerified: ticked(f, "phone_verified"),
		Email: f.Get("email"), EmailVerified: ticked(f, "email_verified"), ExternalID: f.Get("external_id"),
		Password: f.Get("password"), MustReset: ticked(f, "must_reset"), Status: "active",
	}
	made, err := p.c.Manage.CreateUser(ctx, p.who, in)
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "user_new", newUserPage(p, in))
	}
	return p.done(p.link("users", made.ID), "user_made")
}

func showUser(ctx context.Context, p *page) error {
	u, err := p.c.Manage.User(ctx, p.who, p.userRef())
	if errs.CodeOf(err) == errs.UserDeleted {
		return p.show(ctx, "user", deletedPage(p, p.r.PathValue("user"), errs.From(err).Params))
	}
	if err != nil {
		return err
	}
	sessions, err := p.c.Manage.Sessions(ctx, p.who, p.userRef())
	if err != nil {
		return err
	}
	events, err := p.events(ctx, u.ID)
	if err != nil {
		return err
	}
	return p.show(ctx, "user", userPage(p, u, sessions.Items, events))
}

func editUser(ctx context.Context, p *page) error {
	u, err := p.c.Manage.User(ctx, p.who, p.userRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "user_edit", editUserPage(p, u, api.ETag(u)))
}

func changeUser(ctx context.Context, p *page) error {
	f := p.r.PostForm
	in := api.UserChange{UserRef: p.userRef(), Guarded: api.Guarded{IfMatch: f.Get("etag")}}
	for name, to := range map[string]**string{
		"username": &in.Username, "name": &in.Name, "phone": &in.Phone, "email": &in.Email, "external_id": &in.ExternalID,
		"locale": &in.Locale, "picture": &in.Picture,
	} {
		if v := f.Get(name); v != f.Get("was_"+name) {
			*to = &v
		}
	}
	for name, to := range map[string]**bool{"phone_verified": &in.PhoneVerified, "email_verified": &in.EmailVerified, "must_reset": &in.MustReset} {
		v := ticked(f, name)
		*to = &v
	}
	if v := f.Get("password"); v != "" {
		in.Password = &v
	}
	_, err := p.c.Manage.UpdateUser(ctx, p.who, in)
	if err == nil {
		return p.done(p.link("users", in.User), "saved")
	}
	if err := p.refuse(err); err != nil {
		return err
	}
	u, err := p.c.Manage.User(ctx, p.who, p.userRef())
	if err != nil {
		return err
	}
	tag := api.ETag(u)
	typed(&u, in)
	return p.show(ctx, "user_edit", editUserPage(p, u, tag))
}

// typed puts what was typed into the form that is shown again.
func typed(u *api.User, in api.UserChange) {
	for _, f := range []struct {
		to   *string
		from *string
	}{{&u.Username, in.Username}, {&u.Name, in.Name}, {&u.Phone, in.Phone}, {&u.Email, in.Email}, {&u.ExternalID, in.ExternalID}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
}

// helpUser does one thing to a person, which the button names.
func helpUser(ctx context.Context, p *page) error {
	var err error
	m, ref, do := p.c.Manage, p.userRef(), p.r.PostFormValue("do")
	switch do {
	case "block":
		_, err = m.BlockUser(ctx, p.who, ref)
	case "unblock":
		_, err = m.UnblockUser(ctx, p.who, ref)
	case "force_reset":
		_, err = m.ForcePasswordChange(ctx, p.who, ref)
	case "sign_out":
		_, err = m.SignOutUser(ctx, p.who, ref)
	case "verify_phone", "verify_email":
		yes, in := true, api.UserChange{UserRef: ref}
		if in.PhoneVerified = &yes; do == "verify_email" {
			in.PhoneVerified, in.EmailVerified = nil, &yes
		}
		_, err = m.UpdateUser(ctx, p.who, in)
	case "revoke":
		_, err = m.RevokeSession(ctx, p.who, api.SessionRef{UserRef: ref, Session: p.r.PostFormValue("session")})
	case "unlink":
		_, err = m.UnlinkIdentity(ctx, p.who, api.IdentityRef{UserRef: ref, Provider: p.r.PostFormValue("provider")})
	case "link":
		_, err = m.LinkIdentity(ctx, p.who, api.NewIdentity{UserRef: ref, Provider: p.r.PostFormValue("provider"), Subject: p.r.PostFormValue("subject")})
	default:
		return errs.New(errs.BadRequest, "field", "do")
	}
	if err == nil {
		return p.done(p.link("users", ref.User), "user_did_"+do)
	}
	if err := p.refuse(err); err != nil {
		return err
	}
	return showUser(ctx, p)
}

func planMerge(ctx context.Context, p *page) error {
	in := api.MergeUsers{UserRef: p.userRef(), From: p.r.FormValue("from"), DryRun: true}
	if in.From == "" {
		return p.show(ctx, "user_merge", mergePage(p, in, nil))
	}
	plan, err := p.c.Manage.MergeUsers(ctx, p.who, in)
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "user_merge", mergePage(p, in, nil))
	}
	return p.show(ctx, "user_merge", mergePage(p, in, &plan))
}

func mergeUsers(ctx context.Context, p *page) error {
	in := api.MergeUsers{UserRef: p.userRef(), From: p.r.PostFormValue("from")}
	if _, err := p.c.Manage.MergeUsers(ctx, p.who, in); err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "user_merge", mergePage(p, in, nil))
	}
	return p.done(p.link("users", in.User), "user_merged")
}

func askDelete(ctx context.Context, p *page) error {
	u, err := p.c.Manage.User(ctx, p.who, p.userRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "user_delete", deleteUserPage(p, u))
}

func deleteUser(ctx context.Context, p *page) error {
	if _, err := p.c.Manage.DeleteUser(ctx, p.who, p.userRef()); err != nil {
		return err
	}
	return p.done(p.link("users"), "user_deleted_done")
}

// ticked reports whether a box of a form is ticked; see component check.
func ticked(f url.Values, name string) bool {
	values := f[name]
	return len(values) > 0 && values[len(values)-1] == "on"
}
