package signin

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/user"
)

// synced gives the person of p, if there is one already, what the provider shows of them.
// What it leaves out stays.
func (s *Service) synced(p proof, v Voucher) proof {
	shown := v.shown()
	if p.newcomer != nil || p.step != nil || (shown.Name == nil && shown.Picture == nil) {
		return p
	}
	after := p.after
	p.after = func(ctx context.Context, u user.User) error {
		if after != nil {
			if err := after(ctx, u); err != nil {
				return err
			}
		}
		_, err := s.Users.UpdateProfile(ctx, u.PoolID, u.ID, shown)
		return err
	}
	return p
}

// shown is the name and picture in v, as far as they fit into a profile of ours.
func (v Voucher) shown() user.Profile {
	var shown user.Profile
	if name := shownName(v.Name); name != "" {
		if p, err := CheckProfile(user.Profile{Name: &name}); err == nil {
			shown.Name = p.Name
		}
	}
	if strings.HasPrefix(v.Picture, "https://") || strings.HasPrefix(v.Picture, "http://") {
		if p, err := CheckProfile(user.Profile{Picture: &v.Picture}); err == nil {
			shown.Picture = p.Picture
		}
	}
	return shown
}

// shownName fits a name from elsewhere into ours.
func shownName(name string) string {
	const longest = 64
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == utf8.RuneError || unprintable(r) {
			return -1
		}
		return r
	}, name))
	if runes := []rune(name); len(runes) > longest {
		name = string(runes[:longest])
	}
	return name
}
