package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/backup"
)

// backupFlags are common to the commands about backups.
type backupFlags struct {
	storeFlags

	passphrase string // the file it is in
	json       bool
}

func (f *backupFlags) add(c *cobra.Command) {
	f.storeFlags.add(c)
	flags := c.PersistentFlags()
	flags.StringVar(&f.passphrase, "passphrase-file", "", "`FILE` with the passphrase ($TIGERTALLY_BACKUP_PASSPHRASE is one); without one the server's master key seals the backup")
	flags.BoolVar(&f.json, "json", false, "print the outcome as JSON")
}

// secret is the passphrase, "" when there is none.
func (f *backupFlags) secret(configured string) (string, error) {
	if f.passphrase == "" {
		return configured, nil
	}
	text, err := os.ReadFile(f.passphrase)
	if err != nil {
		return "", err
	}
	phrase := strings.TrimRight(string(text), "\r\n")
	if phrase == "" {
		return "", usageError{fmt.Errorf("%s is empty", f.passphrase)}
	}
	return phrase, nil
}

func backupCommand(p Process) *cobra.Command {
	var f backupFlags
	c := &cobra.Command{
		Use:   "backup [FILE]",
		Short: "Write a sealed and proved backup of the server, running or not (default tigertally-TIME.backup)",
		Args:  atMostOneArg,
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := f.load(p)
			if err != nil {
				return err
			}
			phrase, err := f.secret(conf.Backup.Passphrase)
			if err != nil {
				return err
			}
			path := "tigertally-" + time.Now().UTC().Format("20060102T150405Z") + ".backup" //nolint:forbidigo // the command line's own clock: it names a file
			if len(args) == 1 {
				path = args[0]
			}
			sum, err := app.Backup(c.Context(), conf, path, phrase)
			if err != nil {
				return err
			}
			if err := f.print(p.Stdout, sum, "wrote and proved "+path); err != nil || f.json {
				return err
			}
			if !sum.HasKey {
				_, err = fmt.Fprintf(p.Stdout, "it opens with the master key in %s only: keep a copy of that file elsewhere\n", conf.KeyFile())
			}
			return err
		},
	}
	f.add(c)
	c.AddCommand(backupVerify(p, &f))
	return c
}

func backupVerify(p Process, f *backupFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "verify FILE",
		Short: "Read a whole backup and say what it holds",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := f.load(p)
			if err != nil {
				return err
			}
			phrase, err := f.secret(conf.Backup.Passphrase)
			if err != nil {
				return err
			}
			sum, err := app.VerifyBackup(c.Context(), conf, args[0], phrase)
			if err != nil {
				return err
			}
			return f.print(p.Stdout, sum, args[0]+" is whole")
		},
	}
}

func restoreCommand(p Process) *cobra.Command {
	var f backupFlags
	var endSessions bool
	c := &cobra.Command{
		Use:   "restore FILE",
		Short: "Make a server of a backup, where there is none; codes and tokens of before are void",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			conf, err := f.load(p)
			if err != nil {
				return err
			}
			phrase, err := f.secret(conf.Backup.Passphrase)
			if err != nil {
				return err
			}
			sum, err := app.Restore(c.Context(), conf, args[0], phrase, endSessions)
			if err != nil {
				return err
			}
			return f.print(p.Stdout, sum, fmt.Sprintf("restored %s; this is epoch %d", args[0], sum.Epoch))
		},
	}
	f.add(c)
	c.Flags().BoolVar(&endSessions, "end-sessions", false, "sign everybody out, as after a break-in")
	return c
}

func (f *backupFlags) print(to io.Writer, sum backup.Summary, done string) error {
	if f.json {
		return json.NewEncoder(to).Encode(sum)
	}
	fmt.Fprintln(to, done)
	w := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "TAKEN\tSCHEMA\tTABLES\tROWS\tPEOPLE")
	fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\n", sum.TakenAt.Format(time.DateTime), sum.Schema, sum.Tables, sum.Rows, sum.Users)
	return w.Flush()
}

// atMostOneArg wants no argument or one.
func atMostOneArg(c *cobra.Command, args []string) error {
	if err := cobra.MaximumNArgs(1)(c, args); err != nil {
		return usageError{err}
	}
	return nil
}
