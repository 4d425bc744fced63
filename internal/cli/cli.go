// Package cli owns the command line: one file per command. Commands get everything of
// the outside world from Process, so that scripts run them in process; what they do is
// package app's work.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/i18n"
)

// Process is the outside world of one run.
type Process struct {
	Args      []string // without the program's name
	LookupEnv func(string) (string, bool)
	Stdin     io.Reader
	Stdout    io.Writer
	Stderr    io.Writer
	Worker    []string // runs this program again as a worker: its path and app.WorkerCommand
}

// The exit codes: usage is what sysexits.h calls EX_USAGE, so that a supervisor can tell
// a wrong command line from a server that stopped.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 64
)

// usageError marks a mistake on the command line.
type usageError struct{ error }

// Main runs the command that p.Args name and returns the exit code.
func Main(ctx context.Context, p Process) int {
	root := command(p)
	root.SetArgs(p.Args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitOK
	}
	fmt.Fprintln(p.Stderr, "tigertally:", explain(err))
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// explain puts what a refusal means in front of its code.
func explain(err error) string {
	refusal, ok := errors.AsType[*errs.Error](err)
	if !ok || refusal.Code == errs.Unexpected {
		return err.Error()
	}
	text := strings.TrimSuffix(i18n.Text(i18n.English, refusal.Code, refusal.Params), ".")
	if field := refusal.Params["field"]; !strings.Contains(text, field) {
		text += ": " + field
	}
	if reason := refusal.Params["reason"]; reason != "" && strings.Contains(text, reason) {
		return fmt.Sprintf("%s (%s)", text, refusal.Code)
	}
	return fmt.Sprintf("%s (%v)", text, err)
}

func command(p Process) *cobra.Command {
	root := &cobra.Command{
		Use:           "tigertally",
		Short:         "A self-hosted identity server that unmodified CloudBase and Authing apps sign in against",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(p.Stdin)
	root.SetOut(p.Stdout)
	root.SetErr(p.Stderr)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(userCommand(p), migrateCommand(p), backupCommand(p), restoreCommand(p))
	root.AddCommand(auditCommand(p), operatorCommand(p))
	root.AddCommand(devCommand(p), serveCommand(p), upsimCommand(p), poolCommand(p), applicationCommand(p), providerCommand(p), fieldCommand(p), mailCommand(p), keysCommand(p), configCommand(p), doctorCommand(p), versionCommand(p), pipelineCommand(p), workerCommand(p))
	everything := &cobra.Command{Use: "api", Short: "Every operation of the management API, here or on a running server with --server"}
	addOperations(p, everything)
	root.AddCommand(everything)
	addOperations(p, root)
	return root
}

// storeFlags are the flags of commands that open the database of a server that is not
// running.
type storeFlags struct {
	config string
	data   string
}

func (f *storeFlags) add(c *cobra.Command) {
	c.PersistentFlags().StringVar(&f.config, "config", "", "configuration `FILE`")
	c.PersistentFlags().StringVar(&f.data, "data", "", "data `DIR`, instead of the configured one")
}

func (f *storeFlags) load(p Process) (config.Config, error) {
	c, err := config.Load(f.config, p.LookupEnv)
	if err != nil {
		return c, err
	}
	if f.data != "" {
		c.DataDir = f.data
	}
	return c, nil
}
