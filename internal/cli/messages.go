package cli

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/errs"
)

const dateForm = "YYYY-MM-DD"

func testNumberCommand(p Process, f *storeFlags) *cobra.Command {
	c := &cobra.Command{
		Use:   "test-number",
		Short: "Numbers and addresses that get a fixed code and no message, for app reviews and tests",
	}
	c.AddCommand(testNumberSet(p, f), testNumberList(p, f), testNumberRemove(p, f))
	return c
}

func testNumberSet(p Process, f *storeFlags) *cobra.Command {
	var until string
	c := &cobra.Command{
		Use:     "set POOL NUMBER CODE --until " + dateForm,
		Short:   "Give a number a fixed code until the end of a day; whoever knows both can sign in with it",
		Example: "  tigertally pool test-number set shop +8613800000000 246810 --until 2026-12-31",
		Args:    exactly(3),
		RunE: func(c *cobra.Command, args []string) error {
			end, err := endOf(until)
			if err != nil {
				return usageError{err}
			}
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				err := s.SetTestTarget(c.Context(), args[0], args[1], args[2], end)
				if errs.CodeOf(err) == errs.BadRequest {
					err = fmt.Errorf("a code has 4 to 10 digits and --until lies ahead, a year at most: %w", err)
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&until, "until", "", "last `DAY` it works, at most a year ahead, such as 2026-12-31")
	return c
}

// endOf is the end of a day in UTC.
func endOf(day string) (time.Time, error) {
	if day == "" {
		return time.Time{}, errors.New("--until is missing: a fixed code has an end")
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return time.Time{}, fmt.Errorf("--until %q is not a day such as 2026-12-31", day)
	}
	return t.AddDate(0, 0, 1), nil
}

func testNumberList(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list POOL",
		Short: "List the numbers with a fixed code, without the codes",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				all, err := s.Codes.ListFixed(c.Context(), args[0])
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "NUMBER\tUNTIL")
				for _, t := range all {
					fmt.Fprintf(w, "%s\t%s\n", t.Target, t.ExpiresAt.UTC().Format(time.DateTime))
				}
				return w.Flush()
			})
		},
	}
}

func testNumberRemove(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "remove POOL NUMBER",
		Short: "Send a number real codes again",
		Args:  exactly(2),
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.RemoveTestTarget(c.Context(), args[0], args[1])
			})
		},
	}
}

func poolMessages(p Process, f *storeFlags) *cobra.Command {
	var days int
	c := &cobra.Command{
		Use:   "messages POOL",
		Short: "Show how many messages vendors took, and what became of them",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				spend, err := s.Spent(c.Context(), args[0], days)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "DAY\tCHANNEL\tCOUNTRY\tDRIVER\tMESSAGES\tUNITS\tDELIVERED\tUNDELIVERED")
				for _, d := range spend {
					for _, x := range d.Spend {
						fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\n", d.Day.Format(time.DateOnly), x.Channel,
							orDash(x.Country), x.Driver, x.Messages, x.Units, x.Delivered, x.Undelivered)
					}
				}
				return w.Flush()
			})
		},
	}
	c.Flags().IntVar(&days, "days", 7, "how many days, today included")
	return c
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func poolCallbacks(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "callbacks",
		Short: "Show the addresses vendors report deliveries to, the same for every pool; keep them secret",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				for _, a := range s.CallbackAddresses() {
					fmt.Fprintf(w, "%s\t%s\n", a.Driver, a.URL)
				}
				return w.Flush()
			})
		},
	}
}

// exactly wants exactly n arguments.
func exactly(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(c, args); err != nil {
			return usageError{err}
		}
		return nil
	}
}
