package console

import (
	"context"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
)

// showAccount is what an administrator does with their own account. It is about the session
// that asks, not about an operation that somebody may or may not do: there is no API for it.
func showAccount(ctx context.Context, p *page) error {
	if p.who.Kind != operator.KindOperator {
		return p.show(ctx, "account", noAccountPage(p))
	}
	me, err := p.c.Operators.Get(ctx, p.who, p.who.ID)
	if err != nil {
		return err
	}
	sessions, err := p.c.Operators.Sessions(ctx, p.who, p.who.ID)
	if err != nil {
		return err
	}
	return p.show(ctx, "account", accountPage(p, me, sessions))
}

func changeAccount(ctx context.Context, p *page) error {
	if p.who.Kind != operator.KindOperator {
		return errs.New(errs.PermissionDenied)
	}
	var err error
	notice := "saved"
	switch p.r.PostFormValue("do") {
	case "password":
		err = p.c.Operators.ChangePassword(ctx, p.token, p.r.PostFormValue("old"), p.r.PostFormValue("password"))
		notice = "account_password_done"
	case "recovery":
		codes, err := p.c.Operators.RenewRecovery(ctx, p.token)
		if err != nil {
			return err
		}
		return p.show(ctx, "recovery", newRecoveryPage(p, codes))
	case "end":
		err = p.endOwn(ctx, p.r.PostFormValue("session"))
		notice = "operator_ended"
	case "end_others":
		err = p.endOthers(ctx)
		notice = "account_others_done"
	default:
		err = errs.New(errs.BadRequest, "field", "do")
	}
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return showAccount(ctx, p)
	}
	return p.done(p.global("account"), notice)
}

// endOwn ends one session of one's own.
func (p *page) endOwn(ctx context.Context, id string) error {
	if id == "" { // would be all of them
		return errs.New(errs.BadRequest, "field", "session")
	}
	return p.c.Operators.EndSession(ctx, p.who, p.who.ID, id)
}

// endOthers ends every session of one's own but this one.
func (p *page) endOthers(ctx context.Context) error {
	sessions, err := p.c.Operators.Sessions(ctx, p.who, p.who.ID)
	if err != nil {
		return err
	}
	for _, v := range sessions {
		if v.ID == p.who.SessionID {
			continue
		}
		if err := p.endOwn(ctx, v.ID); err != nil {
			return err
		}
	}
	return nil
}
