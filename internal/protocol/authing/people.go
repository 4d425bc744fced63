package authing

import (
	"context"
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

func (p *Protocol) peopleRoutes() []route {
	me := bearer(p, nil, p.showMe)
	return []route{
		get("/api/v2/users/me", me),
		get("/api/v2/users/me/info", me),
		get("/api/v3/get-user", me),
		post("/api/v2/users/profile/update", bearer(p, profileWords(), p.updateProfile)),
		{method: http.MethodDelete, path: "/api/v2/users/delete", handler: bearer(p, nil, p.deleteMe)},
		get("/api/v2/users/is-user-exists", public(p, nil, p.userExists)),
		get("/api/v2/users/me/security-level", bearer(p, nil, p.securityLevel)),
		get("/api/v2/users/me/applications/allowed", bearer(p, nil, p.myApplications)),
		get("/api/v2/users/me/orgs", bearer(p, nil, none)),
		get("/api/v2/users/me/roles", bearer(p, nil, none)),
		post("/api/v2/users/resource/authorized", bearer(p, nil, p.myResources)),
		post("/api/v2/feedback", public(p, nil, p.feedback)),
	}
}

func (p *Protocol) showMe(ctx context.Context, who session.Principal, _ nothing) (any, error) {
	return p.me(ctx, who)
}

func (p *Protocol) updateProfile(ctx context.Context, who session.Principal, in rawBody) (any, error) {
	fields, err := in.object()
	if err != nil {
		return nil, err
	}
	change, err := profileFields(fields).profile()
	if err != nil {
		return nil, err
	}
	u, err := p.account.UpdateProfile(ctx, who, change)
	if err != nil {
		return nil, err
	}
	return p.mine(ctx, who, u)
}

func (p *Protocol) deleteMe(ctx context.Context, who session.Principal, _ nothing) (any, error) {
	_, err := p.account.DeleteMe(ctx, who, "", account.BySession)
	return nil, err
}

type existsRequest struct {
	Username string `query:"username"`
	Email    string `query:"email"`
	Phone    string `query:"phone"`
}

// userExists says whether a name is taken. Clients do not escape it, so that a plus sign
// arrives as a space.
func (p *Protocol) userExists(ctx context.Context, c pool.Client, in existsRequest) (any, error) {
	name := in.Username
	switch {
	case name != "":
	case in.Email != "":
		name = strings.ReplaceAll(in.Email, " ", "+")
	case in.Phone != "":
		name = strings.ReplaceAll(in.Phone, " ", "+")
	default:
		return nil, missing("username")
	}
	return p.exists(ctx, c, name)
}

func (p *Protocol) exists(ctx context.Context, c pool.Client, name string) (any, error) {
	return p.account.Exists(ctx, c, name, "")
}

// securityLevel is a hint for the page where people look after their account. What we do
// not measure, such as the strength of a password we do not know, counts as medium.
type securityLevel struct {
	Score         int  `json:"score"`
	Email         bool `json:"email"`
	Phone         bool `json:"phone"`
	Password      bool `json:"password"`
	PasswordLevel int  `json:"passwordSecurityLevel"`
	MFA           bool `json:"mfa"`
}

const mediumPassword = 2

func (p *Protocol) securityLevel(ctx context.Context, who session.Principal, _ nothing) (any, error) {
	u, err := p.account.Me(ctx, who)
	if err != nil {
		return nil, err
	}
	return securityLevelOf(u), nil
}

func securityLevelOf(u user.User) securityLevel {
	level := securityLevel{
		Email: u.EmailVerified, Phone: u.PhoneVerified, Password: u.HasPassword(),
	}
	for _, has := range []bool{level.Email, level.Phone, level.Password} {
		if has {
			level.Score += 25
		}
	}
	if level.Password {
		level.PasswordLevel = mediumPassword
	}
	return level
}

type application struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Logo        string `json:"logo"`
	Domain      string `json:"domain"`
	Description string `json:"description"`
}

// myApplications lists the applications of the pool: everybody may use all of them.
func (p *Protocol) myApplications(ctx context.Context, who session.Principal, _ nothing) (any, error) {
	apps, err := p.pools.Apps(ctx, who.PoolID)
	if err != nil {
		return nil, err
	}
	out := page[application]{List: []application{}, TotalCount: int64(len(apps))}
	for _, a := range apps {
		out.List = append(out.List, application{ID: a.ID, Name: a.Name, Domain: label(a.ID)})
	}
	return out, nil
}

// none answers for what a pool here does not have: organisations and roles.
func none(context.Context, session.Principal, nothing) (any, error) { return []struct{}{}, nil }

func (p *Protocol) myResources(context.Context, session.Principal, nothing) (any, error) {
	return page[struct{}]{List: []struct{}{}}, nil
}

type feedbackRequest struct {
	AppID       string   `json:"appId"`
	Phone       text     `json:"phone"`
	Type        text     `json:"type"`
	Description string   `json:"description"`
	Images      anything `json:"images"`
}

func (p *Protocol) feedback(ctx context.Context, c pool.Client, in feedbackRequest) (any, error) {
	if in.AppID != "" && factsOf(ctx).app == "" {
		named, err := p.pools.AppOf(ctx, in.AppID)
		if err != nil {
			return nil, err
		}
		c = named
	}
	phone := string(in.Phone)
	if e164, err := contact.Phone(phone, ""); err == nil {
		phone = e164
	}
	return nil, p.account.Feedback(ctx, account.FeedbackInput{
		Client: c, Contact: phone, Kind: string(in.Type), Text: in.Description, Images: string(in.Images),
	})
}
