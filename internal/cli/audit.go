package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/audit"
)

func auditCommand(p Process) *cobra.Command {
	var f storeFlags
	var pool string
	c := &cobra.Command{Use: "audit", Short: "The record of who did what: read it, take it away, prove that nobody changed it"}
	f.add(c)
	c.PersistentFlags().StringVar(&pool, "pool", app.DevPool, "`ID` of the pool; "+audit.Installation+" is the installation")
	c.AddCommand(auditVerify(p, &f, &pool), auditList(p, &f, &pool), auditExport(p, &f, &pool), auditExplain(p, &f, &pool), auditKey(p, &f))
	return c
}

// errTampered makes the command fail; what is wrong is printed.
var errTampered = errors.New("the audit trail is not what it was")

func auditVerify(p Process, f *storeFlags, pool *string) *cobra.Command {
	var files []string
	c := &cobra.Command{
		Use:   "verify",
		Short: "Check the chain of a pool, or of every pool, and name the first record that is wrong",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				pools := []string{*pool}
				if !c.Flags().Changed("pool") {
					var err error
					if pools, err = s.Notary.Pools(c.Context()); err != nil {
						return err
					}
				}
				var failed error
				for _, id := range pools {
					report, err := s.VerifyAudit(c.Context(), id, files)
					if err != nil {
						return err
					}
					printChain(p.Stdout, report)
					if report.Bad != nil {
						failed = errTampered
					}
				}
				return failed
			})
		},
	}
	c.Flags().StringArrayVar(&files, "checkpoints", nil, "`FILE` of checkpoints kept elsewhere; may be repeated")
	return c
}

func printChain(out io.Writer, r audit.Report) {
	if bad := r.Bad; bad != nil {
		fmt.Fprintf(out, "%s: %s, lane %d, place %d", r.Pool, bad.Kind, bad.Lane, bad.Seq)
		if bad.RecordID != "" {
			fmt.Fprintf(out, ", record %s", bad.RecordID)
		}
		fmt.Fprintln(out)
		return
	}
	fmt.Fprintf(out, "%s: whole, %d records, %d checkpoints\n", r.Pool, r.Records, r.Checkpoints)
}

// queryFlags narrow what is read.
type queryFlags struct {
	audit.Query

	since, until string
}

func (q *queryFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&q.Action, "action", "", "what was done, or how it `BEGINS`: user.sign_in, user., provider.")
	flags.StringVar(&q.Result, "result", "", "`RESULT`: ok, refused, or the word of a refusal")
	flags.StringVar(&q.UserID, "user", "", "`ID` of whom it is about")
	flags.StringVar(&q.Actor, "actor", "", "`ID` of who did it")
	flags.StringVar(&q.ClientID, "client", "", "`ID` of the application")
	flags.StringVar(&q.IP, "ip", "", "`ADDRESS` it came from")
	flags.StringVar(&q.RequestID, "request", "", "`ID` of the request")
	flags.StringVar(&q.since, "since", "", "`TIME` from when on: 2026-11-21 or 2026-11-21T12:00:00Z")
	flags.StringVar(&q.until, "until", "", "`TIME` before which")
}

func (q *queryFlags) query() (audit.Query, error) {
	for text, into := range map[*string]*time.Time{&q.since: &q.Since, &q.until: &q.Until} {
		if *text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, *text)
		if err != nil {
			at, err = time.Parse(time.DateOnly, *text)
		}
		if err != nil {
			return q.Query, usageError{fmt.Errorf("%q is no time", *text)}
		}
		*into = at
	}
	return q.Query, nil
}

func auditList(p Process, f *storeFlags, pool *string) *cobra.Command {
	var q queryFlags
	var limit int
	c := &cobra.Command{
		Use:   "list",
		Short: "List records, newest first",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			query, err := q.query()
			if err != nil {
				return err
			}
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				records, _, err := s.Audit().Search(c.Context(), *pool, query, limit, "")
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "TIME\tACTION\tRESULT\tUSER\tACTOR\tADDRESS\tREQUEST")
				for _, r := range records {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.At.Format(time.RFC3339), r.Event.Action, r.Event.Result,
						r.Event.UserID, r.Event.Actor, r.IP, audit.Cell(r.RequestID))
				}
				return w.Flush()
			})
		},
	}
	q.add(c)
	c.Flags().IntVar(&limit, "limit", 50, "`NUMBER` of records, at most 200")
	return c
}

func auditExport(p Process, f *storeFlags, pool *string) *cobra.Command {
	var q queryFlags
	var format string
	c := &cobra.Command{
		Use:   "export",
		Short: "Write records to standard output, newest first",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			query, err := q.query()
			if err != nil {
				return err
			}
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				out := audit.NewJSONLines(p.Stdout)
				switch format {
				case "jsonl":
				case "csv":
					if out, err = audit.NewCSV(p.Stdout); err != nil {
						return err
					}
				default:
					return usageError{fmt.Errorf("%q is no format: jsonl or csv", format)}
				}
				if err := s.ExportedAudit(c.Context(), *pool, format); err != nil {
					return err
				}
				if err := s.Audit().Each(c.Context(), *pool, query, out.Write); err != nil {
					return err
				}
				return out.Close()
			})
		},
	}
	q.add(c)
	c.Flags().StringVar(&format, "format", "jsonl", "`FORMAT`: jsonl, or csv, safe to open in a spreadsheet")
	return c
}

func auditExplain(p Process, f *storeFlags, pool *string) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "explain REQUEST",
		Short: "Tell one attempt to sign in step by step, by the id of its request",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				attempt, err := s.Audit().Attempt(c.Context(), *pool, args[0])
				if err != nil {
					return err
				}
				if len(attempt) == 0 {
					return fmt.Errorf("no record of request %q in pool %s", args[0], *pool)
				}
				if asJSON {
					return json.NewEncoder(p.Stdout).Encode(attempt)
				}
				for _, r := range attempt {
					tellRecord(p.Stdout, r)
				}
				return nil
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the records as JSON")
	return c
}

// tellRecord tells one record and what led to it.
func tellRecord(out io.Writer, r audit.Record) {
	fmt.Fprintf(out, "%s  %s: %s\n", r.At.Format(time.RFC3339Nano), r.Event.Action, r.Event.Result)
	for _, s := range r.Steps() {
		fmt.Fprintf(out, "  %-12s %s\n", s.Name, s.Is)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Event.Detail)) {
		if k != "steps" {
			fmt.Fprintf(out, "  %-12s %s\n", k, audit.Cell(r.Event.Detail[k]))
		}
	}
	if r.Event.SessionID != "" {
		fmt.Fprintf(out, "  %-12s %s\n", "session", r.Event.SessionID)
	}
}

func auditKey(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "key",
		Short: "Show the public key that checkpoints are signed with",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				_, err := fmt.Fprintln(p.Stdout, s.Notary.PublicKey())
				return err
			})
		},
	}
}
