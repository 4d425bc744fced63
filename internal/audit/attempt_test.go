package audit_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/secret"
)

// What a stranger typed can be looked for, and stands nowhere.
func TestStrangersAreFoundByAMarkOfWhatTheyTyped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := audit.New(d, func() time.Time { return noon })
		ring, err := secret.LoadKeyring(filepath.Join(t.TempDir(), "key"), true)
		if err != nil {
			t.Fatal(err)
		}
		s.Ring = ring
		ctx := audit.About(t.Context(), "+8613800138000")
		for _, e := range []audit.Event{
			{PoolID: "p1", Action: audit.SignIn, Result: "user_not_found"},
			{PoolID: "p2", Action: audit.SignIn, Result: "user_not_found"},
			{PoolID: "p1", Action: audit.SignIn, UserID: someone},
			{PoolID: "p1", Action: audit.AppCreate, Actor: "cli"},
		} {
			if err := s.Record(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		marks := map[string]string{}
		for _, pool := range []string{"p1", "p2"} {
			found, _, err := s.Attempts(t.Context(), pool, audit.AttemptQuery{Typed: []string{"+8613800138000"}}, 10, "")
			if err != nil || len(found) != 1 || found[0].Event.UserID != "" {
				t.Fatalf("%s: %+v, %v", pool, found, err)
			}
			marks[pool] = found[0].Event.Actor
			if strings.Contains(marks[pool], "13800138000") || !strings.HasPrefix(marks[pool], "stranger:") {
				t.Errorf("mark = %q", marks[pool])
			}
		}
		if marks["p1"] == marks["p2"] {
			t.Error("the same mark in two pools tells that they have the same visitor")
		}
		both, _, err := s.Attempts(t.Context(), "p1", audit.AttemptQuery{UserID: someone, Typed: []string{"+8613800138000"}}, 10, "")
		if err != nil || len(both) != 2 {
			t.Errorf("of the person and the stranger: %+v, %v", both, err)
		}
		s.Ring = nil
		if none, _, err := s.Attempts(t.Context(), "p1", audit.AttemptQuery{Typed: []string{"+8613800138000"}}, 10, ""); err != nil || len(none) != 0 {
			t.Errorf("without the key: %+v, %v", none, err)
		}
	})
}
