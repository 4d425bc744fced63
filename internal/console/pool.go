package console

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/manage"
)

// poolRoutes are the pages about user pools and their settings.
func (c *Console) poolRoutes() []route {
	return []route{
		{method: http.MethodGet, path: "/pools", ops: []manage.Op{manage.PoolList}, handle: showPools},
		{method: http.MethodPost, path: "/pools", ops: []manage.Op{manage.PoolCreate}, handle: createPool},
		{method: http.MethodGet, path: "/pools/{pool}/settings", ops: []manage.Op{manage.PoolSettings, manage.FieldList}, handle: showSettings},
		{method: http.MethodPost, path: "/pools/{pool}/settings", ops: []manage.Op{manage.PoolSetSettings, manage.PoolUpdate}, handle: changeSettings},
		{method: http.MethodPost, path: "/pools/{pool}/fields", ops: []manage.Op{manage.FieldPut, manage.FieldRemove}, handle: changeField},
	}
}

func showPools(ctx context.Context, p *page) error {
	return p.show(ctx, "pools", poolsPage(p))
}

func createPool(ctx context.Context, p *page) error {
	f := p.r.PostForm
	made, err := p.c.Manage.CreatePool(ctx, p.who, api.NewPool{ID: f.Get("id"), Name: f.Get("name"), Origins: list(f.Get("origins"))})
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "pools", poolsPage(p))
	}
	p.pool = made
	return p.done(p.link(), "pool_made")
}

// settingKind is how a setting is entered.
type settingKind int

const (
	settingText settingKind = iota
	settingNumber
	settingSpan // seconds, entered in a unit that fits
	settingSwitch
	settingList
	settingChoice
)

// setting is one entry of the settings form; its words are set_<name> and set_<name>_hint.
type setting struct {
	name    string
	kind    settingKind
	choices []string
}

// settingGroup is a part of the form with a heading.
type settingGroup struct {
	name     string
	settings []setting
}

// settingGroups lists the rules of a pool as people look for them. One that is not here is
// shown by its name, so that no setting is out of reach.
func settingGroups() []settingGroup {
	return []settingGroup{
		{"who", []setting{
			{name: "product_name"},
			{name: "default_lang", kind: settingChoice, choices: []string{"zh-CN", "en"}},
			{name: "anonymous", kind: settingSwitch},
			{name: "open_clients", kind: settingSwitch},
			{name: "cased_usernames", kind: settingSwitch},
		}},
		{"password", []setting{{name: "password_min", kind: settingNumber}, {name: "password_common", kind: settingSwitch}}},
		{"code", []setting{
			{name: "code_digits", kind: settingNumber},
			{name: "code_life", kind: settingSpan},
			{name: "max_code_tries", kind: settingNumber},
			{name: "captcha", kind: settingChoice, choices: []string{"off", "auto", "always"}},
		}},
		{"sending", []setting{
			{name: "limits", kind: settingSwitch},
			{name: "send_gap", kind: settingSpan},
			{name: "countries", kind: settingList},
			{name: "day_budget", kind: settingNumber},
			{name: "country_budget", kind: settingNumber},
		}},
		{"session", []setting{
			{name: "access_life", kind: settingSpan},
			{name: "refresh_idle", kind: settingSpan},
			{name: "refresh_life", kind: settingSpan},
			{name: "refresh_grace", kind: settingSpan},
			{name: "login_life", kind: settingSpan},
		}},
		{"step", []setting{
			{name: "verification_life", kind: settingSpan}, {name: "sudo_life", kind: settingSpan}, {name: "captcha_life", kind: settingSpan},
		}},
	}
}

