// Command tigertally is the identity server and its tools; see tigertally help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/cli"
)

func main() {
	os.Exit(run())
}

// run keeps os.Exit apart from the deferred stop.
func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	p := cli.Process{
		Args: os.Args[1:], LookupEnv: os.LookupEnv,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}
	if program, err := os.Executable(); err == nil { // without it functions fail, and nothing else
		p.Worker = []string{program, app.WorkerCommand}
	}
	return cli.Main(ctx, p)
}
