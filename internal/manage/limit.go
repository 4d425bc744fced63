package manage

import (
	"context"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/user"
)

// What can be done with limits and lockouts.
const (
	LimitList    Op = "limit.list"
	LimitCheck   Op = "limit.check"
	LimitRelease Op = "limit.release"
)

// limitOperations are what can be done with limits and lockouts.
func limitOperations() []Operation {
	return []Operation{
		{LimitList, operator.LimitsRead, "List the limits of a pool"},
		{LimitCheck, operator.LimitsRead, "Show how far the counters of somebody or something stand"},
		{LimitRelease, operator.LimitsRelease, "Forget what was counted, so that nobody has to wait"},
	}
}

// What happens above a limit, and who sets its number.
const (
	thenRefused = "refused"
	thenCaptcha = "captcha"
	setByServer = "server"
	setByPool   = "pool"
)

// Limits lists the rules that hold in a pool.
func (s *Service) Limits(ctx context.Context, p operator.Principal, in api.PoolRef) (list api.List[api.Limit], err error) {
	if _, err := s.may(ctx, p, LimitList, in.Pool); err != nil {
		return list, err
	}
	v, err := s.d.Pools.Get(ctx, in.Pool)
	if err != nil {
		return list, err
	}
	list.Items = poolLimits(v.Settings)
	for _, e := range limit.Table() {
		list.Items = append(list.Items, api.Limit{
			Rule: e.Rule.Name, What: e.What, Of: e.Of, Most: s.d.Limits.Most(e.Rule), Seconds: seconds(e.Rule.Per),
			Then: e.Then, SetBy: setByServer,
		})
	}
	return list, nil
}

// poolLimits are the rules that are settings of the pool.
func poolLimits(set pool.Settings) []api.Limit {
	const target = "number or mail address, in a pool"
	day := seconds(24 * time.Hour)
	return []api.Limit{
		{Rule: "send_gap", What: "messages", Of: target, Most: 1, Seconds: seconds(set.SendGap), Then: thenRefused, SetBy: setByPool},
		{Rule: "max_code_tries", What: "wrong codes", Of: "code", Most: set.MaxCodeTries, Seconds: seconds(set.CodeLife), Then: thenRefused, SetBy: setByPool},
		{Rule: "day_budget", What: "messages", Of: "pool", Most: set.DayBudget, Seconds: day, Then: thenRefused, SetBy: setByPool},
		{Rule: "country_budget", What: "messages", Of: "country, in a pool", Most: set.CountryBudget, Seconds: day, Then: thenRefused, SetBy: setByPool},
	}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// LimitState returns how far every counter of somebody or something stands. Errors:
// BadRequest for a subject that cannot be understood.
func (s *Service) LimitState(ctx context.Context, p operator.Principal, in api.LimitQuery) (out api.LimitState, err error) {
	if _, err := s.may(ctx, p, LimitCheck, in.Pool); err != nil {
		return out, err
	}
	asked, err := s.asked(ctx, p, in)
	if err != nil {
		return out, err
	}
	states, err := s.d.Limits.Standing(ctx, asked.subject)
	if err != nil {
		return out, err
	}
	out = asked.view
	what := map[string]string{}
	for _, e := range limit.Table() {
		what[e.Rule.Name] = e.What
	}
	for _, v := range states {
		c := counterView(v, p.Pools != nil)
		if c.What = what[c.Rule]; c.What == "" {
			c.What = "messages"
		}
		out.Full = out.Full || c.Full
		out.Counters = append(out.Counters, c)
	}
	return out, nil
}

// counterView describes a counter. Who is confined to some pools learns of one that other
// pools share no more than that it is full (MT-01).
func counterView(v limit.State, confined bool) api.LimitCounter {
	c := api.LimitCounter{
		Rule: v.Rule.Name, Of: v.Of, Value: v.Value, Shared: v.Shared, Count: v.Count, Most: v.Rule.Max,
		Seconds: seconds(v.Rule.Per), Then: thenRefused, Full: v.Full, Until: moment(v.Until),
	}
	if v.Captcha {
		c.Then = thenCaptcha
	}
	if v.Shared && confined {
		if c.Count = 0; v.Full {
			c.Count = c.Most
		}
	}
	return c
}

// ReleaseLimits forgets what was counted of somebody or something and returns how its
// counters stand then. Counters that other pools share are only released by who may
// administer all pools. Errors: BadRequest for a subject or a rule that is not known.
func (s *Service) ReleaseLimits(ctx context.Context, p operator.Principal, in api.LimitRelease) (api.LimitState, error) {
	m, err := s.may(ctx, p, LimitRelease, in.Pool)
	if err != nil {
		return api.LimitState{}, err
	}
	query := api.LimitQuery{PoolRef: in.PoolRef, Subject: in.Subject, Kind: in.Kind}
	asked, err := s.asked(ctx, p, query)
	if err != nil {
		return api.LimitState{}, err
	}
	states, err := s.d.Limits.Standing(ctx, asked.subject)
	if err != nil {
		return api.LimitState{}, err
	}
	states = slices.DeleteFunc(states, func(v limit.State) bool {
		return v.Shared && p.Pools != nil || in.Rule != "" && v.Rule.Name != in.Rule
	})
	if len(states) == 0 {
		return api.LimitState{}, errs.New(errs.BadRequest, "field", "rule")
	}
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.d.Limits.Release(ctx, states)
		if err != nil {
			return err
		}
		return s.record(ctx, m, audit.LimitRelease, asked.view.User, map[string]string{
			"kind": asked.view.Kind, "subject": shown(asked.view), "rule": in.Rule, "counters": strconv.FormatInt(n, 10),
		})
	})
	if err != nil {
		return api.LimitState{}, err
	}
	if !s.Allowed(p, LimitCheck, in.Pool) {
		return asked.view, nil
	}
	return s.LimitState(ctx, p, query)
}

