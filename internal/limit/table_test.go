package limit_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

func TestNamesOfRulesAreTheirOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, e := range limit.Table() {
		if seen[e.Rule.Name] || e.Rule.Name == "" || e.Rule.Max < 1 || e.Rule.Per < time.Minute {
			t.Errorf("rule %+v", e.Rule)
		}
		seen[e.Rule.Name] = true
	}
}

func TestDocumentationListsEveryLimit(t *testing.T) {
	const path = "../../docs/configuration.md"
	const begin, end = "<!-- limits: written by go test ./internal/limit -update -->\n", "<!-- limits end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the limits", path)
	}
	var b strings.Builder
	b.WriteString("\n| limit | number | in | of what | for each | above it |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, e := range limit.Table() {
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s | %s | %s |\n", e.Rule.Name, e.Rule.Max, e.Rule.Span(), e.What, e.Of, e.Then)
	}
	want := before + begin + b.String() + "\n" + end + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("%s is not current; run the test with -update (-want +got):\n%s", path, diff)
	}
}

func TestAdjustChangesTheNumbersOfRules(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := limit.New(d, ring(t), newClock().now)
		if err := s.Adjust(map[string]int{"number_hour": 2, "send_net": 1}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			err := s.Take(t.Context(), "k", limit.NumberHour())
			if refused := errs.CodeOf(err) == errs.TooManyRequests; refused != (i == 2) {
				t.Errorf("event %d: %v", i, err)
			}
		}
		charge := limit.Charge{Key: "net", Rules: []limit.Rule{limit.SendNetwork()}}
		for _, want := range []bool{false, true} {
			if got, err := s.Warned(t.Context(), charge); err != nil || got != want {
				t.Errorf("warned %v, %v", got, err)
			}
			if err := s.TakeAll(t.Context(), charge); err != nil {
				t.Fatal(err)
			}
		}
		if n := s.Most(limit.NumberHour()); n != 2 {
			t.Errorf("Most is %d", n)
		}
		if n := s.Most(limit.NumberDay()); n != 10 {
			t.Errorf("Most of another is %d", n)
		}
		// What is only counted stays so.
		if n, err := s.Add(t.Context(), "k", limit.NumberHour()); err != nil || n != 3 {
			t.Errorf("Add: %d, %v", n, err)
		}
	})
}

func TestAdjustRefusesWhatIsNoLimit(t *testing.T) {
	err := limit.New(nil, ring(t), time.Now).Adjust(map[string]int{"number_our": 2, "number_day": 0, "send_net": 2_000_000})
	for _, want := range []string{`"number_our"`, "number_day", "send_net"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}
