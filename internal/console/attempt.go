package console

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
)

// showAttempts looks for attempts, those that failed unless somebody asks for others.
func showAttempts(ctx context.Context, p *page) error {
	q := func(name string) string { return strings.TrimSpace(p.r.FormValue(name)) }
	in := api.AttemptQuery{
		PoolRef: p.poolRef(), Page: p.asked(), Identifier: q("identifier"), User: q("user"), Client: q("client"), IP: q("ip"),
		Result: cmp.Or(q("result"), "refused"), Since: q("since"), Until: q("until"),
	}
	if in.Result == "all" {
		in.Result = ""
	}
	list, err := p.c.Manage.Attempts(ctx, p.who, in)
	if err := p.refuse(err); err != nil {
		return err
	}
	return p.show(ctx, "menu_attempts", attemptsPage(p, in, list))
}

func explainAttempt(ctx context.Context, p *page) error {
	story, err := p.c.Manage.ExplainAttempt(ctx, p.who, api.AttemptRef{PoolRef: p.poolRef(), RequestID: p.r.PathValue("request")})
	if err != nil {
		return err
	}
	return p.show(ctx, "attempt", attemptPage(p, story))
}

// told is one decision in plain words.
type told struct {
	text, more string
	tone       string // good, bad or "" for what led on
}

// tell puts a decision into words. Those of a step and its result win over those of the
// step alone; what has none is shown as it was written down.
func (p *page) tell(s api.AttemptStep) told {
	params := p.stepParams(s)
	name := "told_" + strings.ReplaceAll(s.Step, ".", "_")
	v := told{tone: stepTone(s)}
	refused := known(s.Result)
	keys := []string{name + "_" + s.Result}
	for _, of := range []string{"method", "rule"} {
		if v := s.Params[of]; v != "" {
			keys = append([]string{name + "_" + s.Result + "_" + v}, keys...)
		}
	}
	if refused {
		keys = append(keys, name+"_refused")
	}
	for _, key := range append(keys, name) {
		if words, ok := p.c.words[p.lang].Lookup(key, params); ok {
			v.text = words
			break
		}
	}
	if v.text == "" {
		v.text = p.did(s.Step) + ": " + p.came(s.Result, s.Params)
	}
	if refused && strings.Contains(s.Step, ".") { // what the person heard
		v.more = p.say("told_heard", "text", params["result"])
	}
	if reason := s.Params["reason"]; reason != "" {
		v.more = strings.TrimSpace(v.more + " " + p.say("told_reason", "reason", strings.TrimSpace(s.Params["vendor"]+" "+reason)))
	}
	return v
}

// stepParams are the parameters of a decision in the reader's words.
func (p *page) stepParams(s api.AttemptStep) map[string]string {
	params := map[string]string{
		"result": p.came(s.Result, s.Params), "rule": p.said("limits_rule_", s.Params["rule"]),
		"kind": p.said("told_kind_", s.Params["kind"]), "how": p.said("method_", s.Params["method"]), "where": p.said("told_point_", s.Params["point"]),
		"wait": p.wait(s.Params["seconds"]), "life": p.wait(s.Params["access_seconds"]),
	}
	for k, v := range s.Params {
		if _, ok := params[k]; !ok {
			params[k] = v
		}
	}
	return params
}

// wait is a number of seconds in words, rounded up to whole minutes or hours.
func (p *page) wait(seconds string) string {
	n, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil || n <= 0 {
		return p.say("told_a_while")
	}
	for _, unit := range []int64{60, 3600} {
		if n > 2*unit {
			n = (n + unit - 1) / unit * unit
		}
	}
	return p.span(n)
}

// stepTone is good for what worked, bad for what ended the attempt.
func stepTone(s api.AttemptStep) string {
	switch {
	case s.Result == "full" || s.Result == "denied" || s.Result == "broken" || known(s.Result):
		return "bad"
	case s.Result == "ok" || s.Result == "opened" || s.Result == "accepted":
		return "good"
	}
	return ""
}

// remedy is something support can do about an attempt.
type remedy struct{ text, path string }

// remedies lists what can be done about an attempt: what its result calls for, and the
// places where one finds out more.
func (p *page) remedies(s api.AttemptStory) (all []remedy) {
	add := func(op manage.Op, key, path string) {
		if p.may(op) {
			all = append(all, remedy{p.say(key), path})
		}
	}
	switch errs.Code(s.Result) { //nolint:exhaustive // the rest are about nothing that can be changed here.
	case errs.PasswordAttempts, errs.TooManyRequests, errs.SendTooOften, errs.CodeAttempts:
		if s.User != "" {
			add(manage.LimitCheck, "remedy_limits_person", p.limitsOf(s.User, "person"))
		}
		if s.IP != "" {
			add(manage.LimitCheck, "remedy_limits_address", p.limitsOf(s.IP, "address"))
		}
		if s.User == "" && s.IP == "" {
			add(manage.LimitCheck, "remedy_limits", p.link("limits"))
		}
	case errs.UserNotFound:
		add(manage.UserList, "remedy_find", p.link("users"))
		add(manage.UserCreate, "remedy_create", p.link("users", "new"))
	case errs.ProviderRefused, errs.ProviderUnknown:
		add(manage.ProviderList, "remedy_provider", p.link("providers"))
	case errs.PipelineDenied, errs.PipelineFailed:
		add(manage.PipelineList, "remedy_function", p.link("pipelines"))
	case errs.SendFailed, errs.SendMisconfigured, errs.PhoneCountry:
		add(manage.PoolSettings, "remedy_message", p.link("settings"))
	case errs.MethodDisabled:
		add(manage.PoolSettings, "remedy_settings", p.link("settings"))
	}
	if s.User != "" {
		add(manage.UserGet, "remedy_person", p.link("users", s.User))
		add(manage.AttemptList, "remedy_person_attempts", p.link("attempts")+"?"+url.Values{"user": {s.User}, "result": {"all"}}.Encode())
	}
	if s.IP != "" {
		add(manage.AttemptList, "remedy_address_attempts", p.link("attempts")+"?"+url.Values{"ip": {s.IP}, "result": {"all"}}.Encode())
	}
	return all
}

// advice is what support can tell the person, "" for nothing in particular.
func (p *page) advice(s api.AttemptStory) string {
	words, _ := p.c.words[p.lang].Lookup("advice_"+s.Result, nil)
	return words
}
