package db_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
)

const brokenDisk = "TIGERTALLY_TEST_BROKEN_DISK"

// R5: after a disk refused to sync, the commit is not acknowledged, nothing more is
// written, Failed says so, and reading goes on.
func TestFailedSyncIsNeverAcknowledged(t *testing.T) {
	if url := os.Getenv(brokenDisk); url != "" {
		writeOnBrokenDisk(t, url)
		return
	}
	tracer, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("needs strace to break the disk")
	}
	path := filepath.Join(t.TempDir(), "broken.db")
	d, err := db.Open(t.Context(), db.Options{URL: "sqlite:" + path})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	// This very test, under the tracer.
	cmd := exec.CommandContext(t.Context(), tracer, "-f", "-qq", "-o", os.DevNull, "-e", "trace=fsync,fdatasync",
		"-e", "inject=fsync,fdatasync:error=EIO:when=12+", os.Args[0], "-test.run=^TestFailedSyncIsNeverAcknowledged$", "-test.v")
	cmd.Env = append(os.Environ(), brokenDisk+"=sqlite:"+path)
	out, err := cmd.CombinedOutput()
	if bytes.Contains(out, []byte("ptrace")) {
		t.Skipf("may not trace here: %s", out)
	}
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	acknowledged := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "acknowledged") {
			acknowledged++
		}
	}
	if acknowledged == 0 || !bytes.Contains(out, []byte("stopped as it should")) {
		t.Errorf("%d acknowledged; output:\n%s", acknowledged, out)
	}
	if d, err = db.Open(t.Context(), db.Options{URL: "sqlite:" + path}); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for i := range acknowledged {
		if has(t, d, fmt.Sprint("row-", i)) != 1 {
			t.Errorf("row-%d is lost", i)
		}
	}
}

func writeOnBrokenDisk(t *testing.T, url string) {
	t.Helper()
	d, err := db.Open(t.Context(), db.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close() // the disk is broken.
	for i := range 1000 {
		err := put(t.Context(), d, fmt.Sprint("row-", i))
		if err == nil {
			fmt.Println("acknowledged", i)
			continue
		}
		if errs.CodeOf(err) != errs.Unavailable {
			t.Errorf("got %v, want unavailable", err)
		}
		select {
		case <-d.Failed():
		default:
			t.Error("Failed is silent")
		}
		if err := put(t.Context(), d, "late"); errs.CodeOf(err) != errs.Unavailable {
			t.Errorf("after the failure: %v", err)
		}
		if has(t, d, fmt.Sprint("row-", i)) != 0 || has(t, d, "row-0") != 1 {
			t.Error("readers see the wrong rows")
		}
		fmt.Println("stopped as it should")
		return
	}
	t.Error("no sync failed")
}
