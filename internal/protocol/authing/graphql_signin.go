package authing

import (
	"context"
	"net/netip"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/web"
)

// signinOperations are those of people without a token.
func (p *Protocol) signinOperations() map[string]operation {
	login := loginWords()
	all := map[string]operation{
		"registerByEmail":      openInput(p, mutation, registerWords(), p.registerByEmail),
		"registerByUsername":   openInput(p, mutation, registerWords(), p.registerByUsername),
		"registerByPhoneCode":  openInput(p, mutation, registerWords(), p.registerByPhoneCode),
		"loginByEmail":         openInput(p, mutation, login, p.loginByEmail),
		"loginByUsername":      openInput(p, mutation, login, p.loginByUsername),
		"loginByPhonePassword": openInput(p, mutation, login, p.loginByPhonePassword),
		"loginByPhoneCode":     openInput(p, mutation, codeLoginWords(), p.loginByPhoneCode),
		"loginBySubAccount":    open(p, mutation, login, p.loginByAccount),
	}
	for field, op := range all {
		all[field] = p.onBehalf(op)
	}
	all["resetPassword"] = open(p, mutation, nil, p.resetPassword)
	all["resetPasswordByFirstLoginToken"] = open(p, mutation, nil, p.resetByFirstLogin)
	all["sendEmail"] = open(p, mutation, mailWords(), p.sendEmail)
	all["checkPasswordStrength"] = open(p, query, nil, p.checkStrength)
	all["checkLoginStatus"] = open(p, query, nil, p.loginStatus)
	all["isUserExists"] = open(p, query, nil, p.isUserExists)
	return all
}

// addressed are arguments that say for whose address a request is made.
type addressed struct {
	ClientIP string `json:"clientIp"`
	Input    struct {
		ClientIP string `json:"clientIp"`
	} `json:"input"`
}

// onBehalf makes an operation believe the clientIp of a server that manages the pool.
// Anybody else could put their guesses down to somebody else's address.
func (p *Protocol) onBehalf(op operation) operation {
	read, run := web.Object[addressed](), op.run
	op.run = func(ctx context.Context, args []byte) (any, error) {
		in, err := read(args)
		if err != nil {
			return nil, err
		}
		claimed := in.ClientIP
		if claimed == "" {
			claimed = in.Input.ClientIP
		}
		if addr, err := netip.ParseAddr(claimed); err == nil && p.manages(ctx) {
			info := caller.From(ctx)
			info.Addr = addr
			ctx = caller.With(ctx, info)
		}
		return run(ctx, args)
	}
	return op
}

// manages reports whether a request to sign somebody in comes from a server that manages
// the pool of its application.
func (p *Protocol) manages(ctx context.Context) bool {
	m, err := p.manager(ctx)
	if err != nil {
		return false
	}
	c, err := p.app(ctx)
	return err == nil && c.Pool.ID == m.PoolID
}

func (p *Protocol) loginByEmail(ctx context.Context, c pool.Client, in loginRequest) (any, error) {
	if in.Email == "" {
		return nil, missing("email")
	}
	email, err := contact.Email(in.Email)
	if err != nil {
		return nil, err
	}
	return p.loginByPassword(ctx, c, email, in)
}

type usernameLogin struct {
	loginRequest
	Username string `json:"username"`
}

func (p *Protocol) loginByUsername(ctx context.Context, c pool.Client, in usernameLogin) (any, error) {
	if in.Username == "" {
		return nil, missing("username")
	}
	return p.loginByPassword(ctx, c, in.Username, in.loginRequest)
}

func (p *Protocol) loginByPhonePassword(ctx context.Context, c pool.Client, in loginRequest) (any, error) {
	phone, err := phoneOf(string(in.Phone), string(in.CountryCode))
	if err != nil {
		return nil, err
	}
	return p.loginByPassword(ctx, c, phone, in)
}

