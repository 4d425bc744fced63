package sms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/driver"
)

// anyCountry is the route of countries that have none of their own.
const anyCountry = "*"

// Options configure a Router.
type Options struct {
	// Names are the drivers, in the order in which they are asked, separated by commas.
	Names string
	// Settings are theirs. With more than one driver a name has its driver's in front of
	// it, such as tencent.secret_id.
	Settings map[string]string
	// Routes name the drivers of a country by its dialling code, such as "+86", in
	// order; "*" is the rest. A country without a route asks all.
	Routes map[string]string
	// Callback is where a driver's vendor may report to, "" for nowhere.
	Callback func(driver string) string
	Logger   *slog.Logger
	Now      func() time.Time
}

// Router asks one driver after another, by country.
type Router struct {
	drivers map[string]Driver
	order   []string
	routes  map[string][]string
	log     *slog.Logger
}

// Open makes the drivers and checks the routes.
func Open(o Options) (*Router, error) {
	r := &Router{drivers: map[string]Driver{}, routes: map[string][]string{}, log: o.Logger, order: list(o.Names)}
	if len(r.order) == 0 {
		return nil, errors.New("no sms driver is named")
	}
	left := len(o.Settings)
	for _, name := range r.order {
		if r.drivers[name] != nil {
			return nil, fmt.Errorf("sms driver %s is named twice", name)
		}
		set := settingsOf(name, len(r.order) == 1, o.Settings)
		left -= len(set)
		if o.Callback != nil && name == twilioName && set["callback"] == "" {
			set["callback"] = o.Callback(name)
		}
		d, err := New(name, set, o.Now)
		if err != nil {
			return nil, err
		}
		r.drivers[name] = d
	}
	if left != 0 {
		return nil, errors.New("sms: an option has no driver's name in front of it")
	}
	return r, r.readRoutes(o.Routes)
}

func (r *Router) readRoutes(routes map[string]string) error {
	for country, names := range routes {
		if country != anyCountry && !strings.HasPrefix(country, "+") {
			return fmt.Errorf("sms route %q is neither a dialling code such as +86 nor *", country)
		}
		for _, name := range list(names) {
			if r.drivers[name] == nil {
				return fmt.Errorf("sms route %s: %q is not one of the drivers", country, name)
			}
			r.routes[country] = append(r.routes[country], name)
		}
	}
	return nil
}

// settingsOf picks a driver's own settings: a new map, which the caller may add to.
func settingsOf(name string, alone bool, all map[string]string) map[string]string {
	set := map[string]string{}
	for key, value := range all {
		if own, ok := strings.CutPrefix(key, name+"."); ok {
			set[own] = value
		} else if alone {
			set[key] = value
		}
	}
	return set
}

func list(names string) []string {
	return strings.FieldsFunc(names, func(c rune) bool { return c == ',' || c == ' ' })
}

// Send asks the drivers of the number's country, the next one only when the last
// certainly did not send. Neither a number that is no good nor a person who gets too many
// messages is somebody else's to try.
func (r *Router) Send(ctx context.Context, m Message) (driver.Receipt, error) {
	var failed *driver.Failure
	for _, name := range r.route(m.To) {
		receipt, err := r.drivers[name].Send(ctx, m)
		if err == nil {
			return receipt, nil
		}
		failed = driver.FailureOf(err)
		if failed.Maybe || failed.Class == driver.BadAddress || failed.Class == driver.RateLimited || ctx.Err() != nil {
			break
		}
		r.log.WarnContext(ctx, "sms driver failed", slog.String("driver", name), slog.Any("err", failed))
	}
	if failed == nil {
		failed = &driver.Failure{Vendor: "sms", Class: driver.NoRoute}
	}
	return driver.Receipt{}, failed
}

func (r *Router) route(e164 string) []string {
	country, _ := contact.SplitPhone(e164)
	for _, c := range []string{country, anyCountry} {
		if names, ok := r.routes[c]; ok {
			return names
		}
	}
	return r.order
}

// Reporters are the drivers whose vendors report deliveries, by name.
func (r *Router) Reporters() map[string]Reporter {
	all := map[string]Reporter{}
	for _, name := range slices.Sorted(slices.Values(r.order)) {
		if reporter, ok := r.drivers[name].(Reporter); ok {
			all[name] = reporter
		}
	}
	return all
}
