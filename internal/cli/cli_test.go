package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/cli"
	"github.com/tigertally/tigertally/internal/testkit"
)

// The scripts run this test binary as the command itself.
func TestMain(m *testing.M) {
	testkit.ServeWorker()
	program, err := os.Executable()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	worker := []string{program, app.WorkerCommand}
	testscript.Main(m, map[string]func(){
		"tigertally": func() {
			ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
			code := cli.Main(ctx, cli.Process{
				Args: os.Args[1:], LookupEnv: os.LookupEnv,
				Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Worker: worker,
			})
			stop()
			os.Exit(code)
		},
		"get": get,
	})
}

func TestCommands(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata"})
}

// get prints what a URL answers, whatever its status.
func get() {
	res, err := http.Get(os.Args[1])
	if err == nil {
		_, err = io.Copy(os.Stdout, res.Body)
		err = errors.Join(err, res.Body.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
