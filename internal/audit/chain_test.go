package audit_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/secret"
)

// trail is a pool's records with their notary, under a clock the test moves.
type trail struct {
	*audit.Service
	*audit.Notary
	t    *testing.T
	db   *db.DB
	now  time.Time
	copy bytes.Buffer
}

func newTrail(t *testing.T, d *db.DB) *trail {
	t.Helper()
	w := &trail{t: t, db: d, now: noon}
	w.Service = audit.New(d, func() time.Time { return w.now })
	w.Notary = notary(t, w.Service, 1, &w.copy)
	return w
}

func notary(t *testing.T, s *audit.Service, master byte, out *bytes.Buffer) *audit.Notary {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{master}, 32))
	if err != nil {
		t.Fatal(err)
	}
	n, err := audit.NewNotary(s, ring, func(line []byte) error {
		_, err := out.Write(line)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (w *trail) fill(pool string, n int) {
	w.t.Helper()
	for i := range n {
		w.now = w.now.Add(time.Second)
		err := w.Record(w.t.Context(), audit.Event{
			PoolID: pool, Action: audit.SignIn, UserID: "u" + strconv.Itoa(i%3), Detail: map[string]string{"n": strconv.Itoa(i)},
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *trail) verify(copies ...audit.Checkpoint) audit.Report {
	w.t.Helper()
	r, err := w.Verify(w.t.Context(), "p1", copies)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

func (w *trail) checkpoint() {
	w.t.Helper()
	if _, err := w.CheckpointNow(w.t.Context(), "p1"); err != nil {
		w.t.Fatal(err)
	}
}

func (w *trail) copies() []audit.Checkpoint {
	w.t.Helper()
	all, err := audit.ReadCheckpoints(bytes.NewReader(w.copy.Bytes()))
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// exec runs statements as somebody with the database's password would; force takes the
// triggers away
// first.
func (w *trail) exec(statements ...string) {
	w.t.Helper()
	if err := w.try(statements...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *trail) try(statements ...string) error {
	return w.db.InTx(w.t.Context(), func(ctx context.Context) error {
		for _, s := range statements {
			if _, err := w.db.Exec(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

func (w *trail) force(statements ...string) {
	w.t.Helper()
	w.exec(append(w.unlock(), statements...)...)
}

// unlock takes the triggers away.
func (w *trail) unlock() []string {
	if strings.Contains(w.t.Name()+"/", "/postgres/") {
		return []string{`DROP TRIGGER IF EXISTS audit_keep ON audit`}
	}
	return []string{`DROP TRIGGER IF EXISTS audit_keep_update`, `DROP TRIGGER IF EXISTS audit_keep_delete`}
}

func TestAU02EveryTamperingIsFound(t *testing.T) {
	const fresh = `INSERT INTO audit (id, pool_id, at, action, result, user_id, actor, client_id, session_id, device_id, ip,
		user_agent, request_id, detail, lane, seq, hash) SELECT 'forged', pool_id, at, action, result, user_id, actor, client_id,
		session_id, device_id, ip, user_agent, request_id, detail, `
	tests := []struct {
		name       string
		statements []string
		want       audit.Finding
	}{
		{"a field is changed", []string{`UPDATE audit SET result = 'password_wrong' WHERE seq = 17`}, audit.Finding{Kind: audit.FindingChanged, Seq: 17}},
		{"the time is changed", []string{`UPDATE audit SET at = at + 1 WHERE seq = 3`}, audit.Finding{Kind: audit.FindingChanged, Seq: 3}},
		{"a field moves into the next", []string{`UPDATE audit SET action = action || 'u', user_id = '0' WHERE seq = 4`}, audit.Finding{Kind: audit.FindingChanged, Seq: 4}},
		{"detail is changed", []string{`UPDATE audit SET detail = '{}' WHERE seq = 9`}, audit.Finding{Kind: audit.FindingChanged, Seq: 9}},
		{"the first is deleted", []string{`DELETE FROM audit WHERE seq = 1`}, audit.Finding{Kind: audit.FindingMissing, Seq: 1}},
		{"one is deleted", []string{`DELETE FROM audit WHERE seq = 20`}, audit.Finding{Kind: audit.FindingMissing, Seq: 20}},
		{
			"one is deleted and the gap closed",
			[]string{`DELETE FROM audit WHERE seq = 20`, `UPDATE audit SET seq = -seq WHERE seq > 20`, `UPDATE audit SET seq = -seq - 1 WHERE seq < 0`},
			audit.Finding{Kind: audit.FindingChanged, Seq: 20},
		},
		{
			"two change places",
			[]string{`UPDATE audit SET seq = 99 WHERE seq = 5`, `UPDATE audit SET seq = 5 WHERE seq = 6`, `UPDATE audit SET seq = 6 WHERE seq = 99`},
			audit.Finding{Kind: audit.FindingChanged, Seq: 5},
		},
		{"the end is cut off", []string{`DELETE FROM audit WHERE seq > 25`}, audit.Finding{Kind: audit.FindingTruncated, Seq: 26}},
		{
			"the end is cut off with its checkpoints",
			[]string{`DELETE FROM audit WHERE seq > 25`, `DELETE FROM audit_checkpoints`},
			audit.Finding{Kind: audit.FindingTruncated, Seq: 26},
		},
		{"everything is deleted", []string{`DELETE FROM audit`, `DELETE FROM audit_checkpoints`}, audit.Finding{Kind: audit.FindingTruncated, Seq: 1}},
		{"one is inserted without a place", []string{fresh + `CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), hash FROM audit WHERE seq = 5`}, audit.Finding{Kind: audit.FindingOutside}},
		{
			"one is inserted in the middle",
			[]string{`UPDATE audit SET seq = -seq WHERE seq > 5`, fresh + `lane, 6, hash FROM audit WHERE seq = 5`, `UPDATE audit SET seq = -seq + 1 WHERE seq < 0`},
			audit.Finding{Kind: audit.FindingChanged, Seq: 6},
		},
		{"one is appended as a copy", []string{fresh + `lane, 31, hash FROM audit WHERE seq = 30`}, audit.Finding{Kind: audit.FindingChanged, Seq: 31}},
		{"one moves to another pool", []string{`UPDATE audit SET pool_id = 'p2' WHERE seq = 30`}, audit.Finding{Kind: audit.FindingTruncated, Seq: 30}},
		{"a checkpoint is changed", []string{`UPDATE audit_checkpoints SET total = total - 1`}, audit.Finding{Kind: audit.FindingForged, Seq: 29}},
		{"a checkpoint is garbage", []string{`UPDATE audit_checkpoints SET lanes = '{'`}, audit.Finding{Kind: audit.FindingForged, Seq: 30}},
		{
			"a beginning is forged",
			[]string{
				`DELETE FROM audit WHERE seq <= 10`,
				`INSERT INTO audit_bases (pool_id, lane, seq, hash, signature) SELECT 'p1', 0, 10, hash, hash FROM audit WHERE seq = 11`,
			},
			audit.Finding{Kind: audit.FindingMissing, Seq: 1},
		},
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newTrail(t, d)
		w.fill("p1", 30)
		w.checkpoint()
		if r := w.verify(w.copies()...); r.Bad != nil || r.Records != 30 || r.Checkpoints != 2 {
			t.Fatalf("untouched: %+v %+v", r, r.Bad)
		}
		undo := errors.New("undo")
		for _, test := range tests {
			err := d.InTx(t.Context(), func(ctx context.Context) error {
				for _, s := range slices.Concat(w.unlock(), test.statements) {
					if _, err := d.Exec(ctx, s); err != nil {
						return err
					}
				}
				r, err := w.Verify(ctx, "p1", w.copies())
				switch {
				case err != nil:
					return err
				case r.Bad == nil:
					t.Errorf("%s: not found", test.name)
					return undo
				}
				r.Bad.RecordID = ""
				if diff := cmp.Diff(test.want, *r.Bad); diff != "" {
					t.Errorf("%s: %s", test.name, diff)
				}
				return undo
			})
			if !errors.Is(err, undo) {
				t.Errorf("%s: %v", test.name, err)
			}
		}
	})
}

// Somebody who computes the whole chain anew is found by what was copied out.
func TestAU02AChainWrittenAnewIsFound(t *testing.T) {
	w := newTrail(t, dbtest.Open(t, dbtest.SQLite))
	w.fill("p1", 10)
	w.checkpoint()
	w.force(`UPDATE audit SET user_id = 'somebody else' WHERE seq = 4`,
		`UPDATE audit SET lane = NULL, seq = NULL, hash = NULL`, `DELETE FROM audit_checkpoints`)
	if err := w.Adopt(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := w.verify(); r.Bad != nil {
		t.Fatalf("the new chain is whole: %+v", r.Bad)
	}
	if r := w.verify(w.copies()...); r.Bad == nil || r.Bad.Kind != audit.FindingRewritten || r.Bad.Seq != 10 {
		t.Errorf("got %+v", r.Bad)
	}
	// A copy of another installation proves nothing here.
	var other bytes.Buffer
	if _, err := notary(t, w.Service, 2, &other).CheckpointNow(t.Context(), "p1"); err != nil {
		t.Fatal(err)
	}
	w.exec(`DELETE FROM audit_checkpoints`)
	copies, err := audit.ReadCheckpoints(&other)
	if err != nil {
		t.Fatal(err)
	}
	if r := w.verify(copies...); r.Bad == nil || r.Bad.Kind != audit.FindingForged {
		t.Errorf("got %+v", r.Bad)
	}
}

func TestAU03RecordsAreNeitherChangedNorDeletedEarly(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newTrail(t, d)
		w.fill("p1", 3)
		for _, s := range []string{`UPDATE audit SET result = 'ok'`, `DELETE FROM audit`, `UPDATE audit SET lane = 3 WHERE seq = 3`} {
			if err := w.try(s); err == nil {
				t.Errorf("%s succeeded", s)
			}
		}
		if r := w.verify(); r.Bad != nil || r.Records != 3 {
			t.Errorf("%+v", r)
		}
	})
}

func TestAU03OldRecordsLeaveASealedPlace(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newTrail(t, d)
		w.fill("p1", 40)
		w.fill("p2", 5)
		w.checkpoint()
		w.now = w.now.Add(100 * 24 * time.Hour)
		w.fill("p1", 10)
		w.checkpoint()
		w.now = w.now.Add(90 * 24 * time.Hour)
		if err := w.Expire(t.Context(), time.Hour); err != nil { // 180 days are the floor
			t.Fatal(err)
		}
		r := w.verify(w.copies()...)
		if r.Bad != nil || r.Records != 11 { // the ten, and what says that forty are gone
			t.Fatalf("%+v, %+v", r, r.Bad)
		}
		if other, err := w.Verify(t.Context(), "p2", nil); err != nil || other.Bad != nil || other.Records != 2 {
			t.Errorf("the newest of an old lane stays, with the seal: %+v, %v", other, err)
		}
		if err := w.try(`DELETE FROM audit WHERE pool_id = 'p2'`); err == nil {
			t.Error("the door stayed open")
		}
		w.force(`DELETE FROM audit WHERE pool_id = 'p1' AND seq <= 45`)
		if r := w.verify(w.copies()...); r.Bad == nil || r.Bad.Kind != audit.FindingMissing || r.Bad.Seq != 41 {
			t.Errorf("%+v", r.Bad)
		}
	})
}

func TestCheckpointsAreMadeWhenDue(t *testing.T) {
	w := newTrail(t, dbtest.Open(t, dbtest.SQLite))
	step := func(want int) {
		t.Helper()
		if err := w.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := len(w.copies()); got != want {
			t.Fatalf("%d checkpoints, want %d", got, want)
		}
	}
	step(0)
	w.fill("p1", 1)
	step(1) // the first at once
	w.fill("p1", 1)
	step(1)
	w.now = w.now.Add(10 * time.Minute)
	step(2)
	w.now = w.now.Add(time.Hour)
	step(2) // nothing new
	before := w.now
	err := w.db.InTx(t.Context(), func(ctx context.Context) error {
		var all error
		for range 1000 {
			all = errors.Join(all, w.Record(ctx, audit.Event{PoolID: "p1", Action: audit.SignIn}))
		}
		return all
	})
	if err != nil || w.now != before {
		t.Fatal(err)
	}
	step(3)
	if r := w.verify(w.copies()...); r.Bad != nil || r.Checkpoints != 6 {
		t.Errorf("%+v %+v", r, r.Bad)
	}
}

// Many transactions of one pool at once: nobody waits for a lock that is not free, no two
// records have one place, and none is lost.
func TestTheChainIsWrittenSideBySide(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newTrail(t, d)
		undo := errors.New("undo")
		var group sync.WaitGroup
		for i := range 40 {
			group.Go(func() {
				for range 5 {
					err := d.InTx(t.Context(), func(ctx context.Context) error {
						for range 2 {
							if err := w.Record(ctx, audit.Event{PoolID: "p1", Action: audit.SignIn}); err != nil {
								return err
							}
						}
						if i%4 == 0 {
							return undo
						}
						return nil
					})
					if err != nil && !errors.Is(err, undo) {
						t.Error(err)
					}
				}
			})
		}
		group.Wait()
		if r := w.verify(); r.Bad != nil || r.Records != 300 {
			t.Errorf("%+v %+v", r, r.Bad)
		}
	})
}

func TestRecordsFromBeforeTheChainAreTakenIn(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := newTrail(t, d)
		w.fill("p1", 20)
		w.force(`UPDATE audit SET lane = NULL, seq = NULL, hash = NULL`)
		if err := w.Adopt(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.fill("p1", 1)
		if r := w.verify(); r.Bad != nil || r.Records != 21 {
			t.Errorf("%+v %+v", r, r.Bad)
		}
	})
}