// shown is the subject as the record keeps it.
func shown(v api.LimitState) string {
	if v.Kind == limit.OfTarget {
		return contact.Mask(v.Subject)
	}
	return v.Subject
}

// question is a subject as it was understood.
type question struct {
	subject limit.Subject
	view    api.LimitState
}

// asked finds out whom or what a question is about. What is known of a person is only
// used for somebody who may look at people.
func (s *Service) asked(ctx context.Context, p operator.Principal, in api.LimitQuery) (question, error) {
	v, err := s.d.Pools.Get(ctx, in.Pool)
	if err != nil {
		return question{}, err
	}
	set := v.Settings
	q := question{
		subject: limit.Subject{Pool: in.Pool, Gap: set.SendGap, DayBudget: set.DayBudget, CountryBudget: set.CountryBudget},
		view:    api.LimitState{Enforced: set.Limits, Counters: []api.LimitCounter{}},
	}
	text := strings.TrimSpace(in.Subject)
	switch kind := in.Kind; {
	case text == "" && kind == "":
		q.subject.Budget = true
		q.view.Kind, q.view.Subject = limit.OfPool, in.Pool
		return q, nil
	case kind == limit.OfDevice:
		q.subject.Device = text
		q.view.Kind, q.view.Subject = kind, text
		return q, nil
	case kind == limit.OfAddress || kind == "" && isAddress(text):
		return q, q.address(text, s.d.Networks)
	default:
		return q, s.person(ctx, p, in.Pool, kind, text, &q)
	}
}

func isAddress(text string) bool {
	_, err := netip.ParseAddr(text)
	return err == nil
}

// address makes q about a client address.
func (q *question) address(text string, networks caller.Networks) error {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return errs.New(errs.BadRequest, "field", "subject").Because(err)
	}
	from := caller.Info{Addr: addr}
	q.subject.Address, q.subject.Network = from.Prefix(), from.Network()
	q.subject.Group = networks.Group(addr)
	q.view.Kind, q.view.Subject = limit.OfAddress, from.IP()
	return nil
}

// person makes q about a person, a number or mail address, or a name that nobody has.
func (s *Service) person(ctx context.Context, p operator.Principal, poolID, kind, text string, q *question) error {
	form, canonical, err := contact.Classify(text)
	target := err == nil && form != contact.KindUsername
	if kind == limit.OfTarget && !target || text == "" {
		return errs.New(errs.BadRequest, "field", "subject").Because(err)
	}
	q.view.Kind, q.view.Subject = limit.OfName, text
	if target {
		q.subject.Targets = []string{canonical}
		q.view.Kind, q.view.Subject = limit.OfTarget, canonical
	}
	if kind == limit.OfPerson {
		q.subject.Person = text
		q.view.Kind, q.view.Subject = kind, text
	}
	found, failed := s.whose(ctx, p, poolID, kind, text, form, canonical)
	switch {
	case failed != nil:
		return failed
	case found.ID != "":
		q.about(found)
	case kind != limit.OfPerson:
		if canonical == "" || err != nil {
			canonical = text
		}
		q.subject.Name = contact.UsernameKey(canonical, false) // as signin counts it
	}
	return nil
}

// whose finds the person whose id or identifier text is; the zero User for nobody, and
// for who may not look at people.
func (s *Service) whose(ctx context.Context, p operator.Principal, poolID, kind, text string, form contact.Kind, canonical string) (user.User, error) {
	if kind == limit.OfName || !s.Allowed(p, UserGet, poolID) {
		return user.User{}, nil
	}
	u, err := s.d.Users.ByID(ctx, poolID, text)
	if errs.CodeOf(err) == errs.UserNotFound && kind != limit.OfPerson {
		u, err = s.d.Users.ByIdentifier(ctx, poolID, form, canonical)
	}
	if errs.CodeOf(err) == errs.UserNotFound {
		return user.User{}, nil
	}
	return u, err
}

// about adds the counters of a person to those of what was asked for.
func (q *question) about(u user.User) {
	q.subject.Person = u.ID
	for _, target := range []string{u.Phone, u.Email} {
		if target != "" && !slices.Contains(q.subject.Targets, target) {
			q.subject.Targets = append(q.subject.Targets, target)
		}
	}
	if addr, err := netip.ParseAddr(u.LastIP); err == nil {
		q.subject.Address = caller.Info{Addr: addr}.Prefix()
	}
	if q.view.Kind != limit.OfTarget {
		q.view.Kind, q.view.Subject = limit.OfPerson, u.ID
	}
	q.view.User, q.view.Status, q.view.UserName = u.ID, u.Status, u.Username
	for _, name := range []string{u.Phone, u.Email, u.Username, u.Name} {
		if name != "" {
			q.view.UserName = name
		}
	}
}
