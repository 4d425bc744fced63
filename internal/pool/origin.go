package pool

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/errs"
)

// Origins returns the web origins of all applications. Every request of a signed-in
// page asks, so they are put together once for each change.
func (s *Service) Origins(ctx context.Context) ([]string, error) {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return nil, err
	}
	return snap.origins, nil
}

// SetOrigins replaces the web origins of an application, each written as browsers send
// it: https://app.example.com, without a path.
func (s *Service) SetOrigins(ctx context.Context, appID string, origins []string) error {
	list := make([]string, 0, len(origins))
	for _, raw := range origins {
		o, ok := canonicalOrigin(raw)
		if !ok {
			return fmt.Errorf("%q is not an origin such as https://app.example.com: %w", raw, errs.New(errs.BadRequest, "field", "origin"))
		}
		list = append(list, o)
	}
	return s.UpdateApp(ctx, appID, func(a *AppSettings) { a.Origins = list })
}

// canonicalOrigin writes an origin as a browser does: lower case, no default port.
func canonicalOrigin(raw string) (string, bool) {
	u, err := url.Parse(strings.ToLower(raw))
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") ||
		strings.Trim(u.Path, "/")+u.RawQuery+u.Fragment != "" || strings.ContainsAny(u.Host, "*;, ") {
		return "", false
	}
	host := u.Host
	if u.Port() == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return u.Scheme + "://" + host, true
}

func originsOf(apps map[string]App) []string {
	known := make(map[string]struct{})
	for _, a := range apps {
		for _, o := range a.Settings.Origins {
			known[o] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(known))
}
