package console

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/manage"
)

// messageRoutes are the pages about messages: drivers, templates, deliveries and test numbers.
func (c *Console) messageRoutes() []route {
	const base = "/pools/{pool}/messages"
	return slices.Concat([]route{
		{method: http.MethodGet, path: base, ops: []manage.Op{manage.MessageDriverList, manage.MessageKinds}, handle: showDrivers},
		{method: http.MethodPost, path: base, ops: []manage.Op{
			manage.MessageDriverEnable, manage.MessageDriverDisable, manage.MessageDriverMove, manage.MessageDriverRemove, manage.MessageDriverPut,
		}, handle: changeDriver},
		{method: http.MethodGet, path: base + "/new", ops: []manage.Op{manage.MessageKinds}, handle: newDriver},
		{method: http.MethodPost, path: base + "/drivers", ops: []manage.Op{manage.MessageDriverPut}, handle: putDriver},
		{method: http.MethodGet, path: base + "/drivers/{id}", ops: []manage.Op{manage.MessageDriverGet, manage.MessageKinds}, handle: showDriver},
		{method: http.MethodPost, path: base + "/drivers/{id}/test", ops: []manage.Op{manage.MessageDriverTest}, handle: testDriver},
	}, c.templateRoutes(base), c.deliveryRoutes(base))
}

// messageTabs are the pages about messages.
func (p *page) messageTabs() []tab {
	return []tab{
		{p.link("messages"), p.say("message_drivers")},
		{p.link("messages", "templates"), p.say("message_templates")},
		{p.link("messages", "deliveries"), p.say("message_deliveries")},
		{p.link("messages", "numbers"), p.say("message_numbers")},
	}
}

func showDrivers(ctx context.Context, p *page) error {
	all, err := p.c.Manage.MessageDrivers(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	kinds, err := p.c.Manage.MessageKinds(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_messages", driversPage(p, all, kinds.Items))
}

// messageKind finds a kind by its channel and name.
func (p *page) messageKind(ctx context.Context, channel, name string) (api.MessageKind, error) {
	kinds, err := p.c.Manage.MessageKinds(ctx, p.who, p.poolRef())
	if err != nil {
		return api.MessageKind{}, err
	}
	i := slices.IndexFunc(kinds.Items, func(k api.MessageKind) bool { return k.Channel == channel && k.Name == name })
	if i < 0 {
		return api.MessageKind{}, errs.New(errs.MessageDriverNotFound)
	}
	return kinds.Items[i], nil
}

func (p *page) driverRef(id string) api.MessageDriverRef {
	return api.MessageDriverRef{PoolRef: p.poolRef(), ID: id}
}

// changeDriver does what the buttons of the list do.
func changeDriver(ctx context.Context, p *page) error {
	m, f := p.c.Manage, p.r.PostForm
	ref := p.driverRef(f.Get("id"))
	var err error
	switch f.Get("do") {
	case "enable":
		_, err = m.EnableMessageDriver(ctx, p.who, ref)
	case "disable":
		_, err = m.DisableMessageDriver(ctx, p.who, ref)
	case "move":
		position, _ := strconv.Atoi(f.Get("position")) // no number is the first
		_, err = m.MoveMessageDriver(ctx, p.who, api.MessageDriverMove{MessageDriverRef: ref, Position: position})
	case "remove":
		_, err = m.RemoveMessageDriver(ctx, p.who, ref)
	case "simulate":
		return simulateDriver(ctx, p, f.Get("channel"), f.Get("kind"))
	default:
		err = errs.New(errs.BadRequest, "field", "do")
	}
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return showDrivers(ctx, p)
	}
	return p.done(p.link("messages"), "saved")
}

// simulateDriver makes the simulator of a development server a vendor of the pool.
func simulateDriver(ctx context.Context, p *page, channel, name string) error {
	kind, err := p.messageKind(ctx, channel, name)
	if err != nil {
		return err
	}
	label := p.say("message_simulated_name", "kind", p.said("message_kind_", name))
	_, err = p.c.Manage.PutMessageDriver(ctx, p.who, api.MessageDriverPut{
		MessageDriverRef: p.driverRef(name), Channel: channel, Kind: name, Name: &label, Settings: kind.Simulated,
	})
	if err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return showDrivers(ctx, p)
	}
	return p.done(p.link("messages", "drivers", name), "message_simulated_done")
}

