package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/migrate"
)

func userCommand(p Process) *cobra.Command {
	var f storeFlags
	c := &cobra.Command{Use: "user", Short: "The people of a pool"}
	f.add(c)
	c.AddCommand(userImport(p, &f), userExport(p, &f))
	return c
}

// importFlags are what importing has to know besides the file.
type importFlags struct {
	pool, report string
	workers      int
	json         bool
	o            migrate.Options
}

func (v *importFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&v.pool, "pool", app.DevPool, "`ID` of the pool")
	flags.StringVar(&v.report, "report", "", "`FILE` for the people who were not imported, one line of JSON each (default FILE.report.jsonl)")
	flags.StringVar(&v.o.Format, "format", migrate.Auto, "`FORMAT`: csv, jsonl or json (default: what the file looks like)")
	flags.StringVar(&v.o.OnConflict, "on-conflict", migrate.Skip, "what to do about people who are there: `skip`, update or fail")
	flags.BoolVar(&v.o.DryRun, "dry-run", false, "check everything, store nothing")
	flags.BoolVar(&v.o.Resume, "resume", false, "go on with an import of this file that was cut off")
	flags.IntVar(&v.o.BatchSize, "batch", 0, "people a transaction (default 1000)")
	flags.IntVar(&v.workers, "hash-workers", 0, "plain passwords hashed at once (default one for each core)")
	flags.BoolVar(&v.json, "json", false, "print the outcome as JSON")
}

func userImport(p Process, f *storeFlags) *cobra.Command {
	var v importFlags
	c := &cobra.Command{
		Use:   "import FILE",
		Short: "Bring people in from CSV or JSON lines, with the password hashes of another system; see docs/migrating.md",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return runImport(c, p, f, &v, args[0])
		},
	}
	v.add(c)
	c.Flags().BoolVar(&v.o.IgnoreUnknown, "ignore-unknown", false, "drop columns nobody knows")
	return c
}

// runImport imports one file and prints the outcome, also of an import that failed.
func runImport(c *cobra.Command, p Process, f *storeFlags, v *importFlags, path string) (err error) {
	file, err := os.Open(path) //nolint:gosec // the path is the operator's.
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	name := v.report
	if name == "" {
		name = path + ".report.jsonl"
	}
	report, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // as above.
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeReport(report)) }()
	bar := newMeter(p.Stderr, v.json)
	v.o.Report = report
	v.o.Progress = func(at migrate.Progress) {
		bar.show(at.Bytes, at.Total, fmt.Sprintf("%d rows, %d created, %d refused", at.Rows, at.Created, at.Refused))
	}
	var out migrate.Report
	err = withStore(c.Context(), p, f, func(s *app.Store) error {
		return s.Transfer(v.workers, func(m *migrate.Service) error {
			out, err = m.Import(c.Context(), admin.Operator(v.pool, "cli"), file, v.o)
			return err
		})
	})
	bar.end()
	if out.Rows > 0 || err == nil {
		err = errors.Join(err, printReport(p.Stdout, out, v.json, name))
	}
	if err != nil && out.ID != "" {
		return fmt.Errorf("%w\n%d rows are done; go on with --resume", err, out.Rows)
	}
	return err
}

// closeReport leaves no empty file behind.
func closeReport(f *os.File) error {
	info, err := f.Stat()
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if info.Size() == 0 {
		return os.Remove(f.Name())
	}
	return nil
}

func printReport(to io.Writer, r migrate.Report, asJSON bool, file string) error {
	if asJSON {
		return json.NewEncoder(to).Encode(r)
	}
	if r.DryRun {
		fmt.Fprintln(to, "dry run: nothing was stored")
	}
	if r.Resumed > 0 {
		fmt.Fprintf(to, "went on after %d rows\n", r.Resumed)
	}
	w := tabwriter.NewWriter(to, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "ROWS\tCREATED\tUPDATED\tSKIPPED\tREFUSED")
	fmt.Fprintf(w, "%d\t%d\t%d\t%d\t%d\n", r.Rows, r.Created, r.Updated, r.Skipped, r.Refused)
	if err := w.Flush(); err != nil {
		return err
	}
	const shown = 10
	for i, problem := range r.Problems {
		if i == shown {
			break
		}
		fmt.Fprintf(to, "line %d: %s, %s", problem.Line, problem.Result, problem.Reason)
		for _, more := range []string{problem.Field, problem.Detail} {
			if more != "" {
				fmt.Fprintf(to, ", %s", more)
			}
		}
		fmt.Fprintln(to)
	}
	if r.Skipped+r.Refused > 0 {
		fmt.Fprintf(to, "all of them are in %s\n", file)
	}
	return nil
}

func userExport(p Process, f *storeFlags) *cobra.Command {
	var pool, to, person string
	var quiet bool
	var o migrate.ExportOptions
	c := &cobra.Command{
		Use:   "export",
		Short: "Write the people of a pool to a file, or everything kept of one person",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			out := p.Stdout
			if to != "" && to != "-" {
				file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) //nolint:gosec // the path is the operator's.
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, file.Close()) }()
				out = file
			}
			bar := newMeter(p.Stderr, quiet || out == p.Stdout)
			o.Progress = func(n int64) { bar.count(n, "people") }
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.Transfer(1, func(m *migrate.Service) error {
					who := admin.Operator(pool, "cli")
					if person != "" {
						return m.ExportPerson(c.Context(), who, person, out)
					}
					n, err := m.Export(c.Context(), who, out, o)
					bar.end()
					if err == nil && out != p.Stdout {
						_, err = fmt.Fprintf(p.Stdout, "wrote %d people to %s\n", n, to)
					}
					return err
				})
			})
		},
	}
	flags := c.Flags()
	flags.StringVar(&pool, "pool", app.DevPool, "`ID` of the pool")
	flags.StringVarP(&to, "output", "o", "-", "`FILE` to write, which must not exist; - is standard output")
	flags.StringVar(&person, "person", "", "`ID` of the one person of whom everything is written, as JSON")
	flags.StringVar(&o.Format, "format", migrate.JSONL, "`FORMAT`: jsonl or csv")
	flags.BoolVar(&o.Full, "full", false, "write numbers and addresses unmasked; only such a file can be imported")
	flags.BoolVar(&o.Hashes, "hashes", false, "write password hashes too")
	flags.BoolVar(&quiet, "quiet", false, "show no progress")
	return c
}
