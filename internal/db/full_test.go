package db

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tigertally/tigertally/internal/errs"
)

// R4: on a full disk writers are told to come back, nothing is half done, reading
// goes on, and all is well once there is room again.
func TestFullDisk(t *testing.T) {
	d, err := Open(t.Context(), Options{URL: "sqlite:" + filepath.Join(t.TempDir(), "full.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	room := func(pages int) {
		t.Helper()
		if _, err := d.engine.(*lite).conn.ExecContext(t.Context(), fmt.Sprint("PRAGMA max_page_count = ", pages)); err != nil {
			t.Fatal(err)
		}
	}
	const insert = "INSERT INTO meta (name, value) VALUES ($1, $2)"
	fat := strings.Repeat("x", 20_000)
	write := func(name string) error {
		return d.InTx(t.Context(), func(ctx context.Context) error {
			if _, err := d.Exec(ctx, insert, name+"/small", ""); err != nil {
				return err
			}
			_, err := d.Exec(ctx, insert, name+"/fat", fat)
			return err
		})
	}
	room(200)
	var good, full atomic.Int64
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			switch err := write(fmt.Sprint(i)); {
			case err == nil:
				good.Add(1)
			case errs.CodeOf(err) == errs.Unavailable:
				full.Add(1)
			default:
				t.Errorf("got %v, want unavailable", err)
			}
		})
	}
	all.Wait()
	rows := func() (n int64) {
		t.Helper()
		if err := d.QueryRow(t.Context(), "SELECT COUNT(*) FROM meta").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if got := rows(); full.Load() == 0 || got != 2*good.Load() {
		t.Errorf("%d transactions done, %d refused, %d rows", good.Load(), full.Load(), got)
	}
	room(1_000_000)
	before := rows()
	if err := write("again"); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if got := rows(); got != before+2 {
		t.Errorf("%d rows after one more transaction, want %d", got, before+2)
	}
	select {
	case <-d.Failed():
		t.Error("a full disk is not a broken one")
	default:
	}
}
