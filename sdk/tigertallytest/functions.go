package tigertallytest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/pipeline"
)

// servesFunctions says in the environment which process called Main, and where it keeps
// what their workers share. Another program started as a worker would run its tests again.
const servesFunctions = "TIGERTALLYTEST_FUNCTIONS"

// Main runs the tests of a package whose servers run functions of the pool, and returns
// the status to exit with. Functions run in processes of their own, which are the test
// binary once more, so it comes first in TestMain:
//
//	func TestMain(m *testing.M) { os.Exit(tigertallytest.Main(m)) }
//
// Tests without functions need no TestMain.
func Main(m *testing.M) int {
	if len(os.Args) == 2 && os.Args[1] == app.WorkerCommand {
		return complain(app.PipelineWorker(context.Background(), os.Stdin, os.Stdout))
	}
	dir, err := os.MkdirTemp("", "tigertallytest")
	if err == nil {
		err = os.Setenv(servesFunctions, strconv.Itoa(os.Getpid())+":"+dir)
	}
	if err != nil {
		return complain(err)
	}
	return max(m.Run(), complain(os.RemoveAll(dir)))
}

// complain returns the exit status of err.
func complain(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, "tigertallytest:", err)
	return 1
}

// worker starts this binary as a worker, and dir is what its workers share. Command is
// nil if the binary would not know how to be one.
func worker() (command []string, dir string) {
	dir, found := strings.CutPrefix(os.Getenv(servesFunctions), strconv.Itoa(os.Getpid())+":")
	program, err := os.Executable()
	if err != nil || !found {
		return nil, ""
	}
	return []string{program, app.WorkerCommand}, dir
}

// shareCompiled lets a server find the interpreter of functions as the one before it
// compiled it, which takes seconds otherwise. Where that fails it costs those seconds.
func shareCompiled(dataDir string) {
	if _, dir := worker(); dir != "" && os.MkdirAll(dataDir, 0o700) == nil {
		_ = os.Symlink(dir, filepath.Join(dataDir, "worker"))
	}
}

// Function puts JavaScript at a point of sign-ups, sign-ins or tokens, as "tigertally
// pipeline put" does. point is the name of the point, such as "PRE_REGISTER"; a second
// function of the same name replaces the first. TestMain has to call Main.
func (s *Server) Function(t testing.TB, point, name, source string) {
	t.Helper()
	if command, _ := worker(); command == nil {
		t.Fatal("tigertallytest: functions need this: func TestMain(m *testing.M) { os.Exit(tigertallytest.Main(m)) }")
	}
	s.mu.Lock()
	server := s.app
	s.mu.Unlock()
	_, err := server.Pipelines.Put(context.WithoutCancel(t.Context()), app.DevPool, pipeline.Function{
		Point: pipeline.Point(point), Name: name, Source: source, Enabled: true, Author: "tigertallytest",
	})
	if err != nil {
		t.Fatalf("tigertallytest: function %s at %s: %v", name, point, err)
	}
}