func showSettings(ctx context.Context, p *page) error {
	now, err := p.c.Manage.PoolSettings(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.settingsPage(ctx, now, api.ETag(now))
}

func (p *page) settingsPage(ctx context.Context, now api.PoolSettings, tag string) error {
	fields, err := p.c.Manage.Fields(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_settings", settingsPage(p, allSettings(now.Settings), now.Settings, tag, fields.Items))
}

// allSettings is settingGroups with what they leave out.
func allSettings(values map[string]json.RawMessage) []settingGroup {
	groups := settingGroups()
	known := map[string]bool{}
	for _, g := range groups {
		for _, s := range g.settings {
			known[s.name] = true
		}
	}
	rest := settingGroup{name: "more"}
	for _, name := range sortedKeys(anyOf(values)) {
		if !known[name] {
			rest.settings = append(rest.settings, setting{name: name, kind: kindOf(values[name])})
		}
	}
	if rest.settings == nil {
		return groups
	}
	return append(groups, rest)
}

func anyOf(values map[string]json.RawMessage) map[string]any {
	all := make(map[string]any, len(values))
	for name, v := range values {
		all[name] = v
	}
	return all
}

// kindOf guesses how a value is entered from what it is.
func kindOf(raw json.RawMessage) settingKind {
	switch text := string(raw); {
	case text == "true" || text == "false":
		return settingSwitch
	case strings.HasPrefix(text, "["):
		return settingList
	case strings.HasPrefix(text, `"`):
		return settingText
	}
	return settingNumber
}

func changeSettings(ctx context.Context, p *page) error {
	f := p.r.PostForm
	before, err := p.c.Manage.PoolSettings(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	in := api.PoolSettingsChange{PoolRef: p.poolRef(), Guarded: api.Guarded{IfMatch: f.Get("etag")}, Settings: map[string]json.RawMessage{}}
	shown := api.PoolSettings{Settings: map[string]json.RawMessage{}}
	for _, g := range allSettings(before.Settings) {
		for _, s := range g.settings {
			v, ok := s.entered(p)
			shown.Settings[s.name] = v
			if ok && string(v) != string(before.Settings[s.name]) {
				in.Settings[s.name] = v
			}
		}
	}
	if _, err = p.c.Manage.SetPoolSettings(ctx, p.who, in); err == nil && f.Get("pool_name") != p.pool.Name {
		name := f.Get("pool_name")
		_, err = p.c.Manage.UpdatePool(ctx, p.who, api.PoolChange{PoolRef: p.poolRef(), Name: &name})
	}
	if err == nil {
		return p.done(p.link("settings"), "saved")
	}
	if err := p.refuse(err); err != nil {
		return err
	}
	return p.settingsPage(ctx, shown, f.Get("etag"))
}

// entered is the value of a setting in the form that was sent, as JSON.
func (s setting) entered(p *page) (json.RawMessage, bool) {
	text := strings.TrimSpace(p.r.PostFormValue(s.name))
	var v any = text
	switch s.kind {
	case settingSwitch:
		v = ticked(p.r.PostForm, s.name)
	case settingList:
		v = list(text)
	case settingNumber, settingSpan:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil {
			break // what was typed is refused by the rules of the setting
		}
		if v = n; s.kind == settingSpan {
			unit, _ := strconv.ParseFloat(p.r.PostFormValue(s.name+"_unit"), 64) // no unit is seconds
			v = n * max(unit, 1)
		}
	case settingText, settingChoice:
	}
	raw, err := json.Marshal(v)
	return raw, err == nil
}

// span splits seconds into a number and the largest unit in which it is whole.
func span(raw json.RawMessage) (n string, unit int) {
	seconds, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return strings.Trim(string(raw), `"`), 1
	}
	for _, unit := range []int{86400, 3600, 60} {
		if seconds != 0 && int(seconds)%unit == 0 {
			return strconv.Itoa(int(seconds) / unit), unit
		}
	}
	return strconv.FormatFloat(seconds, 'f', -1, 64), 1
}

// plain is a JSON value as it is typed.
func plain(raw json.RawMessage) string {
	var text string
	var many []string
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return text
	case json.Unmarshal(raw, &many) == nil:
		return lines(many)
	}
	return string(raw)
}

func changeField(ctx context.Context, p *page) error {
	f := p.r.PostForm
	ref := api.CustomFieldRef{PoolRef: p.poolRef(), Key: f.Get("key")}
	var err error
	if f.Get("do") == "remove" {
		_, err = p.c.Manage.RemoveField(ctx, p.who, ref)
	} else {
		in := api.CustomFieldPut{CustomFieldRef: ref, DataType: f.Get("data_type"), Label: f.Get("label")}
		if options := list(f.Get("options")); len(options) > 0 {
			in.Options, err = json.Marshal(options)
		}
		if err == nil {
			_, err = p.c.Manage.PutField(ctx, p.who, in)
		}
	}
	if err == nil {
		return p.done(p.link("settings")+"#fields", "saved")
	}
	if err := p.refuse(err); err != nil {
		return err
	}
	return showSettings(ctx, p)
}
