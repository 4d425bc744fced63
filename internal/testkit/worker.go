package testkit

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/tigertally/tigertally/internal/app"
)

// servesWorkers is set in the environment of a test binary that knows how to be a
// worker. Starting another one as a worker would run its tests again.
const servesWorkers = "TIGERTALLY_TEST_WORKERS"

// Main is what TestMain of a package calls whose servers run functions: they start the
// test binary again as their worker.
func Main(m *testing.M) {
	ServeWorker()
	_ = os.Setenv(servesWorkers, "1") // fails for no name like this
	os.Exit(m.Run())
}

// ServeWorker ends the process as a worker if it was started as one.
func ServeWorker() {
	if len(os.Args) != 2 || os.Args[1] != app.WorkerCommand {
		return
	}
	if err := app.PipelineWorker(context.Background(), os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// worker starts this test binary as a worker, if it may.
func worker() []string {
	program, err := os.Executable()
	if err != nil || os.Getenv(servesWorkers) == "" {
		return nil
	}
	return []string{program, app.WorkerCommand}
}
