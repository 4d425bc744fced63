package emulator_test

import (
	"testing"

	"github.com/tigertally/tigertally/internal/emulator"
	"github.com/tigertally/tigertally/internal/errs"
)

func TestOneTapVouchesForWhatTheTokenSays(t *testing.T) {
	for _, tt := range []struct{ name, token, access, want string }{
		{"the good token", "good-token", "accessToken", "+8613800000001"},
		{"the good token with a number", "good-token", "13911112222", "+8613911112222"},
		{"the good token with a whole number", "good-token", "+8613911112222", "+8613911112222"},
		{"a number in the token", "phone:+8613800000000", "x", "+8613800000000"},
		{"no number in the token", "phone:", "13911112222", ""},
		{"a landline in the token", "phone:+862012345678", "", ""},
		{"another token", "bad-token", "13911112222", ""},
		{"nothing", "", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := emulator.OneTap{}.Phone(t.Context(), "dev", tt.token, tt.access)
			if got != tt.want || (err == nil) != (tt.want != "") || (err != nil && errs.CodeOf(err) != errs.OneTapRefused) {
				t.Errorf("%q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
