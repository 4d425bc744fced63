package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/upsim"
)

// The reasons for which a setting is none of a server in earnest, with what to do about it.
var (
	errThisMachine = errors.New("names this machine, where the simulator of development answers; " +
		"name the vendor's own address, or list this one in outbound_allow if a service of yours runs here")
	errSimulated = errors.New("is a credential of the simulator, which everybody knows; enter the vendor's own")
	errTestKeys  = errors.New("lets the vendor's published test keys pass; take it away")
)

// earnest tells the settings of real vendors from those of development.
type earnest struct {
	allow       []netip.Prefix
	credentials map[string]bool
}

func newEarnest(conf config.Config) (earnest, error) {
	allow, err := driver.ParseRanges(strings.Join(conf.OutboundAllow, ","))
	if err != nil {
		return earnest{}, fmt.Errorf("outbound_allow: %w", err)
	}
	credentials, err := upsim.Credentials()
	return earnest{allow, credentials}, err
}

// checkUpstreams reports every setting of a driver that is none of a server in earnest:
// addresses of this machine, unless outbound_allow has them, credentials of the simulator,
// and captchas that let test keys pass.
func checkUpstreams(conf config.Config) error {
	e, err := newEarnest(conf)
	if err != nil {
		return err
	}
	var problems []error
	for _, d := range []struct {
		name    string
		options map[string]string
	}{
		{"sms.options", conf.SMS.Options},
		{"mail.options", conf.Mail.Options},
		{"onetap.options", conf.OneTap.Options},
		{"captcha.options", conf.Captcha.Options},
	} {
		problems = append(problems, e.check(d.name, d.options))
	}
	return errors.Join(problems...)
}

// check reports the settings of where that are of development. It shows no value.
func (e earnest) check(where string, settings map[string]string) error {
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		value := settings[name]
		switch {
		case e.here(name, value):
			problems = append(problems, fmt.Errorf("%s: %s %w", where, name, errThisMachine))
		case e.credentials[value]:
			problems = append(problems, fmt.Errorf("%s: %s %w", where, name, errSimulated))
		case name == "testing" && value == "true":
			problems = append(problems, fmt.Errorf("%s: %s %w", where, name, errTestKeys))
		}
	}
	return errors.Join(problems...)
}

// here reports whether a setting leads to this machine without leave.
func (e earnest) here(name, value string) bool {
	host := value
	if name != "host" {
		u, err := url.Parse(value)
		if err != nil || u.Host == "" {
			return false
		}
		host = u.Hostname()
	}
	if !driver.Loopback(host) {
		return false
	}
	a, err := netip.ParseAddr(host)
	if err != nil { // localhost
		a = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	return !slices.ContainsFunc(e.allow, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// earnestly refuses settings of an identity provider that are of development, in every
// pool but the one of tigertally dev.
func (s *Store) earnestly(poolID string, settings map[string]string) error {
	if poolID == DevPool {
		return nil
	}
	if err := s.earnest.check("settings", federation.DriverSettings(settings)); err != nil {
		return errs.New(errs.ProviderMisconfigured).Because(err)
	}
	return nil
}

// checkProviders reports every enabled identity provider whose settings are of
// development, whoever has put them there.
func (s *Store) checkProviders(ctx context.Context) error {
	pools, err := s.Pools.List(ctx)
	if err != nil {
		return err
	}
	var problems []error
	for _, p := range pools {
		list, err := s.Connections.List(ctx, p.ID)
		if err != nil {
			return err
		}
		for _, c := range list {
			if !c.Enabled {
				continue
			}
			set, err := s.Connections.Settings(c)
			if err != nil {
				return err
			}
			problems = append(problems, s.earnest.check("pool "+p.ID+", provider "+c.ID, set))
		}
	}
	return errors.Join(problems...)
}
