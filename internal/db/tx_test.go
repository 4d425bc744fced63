package db_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
)

const (
	insertMeta = "INSERT INTO meta (name, value) VALUES ($1, $2)"
	countMeta  = "SELECT COUNT(*) FROM meta WHERE name = $1"
)

var errWanted = errors.New("wanted")

// put writes one row of meta with whatever transaction ctx has.
func put(ctx context.Context, d *db.DB, name string) error {
	_, err := d.Exec(ctx, insertMeta, name, "v")
	return err
}

// has counts the rows of that name, outside any transaction.
func has(t *testing.T, d *db.DB, name string) int {
	t.Helper()
	var n int
	if err := d.QueryRow(t.Context(), countMeta, name).Scan(&n); err != nil {
		t.Fatalf("count %s: %v", name, err)
	}
	return n
}

func TestTransactionKeepsAllOrNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		two := func(fail error) error {
			return d.InTx(t.Context(), func(ctx context.Context) error {
				if err := put(ctx, d, "one"); err != nil {
					return err
				}
				var n int
				if err := d.QueryRow(ctx, countMeta, "one").Scan(&n); err != nil || n != 1 {
					t.Errorf("own write seen %d times, %v; want once", n, err)
				}
				if err := put(ctx, d, "two"); err != nil {
					return err
				}
				return fail
			})
		}
		if err := two(errWanted); !errors.Is(err, errWanted) {
			t.Fatalf("got %v, want the error of the function", err)
		}
		if has(t, d, "one")+has(t, d, "two") != 0 {
			t.Fatal("a failed transaction left rows behind")
		}
		if err := two(nil); err != nil {
			t.Fatal(err)
		}
		if has(t, d, "one")+has(t, d, "two") != 2 {
			t.Fatal("a committed transaction lost rows")
		}
	})
}

func TestNestedTransactionJoins(t *testing.T) {
	tests := []struct {
		name    string
		inner   func(ctx context.Context, d *db.DB) error
		swallow bool
		want    int // rows of the outer transaction that stay
		failure bool
	}{
		{"both succeed", func(ctx context.Context, d *db.DB) error { return put(ctx, d, "inner") }, false, 1, false},
		{"inner fails", func(context.Context, *db.DB) error { return errWanted }, false, 0, true},
		{"inner fails before writing and is forgiven", func(context.Context, *db.DB) error { return errWanted }, true, 1, false},
		{"inner fails after writing and cannot be forgiven", func(ctx context.Context, d *db.DB) error {
			return errors.Join(put(ctx, d, "inner"), errWanted)
		}, true, 0, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				err := d.InTx(t.Context(), func(ctx context.Context) error {
					if err := put(ctx, d, "outer"); err != nil {
						return err
					}
					err := d.InTx(ctx, func(ctx context.Context) error { return tt.inner(ctx, d) })
					if tt.swallow {
						return nil
					}
					return err
				})
				if errors.Is(err, errWanted) != tt.failure {
					t.Errorf("got error %v, want one: %v", err, tt.failure)
				}
				if got := has(t, d, "outer"); got != tt.want {
					t.Errorf("outer row there %d times, want %d", got, tt.want)
				}
			})
		})
	}
}

// Neighbours in one group fail in every way there is; the others are not touched.
func TestFailureRollsBackOnlyItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		const each = 20
		ways := map[string]func(ctx context.Context, cancel func()) error{
			"good":   func(context.Context, func()) error { return nil },
			"error":  func(context.Context, func()) error { return errWanted },
			"panic":  func(context.Context, func()) error { panic("wanted") },
			"goexit": func(context.Context, func()) error { runtime.Goexit(); return nil },
			"cancel": func(ctx context.Context, cancel func()) error { cancel(); <-ctx.Done(); return nil },
			"clash": func(ctx context.Context, _ func()) error {
				return errors.Join(put(ctx, d, "clash"), put(ctx, d, "clash"))
			},
			"wrong": func(ctx context.Context, _ func()) error {
				_, err := d.Exec(ctx, "INSERT INTO nowhere (a) VALUES ($1)", 1)
				return err
			},
			"nothing": func(context.Context, func()) error { return nil },
		}
		var all sync.WaitGroup
		var good atomic.Int64
		for way, end := range ways {
			for i := range each {
				all.Go(func() {
					defer func() { recover() }() // the panic is ours.
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					err := d.InTx(ctx, func(ctx context.Context) error {
						if way != "nothing" {
							if err := put(ctx, d, fmt.Sprintf("%s-%d", way, i)); err != nil {
								return err
							}
						}
						return end(ctx, cancel)
					})
					switch {
					case way == "good" && err != nil:
						t.Errorf("good transaction: %v", err)
					case way == "good":
						good.Add(1)
					case way != "nothing" && err == nil:
						t.Errorf("%s was committed", way)
					}
				})
			}
		}
		all.Wait()
		got := map[string]int{}
		rows, err := d.Query(t.Context(), "SELECT name FROM meta")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			var name string
			if err := rows.Scan(&name); err != nil {
				t.Fatal(err)
			}
			way, _, _ := strings.Cut(name, "-")
			got[way]++
		}
		if diff := cmp.Diff(map[string]int{"good": each}, got); diff != "" || good.Load() != each {
			t.Errorf("rows that stayed (-want +got):\n%s", diff)
		}
	})
}

