package console

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/api"
)

// called is what a person is called on a page.
func called(p *page, u api.User) string {
	for _, name := range []string{u.Name, u.Username, u.Phone, u.Email} {
		if name != "" {
			return name
		}
	}
	if u.Kind == "anonymous" {
		return p.say("user_anonymous") + " " + u.ID[:6]
	}
	return u.ID
}

// parts says what a merge moves or drops.
func parts(p *page, names []string) []string {
	all := make([]string, len(names))
	for i, name := range names {
		kind, of, _ := strings.Cut(name, ":")
		all[i] = strings.TrimSpace(p.said("user_part_", kind) + " " + of)
	}
	return all
}

// brief is the part of a browser's name that tells people apart.
func brief(userAgent string) string {
	const most = 40
	for _, name := range []string{"MicroMessenger", "Edg", "Firefox", "Chrome", "Safari", "okhttp", "node", "Go-http-client"} {
		if strings.Contains(userAgent, name) {
			return name
		}
	}
	if r := []rune(userAgent); len(r) > most {
		return string(r[:most])
	}
	return userAgent
}

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// asText is a value of a custom field as people read it.
func asText(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(raw)
}
