package manage

import (
	"cmp"
	"context"
	"slices"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// What can be done with attempts to sign in.
const (
	AttemptList    Op = "attempt.list"
	AttemptExplain Op = "attempt.explain"
)

// attemptOperations are what can be done with attempts to sign in.
func attemptOperations() []Operation {
	return []Operation{
		{AttemptList, operator.AuditRead, "Look for attempts to sign in of a person, a number, an address or an application"},
		{AttemptExplain, operator.AuditRead, "Tell one attempt to sign in step by step"},
	}
}

// The short results of an attempt.
const (
	groupOK      = "ok"
	groupStep    = "step" // not refused: something else comes first
	groupRefused = "refused"
)

// Attempts looks for what people did to get in, newest first. An identifier finds its
// owner's and those of whoever typed it when it belonged to nobody. BadRequest for an
// identifier that nobody can have.
func (s *Service) Attempts(ctx context.Context, p operator.Principal, in api.AttemptQuery) (list api.List[api.Attempt], err error) {
	if _, err := s.may(ctx, p, AttemptList, in.Pool); err != nil {
		return list, err
	}
	q, err := s.attemptQuery(ctx, in)
	if err != nil {
		return list, err
	}
	var place string
	if _, err := openCursor(s.d.Ring, string(AttemptList), in.Pool, in.Cursor, &place); err != nil {
		return list, err
	}
	found, next, err := s.d.Audit.Attempts(ctx, in.Pool, q, pageSize(in.Page), place)
	if err != nil {
		return list, err
	}
	list.Items = make([]api.Attempt, len(found))
	for i, r := range found {
		list.Items[i] = attemptView(r)
	}
	if next != "" {
		list.NextCursor, err = sealCursor(s.d.Ring, string(AttemptList), in.Pool, next)
	}
	return list, err
}

func (s *Service) attemptQuery(ctx context.Context, in api.AttemptQuery) (q audit.AttemptQuery, err error) {
	q = audit.AttemptQuery{UserID: in.User, ClientID: in.Client, IP: in.IP, Result: in.Result}
	if q.Since, q.Until, err = between(in.Since, in.Until); err != nil {
		return q, err
	}
	var owner user.User
	switch {
	case in.Identifier != "":
		kind, canonical, err := contact.Classify(in.Identifier)
		if err != nil || in.User != "" {
			return q, errs.New(errs.BadRequest, "field", "identifier")
		}
		q.Typed = []string{signin.Typed(in.Identifier)}
		owner, err = s.d.Users.ByIdentifier(ctx, in.Pool, kind, canonical)
		if err != nil && errs.CodeOf(err) != errs.UserNotFound {
			return q, err
		}
		q.UserID = owner.ID
		return q, nil
	case in.User != "":
		owner, err = s.d.Users.ByID(ctx, in.Pool, in.User)
		if err != nil && errs.CodeOf(err) != errs.UserNotFound && errs.CodeOf(err) != errs.UserDeleted {
			return q, err
		}
		for _, name := range []string{owner.Phone, owner.Email, owner.Username} {
			if name != "" {
				q.Typed = append(q.Typed, signin.Typed(name))
			}
		}
	}
	return q, nil
}

// attemptView is an attempt as its record tells it in short.
func attemptView(r audit.Record) api.Attempt {
	e := r.Event
	a := api.Attempt{
		RequestID: r.RequestID, At: r.At.UTC(), Action: e.Action, Method: cmp.Or(e.Detail["method"], e.Detail["channel"]),
		Result: e.Result, Outcome: group(e.Result), Identifier: e.Detail["to"], User: e.UserID, Client: e.ClientID, IP: r.IP,
	}
	for _, step := range r.Steps() {
		if step.Name == audit.StepIdentifier && a.Identifier == "" {
			_, a.Identifier = kindAndRest(step.Is)
		}
	}
	return a
}

// group is a result in short. Steps are no refusals and so have no code.
func group(result string) string {
	switch {
	case result == audit.OK:
		return groupOK
	case slices.Contains(errs.Codes(), errs.Code(result)):
		return groupRefused
	}
	return groupStep
}

// ExplainAttempt tells everything that was decided in one attempt. RecordNotFound when no
// record has the id.
func (s *Service) ExplainAttempt(ctx context.Context, p operator.Principal, in api.AttemptRef) (api.AttemptStory, error) {
	if _, err := s.may(ctx, p, AttemptExplain, in.Pool); err != nil {
		return api.AttemptStory{}, err
	}
	records, err := s.d.Audit.Attempt(ctx, in.Pool, in.RequestID)
	if err != nil {
		return api.AttemptStory{}, err
	}
	if len(records) == 0 {
		return api.AttemptStory{}, errs.New(errs.RecordNotFound)
	}
	main := records[len(records)-1]
	for _, r := range records {
		if slices.Contains(audit.AttemptActions(), r.Event.Action) {
			main = r
		}
	}
	story := api.AttemptStory{Attempt: attemptView(main), Device: main.DeviceID, UserAgent: main.UserAgent, Session: main.Event.SessionID}
	var told []audit.Step
	for _, r := range records {
		steps := r.Steps()
		fresh := steps
		if len(steps) >= len(told) && slices.Equal(steps[:len(told)], told) {
			fresh, told = steps[len(told):], steps // a later record tells the beginning again
		}
		for _, step := range fresh {
			story.Steps = append(story.Steps, stepView(r, step))
		}
		story.Steps = append(story.Steps, ending(r)...)
		story.User, story.Identifier = cmp.Or(story.User, r.Event.UserID), cmp.Or(story.Identifier, attemptView(r).Identifier)
	}
	return story, nil
}