func TestFailedStatementCannotBeIgnored(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			if err := put(ctx, d, "row"); err != nil {
				return err
			}
			put(ctx, d, "row") // the mistake under test.
			return nil
		})
		if err == nil || has(t, d, "row") != 0 {
			t.Errorf("committed after a failed statement: %v", err)
		}
	})
}

func TestAfterCommit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var log []string
		note := func(ctx context.Context, what string) {
			db.AfterCommit(ctx, func() { log = append(log, fmt.Sprint(what, " sees ", has(t, d, what))) })
		}
		for _, name := range []string{"kept", "lost"} {
			d.InTx(t.Context(), func(ctx context.Context) error { // one of them fails on purpose.
				note(ctx, name)
				if len(log) > 1 {
					t.Error("ran before the commit")
				}
				if err := put(ctx, d, name); err != nil {
					return err
				}
				if name == "lost" {
					return errWanted
				}
				return nil
			})
		}
		note(t.Context(), "outside")
		if diff := cmp.Diff([]string{"kept sees 1", "outside sees 0"}, log); diff != "" {
			t.Error(diff)
		}
	})
}

// TK-02, R17: of fifty that spend the same thing at once, one succeeds.
func TestGuardedUpdateHasOneWinner(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		if err := put(t.Context(), d, "ticket"); err != nil {
			t.Fatal(err)
		}
		var won, lost atomic.Int64
		var all sync.WaitGroup
		for i := range 50 {
			all.Go(func() {
				err := d.InTx(t.Context(), func(ctx context.Context) error {
					var name string
					err := d.QueryRow(ctx, "UPDATE meta SET value = 'spent' WHERE name = $1 AND value = $2 RETURNING name", "ticket", "v").Scan(&name)
					if err != nil {
						return err
					}
					return put(ctx, d, fmt.Sprint("effect-", i))
				})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, db.ErrNoRows):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		var effects int
		if err := d.QueryRow(t.Context(), "SELECT COUNT(*) FROM meta WHERE name LIKE 'effect-%'").Scan(&effects); err != nil {
			t.Fatal(err)
		}
		if won.Load() != 1 || lost.Load() != 49 || effects != 1 {
			t.Errorf("%d won, %d lost, %d effects; want 1, 49, 1", won.Load(), lost.Load(), effects)
		}
	})
}

// A mistake ends in an error, and the writer is free again afterwards.
func TestLimitFreesTheWriter(t *testing.T) {
	mistakes := []struct {
		name string
		make func(outer, ctx context.Context, d *db.DB) error
	}{
		{"sleeps past the limit", func(_, ctx context.Context, _ *db.DB) error { <-ctx.Done(); return nil }},
		{"ignores its context", func(_, _ context.Context, _ *db.DB) error { time.Sleep(600 * time.Millisecond); return nil }},
		{"writes the same row with the outer context", func(outer, _ context.Context, d *db.DB) error { return put(outer, d, "row") }},
	}
	for _, engine := range []string{dbtest.SQLite, dbtest.Postgres} {
		for _, m := range mistakes {
			t.Run(engine+"/"+m.name, func(t *testing.T) {
				d := dbtest.OpenWith(t, engine, db.Options{TxLimit: 300 * time.Millisecond})
				started := time.Now()
				err := d.InTx(t.Context(), func(ctx context.Context) error {
					if err := put(ctx, d, "row"); err != nil {
						return err
					}
					return m.make(t.Context(), ctx, d)
				})
				if errs.CodeOf(err) != errs.Unavailable {
					t.Errorf("got %v, want unavailable", err)
				}
				if took := time.Since(started); took > 9*time.Second {
					t.Errorf("took %v", took)
				}
				if err := put(t.Context(), d, "next"); err != nil {
					t.Errorf("writer is not free: %v", err)
				}
				if has(t, d, "row") != 0 {
					t.Error("the mistake was committed")
				}
			})
		}
	}
}

func TestContextOfATransactionEndsWithIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		var kept context.Context
		if err := d.InTx(t.Context(), func(ctx context.Context) error { kept = ctx; return nil }); err != nil { //nolint:fatcontext // the mistake under test.
			t.Fatal(err)
		}
		if err := put(kept, d, "late"); err == nil {
			t.Error("a statement joined a transaction that is over")
		}
		if has(t, d, "late") != 0 {
			t.Error("the late statement was run")
		}
	})
}

func TestCancelledContextDoesNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := put(ctx, d, "row"); !errors.Is(err, context.Canceled) {
			t.Errorf("Exec: %v", err)
		}
		err := d.InTx(ctx, func(ctx context.Context) error { return put(ctx, d, "row") })
		if !errors.Is(err, context.Canceled) {
			t.Errorf("InTx: %v", err)
		}
		if has(t, d, "row") != 0 {
			t.Error("the row was written")
		}
	})
}
