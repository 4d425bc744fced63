package secret_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/secret"
)

func TestIDsAndTokensHaveTheirShapeAndNeverRepeat(t *testing.T) {
	id, token := regexp.MustCompile(`^[a-z2-7]{26}$`), regexp.MustCompile(`^vt_[A-Za-z0-9_-]{43}$`)
	seen := map[string]bool{}
	for range 1000 {
		for shape, s := range map[*regexp.Regexp]string{id: secret.ID(), token: secret.Token("vt")} {
			if !shape.MatchString(s) || seen[s] {
				t.Fatalf("%q has another shape than %v or came before", s, shape)
			}
			seen[s] = true
		}
	}
}

// VC-01: each digit is equally likely in each place (chi-square, 9 degrees of
// freedom; 50 is passed once in a hundred million runs).
func TestDigitsAreUniform(t *testing.T) {
	const codes, places = 100_000, 6
	var count [places][10]int
	for range codes {
		code := secret.Digits(places)
		if len(code) != places {
			t.Fatalf("code %q", code)
		}
		for i, c := range code {
			count[i][c-'0']++
		}
	}
	for place := range count {
		chi := 0.0
		for _, n := range count[place] {
			d := float64(n) - codes/10
			chi += d * d / (codes / 10)
		}
		if chi > 50 {
			t.Errorf("place %d: chi-square %.1f, counts %v", place, chi, count[place])
		}
	}
}

func TestRedactedHidesItself(t *testing.T) {
	type holder struct{ Key secret.Redacted }
	h := holder{"hunter2"}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", h.Key, "holder", h)
	encoded, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, shown := range []string{log.String(), string(encoded), fmt.Sprintf("%v %+v %#v %s %q", h, h, h, h.Key, h.Key)} {
		if strings.Contains(shown, "hunter2") {
			t.Errorf("shown in %s", shown)
		}
	}
}
