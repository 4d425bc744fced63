package console

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/api"
)

// fact is one line of a list of names and values.
type fact struct{ name, value string }

// recordFields are the parts of a record that it has, named as people read them.
func recordFields(p *page, r api.AuditRecord) (all []fact) {
	for _, f := range []fact{
		{p.say("audit_client"), r.Client},
		{p.say("audit_session"), r.Session},
		{p.say("audit_ip"), r.IP},
		{p.say("audit_device"), r.Device},
		{p.say("audit_agent"), r.UserAgent},
		{p.say("audit_request"), r.RequestID},
	} {
		if f.value != "" {
			all = append(all, f)
		}
	}
	return all
}

// details are what a record says beyond that. The story of an attempt has a page of its own.
func details(r api.AuditRecord) (all []fact) {
	for _, name := range slices.Sorted(maps.Keys(r.Detail)) {
		if name != "steps" {
			all = append(all, fact{name, r.Detail[name]})
		}
	}
	return all
}

// brief is what a record was about in a word or two.
func (p *page) brief(r api.AuditRecord) string {
	var parts []string
	if m := r.Detail["method"]; m != "" {
		parts = append(parts, p.said("method_", m))
	}
	for _, name := range []string{"to", "provider", "name", "setting", "settings", "reason"} {
		if v := r.Detail[name]; v != "" {
			parts = append(parts, v)
		}
	}
	return strings.Join(parts, " · ")
}

// around is what a record was about, from where, and by whom if not by the person.
func (p *page) around(r api.AuditRecord) string {
	parts := []string{p.brief(r), r.IP}
	if r.Actor != r.User && r.Actor != "" {
		parts = append(parts, p.actor(r))
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " · ")
}

// actor is who did something in words.
func (p *page) actor(r api.AuditRecord) string {
	kind, rest, found := strings.Cut(r.Actor, ":")
	if !found {
		return p.said("actor_", r.Actor)
	}
	if kind == "stranger" {
		return p.say("actor_stranger")
	}
	return strings.TrimSpace(p.said("actor_", kind) + " " + cmp.Or(r.ActorName, shortened(rest)))
}

// isAttempt reports whether an action has a story worth telling.
func isAttempt(action string) bool {
	return slices.Contains([]string{"user.sign_in", "user.sign_up", "code.send", "code.verify", "password.reset"}, action)
}

// shortened is the beginning of an id, which is enough to tell people on one page apart.
func shortened(id string) string {
	const enough = 8
	if len(id) <= enough+1 {
		return id
	}
	return id[:enough] + "…"
}

func contains(all []string, v string) bool { return slices.Contains(all, v) }

// proofCommand checks the chain with copies of checkpoints that are kept elsewhere.
func (p *page) proofCommand() string {
	pool := p.pool.ID
	if pool == "" {
		pool = "@installation"
	}
	return "tigertally audit verify --pool " + pool + " --checkpoints FILE"
}
