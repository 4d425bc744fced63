package authing

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

func (p *Protocol) customRoutes() []route {
	return []route{
		post("/api/v2/udvs/get", bearer(p, nil, p.getCustom)),
		post("/api/v2/udfs/values", bearer(p, nil, p.setCustom)),
	}
}

type customTarget struct {
	TargetType string `json:"targetType"`
	TargetID   text   `json:"targetId"`
}

// getCustom answers a bare list. Mobile clients ask for it after every sign-in and report
// its failure as the sign-in's.
func (p *Protocol) getCustom(ctx context.Context, who session.Principal, in customTarget) (any, error) {
	if in.TargetType != "" && in.TargetType != "USER" || in.TargetID != "" && string(in.TargetID) != who.UserID {
		return nil, errs.New(errs.PermissionDenied)
	}
	u, err := p.account.Me(ctx, who)
	if err != nil {
		return nil, err
	}
	values, err := p.customOf(ctx, u)
	return bare{values}, err
}

// customOf lists the fields of the pool somebody has a value in.
func (p *Protocol) customOf(ctx context.Context, u user.User) ([]customValue, error) {
	fields, err := p.fields.List(ctx, u.PoolID)
	if err != nil {
		return nil, err
	}
	values := make([]customValue, 0, len(fields))
	for _, f := range fields {
		if v, ok := u.Custom[f.Key]; ok {
			values = append(values, customValue{Key: f.Key, Value: v, DataType: f.DataType, Label: f.Label})
		}
	}
	return values, nil
}

type customRequest struct {
	Values []struct {
		Key   string `json:"definition"`
		Value any    `json:"value"`
	} `json:"udfs"`
}

func (p *Protocol) setCustom(ctx context.Context, who session.Principal, in customRequest) (any, error) {
	values := make(map[string]any, len(in.Values))
	for _, v := range in.Values {
		values[v.Key] = v.Value
	}
	_, err := p.account.SetCustom(ctx, who, values, false)
	return nil, err
}
