package signin

import (
	"context"
	"maps"
	"strconv"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/user"
)

// tell begins the story of an attempt, which its record keeps for whoever has to explain
// it: what was looked at, in which order, and what it was found to be.
func tell(ctx context.Context, identifier string) context.Context {
	ctx = audit.Tell(ctx)
	if identifier != "" {
		audit.Note(ctx, audit.StepIdentifier, masked(identifier))
		ctx = audit.About(ctx, Typed(identifier))
	}
	return ctx
}

// Typed is an identifier as records of strangers are found by it, "" for what nobody can
// be called.
func Typed(identifier string) string {
	_, canonical, err := contact.Classify(identifier)
	if err != nil {
		return ""
	}
	return contact.UsernameKey(canonical, false) // one name in any case
}

// masked says what kind of identifier was typed and shows little of it.
func masked(identifier string) string {
	kind, canonical, err := contact.Classify(identifier)
	switch {
	case err != nil:
		return "nobody can be called that"
	case kind != contact.KindUsername:
		return string(kind) + " " + contact.Mask(canonical)
	}
	for _, first := range canonical {
		return string(kind) + " " + string(first) + "***"
	}
	return string(kind)
}

// noteProof tells what a method found out.
func noteProof(ctx context.Context, p proof, err error) {
	if err != nil {
		audit.Note(ctx, audit.StepProof, "refused: "+string(errs.CodeOf(err)))
		return
	}
	audit.Note(ctx, audit.StepProof, "accepted")
	if p.newcomer != nil {
		audit.Note(ctx, audit.StepAccount, "new")
		return
	}
	if p.user.ID == "" {
		return
	}
	state := "active"
	if err := p.user.State(); err != nil {
		state = string(errs.CodeOf(err))
	} else if p.user.MustReset {
		state = "has to change the password"
	}
	audit.Note(ctx, audit.StepAccount, state)
}

// turnedAway writes a refusal at the gate down, unless so many were of this address that
// another would only fill the record (AT-04).
func (s *Service) turnedAway(ctx context.Context, c pool.Client, action string, refusal error, detail map[string]string) {
	key := limit.Key("refusal", c.Pool.ID, caller.From(ctx).Prefix())
	if s.Limits.Take(ctx, key, limit.RefusalNote()) != nil {
		return
	}
	s.record(ctx, c, action, user.User{}, refusal, detail)
}

// ran writes down what functions did after the record of the event itself was made.
func (s *Service) ran(ctx context.Context, r request, p pipeline.Point, out Outcome) {
	if !r.functions.active(ctx, p) {
		return
	}
	err := s.Audit.Record(ctx, audit.Event{
		PoolID: out.User.PoolID, Action: audit.FunctionRun, UserID: out.User.ID, ClientID: r.client.ID,
		SessionID: out.Session.SessionID, Detail: map[string]string{paramPoint: string(p)},
	})
	if err != nil {
		s.Logger.ErrorContext(ctx, "functions not recorded", "pool", out.User.PoolID, "err", err)
	}
}

// granted adds to the detail of a record what tokens were given, not the tokens.
func granted(detail map[string]string, t session.Tokens) map[string]string {
	detail = maps.Clone(detail)
	if detail == nil {
		detail = make(map[string]string, 3)
	}
	detail["scope"], detail["access_seconds"] = t.Scope, strconv.Itoa(int(t.ExpiresIn.Seconds()))
	if t.Refresh != "" {
		detail["refresh"] = "yes"
	}
	return detail
}