func newDriver(ctx context.Context, p *page) error {
	q := p.r.URL.Query()
	kind, err := p.messageKind(ctx, q.Get("channel"), q.Get("kind"))
	if err != nil {
		return err
	}
	all, err := p.c.Manage.MessageDrivers(ctx, p.who, p.poolRef())
	if err != nil {
		return err
	}
	d := api.MessageDriver{ID: freeID(kind.Name, all.Items), Channel: kind.Channel, Kind: kind.Name, Enabled: true, Settings: map[string]string{}}
	return p.show(ctx, "message_new", driverPage(p, driverForm{MessageDriver: d, kind: kind, fresh: true}, trial{}))
}

// freeID is a name that no driver has yet.
func freeID(kind string, all []api.MessageDriver) string {
	id := kind
	for n := 2; slices.ContainsFunc(all, func(d api.MessageDriver) bool { return d.ID == id }); n++ {
		id = kind + "-" + strconv.Itoa(n)
	}
	return id
}

// driverForm is what the form of a driver shows.
type driverForm struct {
	api.MessageDriver

	kind  api.MessageKind
	tag   string
	fresh bool // it is not made yet
}

// trial is what the form for a test message shows.
type trial struct {
	to, template, lang string
	result             *api.TestResult
}

func showDriver(ctx context.Context, p *page) error { return p.driverPage(ctx, trial{}) }

func (p *page) driverPage(ctx context.Context, t trial) error {
	d, err := p.c.Manage.MessageDriver(ctx, p.who, p.driverRef(p.r.PathValue("id")))
	if err != nil {
		return err
	}
	kind, err := p.messageKind(ctx, d.Channel, d.Kind)
	if err != nil {
		return err
	}
	return p.show(ctx, "menu_messages", driverPage(p, driverForm{MessageDriver: d, kind: kind, tag: api.ETag(d)}, t))
}

func putDriver(ctx context.Context, p *page) error {
	f := p.r.PostForm
	kind, err := p.messageKind(ctx, f.Get("channel"), f.Get("kind"))
	if err != nil {
		return err
	}
	name, on, countries := strings.TrimSpace(f.Get("name")), ticked(f, "enabled"), strings.Fields(strings.ReplaceAll(f.Get("countries"), ",", " "))
	in := api.MessageDriverPut{
		MessageDriverRef: p.driverRef(strings.TrimSpace(f.Get("id"))), Guarded: api.Guarded{IfMatch: f.Get("etag")},
		Channel: kind.Channel, Kind: kind.Name, Name: &name, Countries: &countries, Enabled: &on, Settings: map[string]string{},
	}
	form := driverForm{kind: kind, tag: f.Get("etag"), fresh: f.Get("etag") == "", MessageDriver: api.MessageDriver{
		ID: in.ID, Channel: kind.Channel, Kind: kind.Name, Name: name, Countries: countries, Enabled: on, Settings: map[string]string{},
	}}
	for _, o := range kind.Options {
		v := strings.TrimSpace(strings.ReplaceAll(f.Get("opt_"+o.Name), "\r\n", "\n"))
		if o.Secret && v == "" {
			continue // it stays
		}
		in.Settings[o.Name] = v
		if !o.Secret {
			form.Settings[o.Name] = v
		}
	}
	if form.fresh {
		all, err := p.c.Manage.MessageDrivers(ctx, p.who, p.poolRef())
		if err != nil {
			return err
		}
		if freeID(in.ID, all.Items) != in.ID {
			p.problem = p.say("message_id_taken")
			return p.show(ctx, "message_new", driverPage(p, form, trial{}))
		}
	}
	if _, err := p.c.Manage.PutMessageDriver(ctx, p.who, in); err != nil {
		if err := p.refuse(err); err != nil {
			return err
		}
		return p.show(ctx, "menu_messages", driverPage(p, form, trial{}))
	}
	notice := "saved"
	if form.fresh {
		notice = "message_made"
	}
	return p.done(p.link("messages", "drivers", in.ID), notice)
}

func testDriver(ctx context.Context, p *page) error {
	f := p.r.PostForm
	t := trial{to: strings.TrimSpace(f.Get("to")), template: f.Get("template"), lang: f.Get("lang")}
	result, err := p.c.Manage.TestMessageDriver(ctx, p.who, api.TestMessage{
		MessageDriverRef: p.driverRef(p.r.PathValue("id")), To: t.to, Template: t.template, Lang: t.lang,
	})
	if err == nil {
		t.result = &result
	} else if err := p.refuse(err); err != nil {
		return err
	}
	return p.driverPage(ctx, t)
}
