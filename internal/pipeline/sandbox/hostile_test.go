package sandbox_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
)

// slack is what a machine busy with other tests may add to the time of a call. It tells
// an end from no end; how long calls really take is logged.
const slack = 5 * time.Second

func TestHostile(t *testing.T) {
	s := start(t, 2)
	files, err := filepath.Glob("testdata/hostile/*.js")
	if err != nil || len(files) < 14 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			source, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			begin := time.Now()
			a := run(t, s, string(source))
			took := time.Since(begin)
			t.Log(took.Round(time.Millisecond), a.Fault)
			if a.Fault == nil {
				t.Fatalf("no fault: %v", a.Context)
			}
			if took > sandbox.CallTime+slack {
				t.Errorf("took %v", took)
			}
		})
	}
}