// resetPassword serves both ways of getting a code.
func (p *Protocol) resetPassword(ctx context.Context, c pool.Client, in resetRequest) (any, error) {
	if in.Email != "" {
		return p.resetByEmail(ctx, c, in)
	}
	return p.resetByPhone(ctx, c, in)
}

type strengthRequest struct {
	Password string `json:"password"` // as typed
}

// strength says whether the pool takes a password.
type strength struct {
	Valid   bool   `json:"valid"`
	Message string `json:"message"`
}

func (p *Protocol) checkStrength(ctx context.Context, c pool.Client, in strengthRequest) (any, error) {
	return p.strengthOf(ctx, c, in.Password), nil
}

func (p *Protocol) strengthOf(ctx context.Context, c pool.Client, password string) strength {
	if err := p.signin.Proofs().CheckPassword(c.Pool, password); err != nil {
		e := errs.From(err)
		return strength{Message: i18n.Text(caller.From(ctx).Lang, e.Code, e.Params)}
	}
	return strength{Valid: true, Message: messageOK}
}

type loginStatusRequest struct {
	Token string `json:"token"`
}

// loginStatus says whether a token is good, and whose it is. A bad one is no error.
type loginStatus struct {
	Code      int        `json:"code"`
	Message   string     `json:"message"`
	Status    bool       `json:"status"`
	ExpiresAt *int64     `json:"exp"`
	IssuedAt  *int64     `json:"iat"`
	Data      *tokenData `json:"data"`
}

// signInEnded is the number of a token that is no good any more.
const signInEnded = 2206

func (p *Protocol) loginStatus(ctx context.Context, c pool.Client, in loginStatusRequest) (any, error) {
	if in.Token == "" {
		in.Token = web.Bearer(ctx)
	}
	who, err := p.sessions.VerifyAny(ctx, in.Token)
	if err == nil && who.PoolID != c.Pool.ID {
		err = errs.New(errs.SessionInvalid)
	}
	if errs.CodeOf(err) == errs.SessionInvalid {
		return loginStatus{Code: signInEnded, Message: refusal(caller.From(ctx).Lang, nil, errs.From(err)).Message}, nil
	}
	if err != nil {
		return nil, err
	}
	u, err := p.account.Me(ctx, who)
	if err != nil {
		return nil, err
	}
	o, iat, exp := p.userJSON(u, ""), who.IssuedAt.Unix(), who.ExpiresAt.Unix()
	return loginStatus{
		Code: codeOK, Message: messageOK, Status: true, IssuedAt: &iat, ExpiresAt: &exp,
		Data: &tokenData{
			ID: o.ID, UserPoolID: o.UserPoolID, ARN: o.ARN, Email: o.Email, Phone: o.Phone, Username: o.Username,
		},
	}, nil
}

// personRequest names a person by one of their identifiers.
type personRequest struct {
	Email      string `json:"email"`
	Phone      text   `json:"phone"`
	Username   string `json:"username"`
	ExternalID string `json:"externalId"`
	Identity   struct {
		Provider string `json:"provider"`
		Subject  string `json:"userIdInIdp"`
	} `json:"identity"`
}

func (r personRequest) ref() admin.Ref {
	return admin.Ref{
		ExternalID: r.ExternalID, Email: r.Email, Phone: string(r.Phone), Username: r.Username,
		Provider: r.Identity.Provider, Subject: r.Identity.Subject,
	}
}

// isUserExists asks for a manager without the limits on strangers.
func (p *Protocol) isUserExists(ctx context.Context, c pool.Client, in personRequest) (any, error) {
	if m, err := p.manager(ctx); err == nil {
		return p.admin.Exists(ctx, m, in.ref())
	}
	for _, name := range []string{in.Username, in.Email, string(in.Phone)} {
		if name != "" {
			return p.exists(ctx, c, name)
		}
	}
	if in.ExternalID != "" { // the key of a customer's own records
		return nil, errs.New(errs.PermissionDenied)
	}
	return nil, missing("username")
}
