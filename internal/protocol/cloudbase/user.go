package cloudbase

import (
	"context"
	"net/http"
	"strings"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
)

func (p *Protocol) userRoutes() []route {
	return []route{
		get("/auth/v1/user/me", bearer(p, p.me)),
		get("/auth/v2/user/me", bearer(p, p.me)),
		get("/auth/v1/plugin/weda/userinfo", bearer(p, p.me)),
		once(http.MethodDelete, "/auth/v1/user/me", bearer(p, p.deleteMe)),
		once(http.MethodPatch, "/auth/v1/user/profile", bearer(p, p.updateProfile)),
		get("/auth/v1/user/query", bearer(p, p.query)),
		get("/auth/v1/user/security/history", bearer(p, p.history)),
		get("/auth/v1/checkIfUserExist", public(p, p.exists)),
		get("/auth/v1/checkUsername", public(p, p.exists)),
	}
}

// me is the profile of whoever asks.
func (p *Protocol) me(ctx context.Context, who session.Principal, _ done) (profile, error) {
	u, err := p.account.Me(ctx, who)
	if err != nil {
		return profile{}, err
	}
	return profileOf(u), nil
}

type deleteRequest struct {
	SudoToken string `query:"sudo_token"`
}

// deleteMe removes the account and answers who it was.
func (p *Protocol) deleteMe(ctx context.Context, who session.Principal, in deleteRequest) (profile, error) {
	u, err := p.account.DeleteMe(ctx, who, in.SudoToken)
	if err != nil {
		return profile{}, err
	}
	return profileOf(u), nil
}

// updateProfile answers the whole profile: the client replaces its own by it.
func (p *Protocol) updateProfile(ctx context.Context, who session.Principal, in profileFields) (profile, error) {
	u, err := p.account.UpdateProfile(ctx, who, in.profile())
	if err != nil {
		return profile{}, err
	}
	return profileOf(u), nil
}

type queryRequest struct {
	ID           string `query:"id"`
	Username     string `query:"username"`
	Email        string `query:"email"`
	PhoneNumber  string `query:"phone_number"`
	CaptchaToken string `query:"captcha_token"`
}

type queryAnswer struct {
	Total int             `json:"total"`
	Data  []simpleProfile `json:"data"`
}

// query looks other users up. The ids come in one parameter, joined by commas.
func (p *Protocol) query(ctx context.Context, who session.Principal, in queryRequest) (queryAnswer, error) {
	q := account.Question{
		Username: in.Username, Email: in.Email, Phone: in.PhoneNumber, CaptchaToken: in.CaptchaToken,
	}
	if in.ID != "" {
		q.IDs = strings.Split(in.ID, ",")
	}
	found, err := p.account.Query(ctx, who, q)
	if err != nil {
		return queryAnswer{}, err
	}
	out := queryAnswer{Total: len(found), Data: []simpleProfile{}}
	for _, f := range found {
		out.Data = append(out.Data, simpleProfileOf(f))
	}
	return out, nil
}

type existsRequest struct {
	app
	Username string `query:"username"`
}

type existsAnswer struct {
	Exist bool `json:"exist"`
}

// exists says whether a name is taken.
func (p *Protocol) exists(ctx context.Context, c pool.Client, in existsRequest) (existsAnswer, error) {
	taken, err := p.account.Exists(ctx, c, in.Username, in.captcha())
	return existsAnswer{Exist: taken}, err
}

type historyRequest struct {
	Only      map[string]string `query:"query,brackets"`
	Except    map[string]string `query:"ne_query,brackets"`
	Limit     string            `query:"limit"`
	PageToken string            `query:"page_token"`
}

// actionSignIn is the one action of the history with a word of the vendor's.
const actionSignIn = "USER_LOGIN"

type historyAnswer struct {
	Data      []historyRecord `json:"data"`
	PageToken string          `json:"page_token,omitempty"`
}

type historyRecord struct {
	ID        string      `json:"id"`
	Action    string      `json:"action"`
	Result    string      `json:"result"`
	IP        string      `json:"ip"`
	UserAgent string      `json:"user_agent"`
	ClientID  string      `json:"client_id"`
	DeviceID  string      `json:"device_id"`
	CreatedAt string      `json:"created_at"`
	Meta      historyMeta `json:"meta"`
}

type historyMeta struct {
	From string `json:"from"`
}

// history is a page of what happened to the account.
func (p *Protocol) history(ctx context.Context, who session.Principal, in historyRequest) (historyAnswer, error) {
	ask := account.HistoryInput{Limit: number(in.Limit), PageToken: in.PageToken}
	for _, side := range []struct {
		given map[string]string
		chose *bool
	}{{in.Only, &ask.SignIns}, {in.Except, &ask.Others}} {
		action, ok := side.given["action"]
		if ok && action != actionSignIn {
			return historyAnswer{}, errs.New(errs.BadRequest, "field", "action")
		}
		*side.chose = ok
	}
	records, next, err := p.account.History(ctx, who, ask)
	if err != nil {
		return historyAnswer{}, err
	}
	out := historyAnswer{Data: []historyRecord{}, PageToken: next}
	for _, r := range records {
		out.Data = append(out.Data, historyRecordOf(r))
	}
	return out, nil
}

func historyRecordOf(r audit.Record) historyRecord {
	action := r.Event.Action
	if action == audit.SignIn {
		action = actionSignIn
	}
	return historyRecord{
		ID: r.ID, Action: action, Result: r.Event.Result, IP: r.IP, UserAgent: r.UserAgent,
		ClientID: r.Event.ClientID, DeviceID: r.DeviceID, CreatedAt: stamp(r.At),
		Meta: historyMeta{From: r.Event.Detail["method"]},
	}
}
