package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/pipeline"
)

// operator is whom the record names for changes made here.
const operator = "cli"

// workerCommand is the hidden command that the server runs itself as.
func workerCommand(p Process) *cobra.Command {
	return &cobra.Command{
		Use:    app.WorkerCommand,
		Short:  "Run functions for a server; the server starts this itself",
		Hidden: true,
		Args:   noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return app.PipelineWorker(c.Context(), p.Stdin, p.Stdout)
		},
	}
}

// pipelineFlags are what every command of functions has.
type pipelineFlags struct {
	storeFlags

	pool string
	json bool
}

// with opens the store for one command, once the pool is known to exist.
func (f *pipelineFlags) with(ctx context.Context, p Process, run func(s *app.Store) error) error {
	return withStore(ctx, p, &f.storeFlags, func(s *app.Store) error {
		if _, err := s.Pools.Get(ctx, f.pool); err != nil {
			return err
		}
		return run(s)
	})
}

func pipelineCommand(p Process) *cobra.Command {
	f := &pipelineFlags{}
	c := &cobra.Command{
		Use:   "pipeline",
		Short: "Functions that look into sign-ups, sign-ins and tokens",
		Long: "Functions that look into sign-ups, sign-ins and tokens.\n\n" +
			"Embedded storage belongs to one process, so stop the server first; with PostgreSQL it may run,\n" +
			"and sees a change within a second. Points: " + strings.Join(pointNames(), ", ") + ".",
	}
	f.add(c)
	c.PersistentFlags().StringVar(&f.pool, "pool", app.DevPool, "`ID` of the pool")
	c.PersistentFlags().BoolVar(&f.json, "json", false, "write JSON")
	c.AddCommand(
		pipelineList(p, f), pipelineShow(p, f), pipelinePut(p, f), pipelineSwitch(p, f, "enable", true),
		pipelineSwitch(p, f, "disable", false), pipelineMove(p, f), pipelineRemove(p, f), pipelineHistory(p, f),
		pipelineEnv(p, f), pipelineTest(p, f),
	)
	return c
}

func pointNames() []string {
	var names []string
	for _, p := range pipeline.Points() {
		names = append(names, string(p))
	}
	return names
}

// parsePoint also takes pre-register for PRE_REGISTER.
func parsePoint(text string) (pipeline.Point, error) {
	p := pipeline.Point(strings.ReplaceAll(strings.ToUpper(text), "-", "_"))
	if !slices.Contains(pipeline.Points(), p) {
		return "", usageError{fmt.Errorf("--point %q is none of %s", text, strings.Join(pointNames(), ", "))}
	}
	return p, nil
}

// functionJSON is a function as --json shows it.
type functionJSON struct {
	ID          string    `json:"id"`
	Point       string    `json:"point"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Enabled     bool      `json:"enabled"`
	Background  bool      `json:"background"`
	Version     int64     `json:"version"`
	Author      string    `json:"author"`
	SHA256      string    `json:"sha256,omitempty"`
	UpdatedAt   time.Time `json:"updatedAt"`
}

func functionsJSON(list []pipeline.Function) []functionJSON {
	out := make([]functionJSON, 0, len(list))
	for _, f := range list {
		j := functionJSON{
			ID: f.ID, Point: string(f.Point), Name: f.Name, Description: f.Description, Enabled: f.Enabled,
			Background: f.Background, Version: f.Version, Author: f.Author, UpdatedAt: f.UpdatedAt,
		}
		if f.Source != "" {
			j.SHA256 = f.SHA256()
		}
		out = append(out, j)
	}
	return out
}

// writeJSON writes what a person or a script reads.
func writeJSON(w io.Writer, v any) error {
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

func pipelineList(p Process, f *pipelineFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the functions in the order they run",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c.Context(), p, func(s *app.Store) error {
				list, err := s.Pipelines.List(c.Context(), f.pool)
				if err != nil {
					return err
				}
				if f.json {
					return writeJSON(p.Stdout, functionsJSON(list))
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "POINT\tNAME\tVERSION\tSTATE\tCHANGED")
				for _, v := range list {
					fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\n", v.Point, v.Name, v.Version, state(v), v.UpdatedAt.Format(time.DateTime))
				}
				return w.Flush()
			})
		},
	}
}

func state(f pipeline.Function) string {
	word := "off"
	if f.Enabled {
		word = "on"
	}
	if f.Background {
		word += ", background"
	}
	return word
}

func pipelineShow(p Process, f *pipelineFlags) *cobra.Command {
	var version int64
	c := &cobra.Command{
		Use:   "show NAME",
		Short: "Write the source of a function to standard output",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c.Context(), p, func(s *app.Store) error {
				v, err := s.Pipelines.Get(c.Context(), f.pool, args[0])
				if err == nil && version != 0 {
					v.Source, err = s.Pipelines.Source(c.Context(), f.pool, args[0], version)
					v.Version = version
				}
				if err != nil {
					return err
				}
				if f.json {
					return writeJSON(p.Stdout, struct {
						functionJSON

						Source string `json:"source"`
					}{functionsJSON([]pipeline.Function{v})[0], v.Source})
				}
				_, err = io.WriteString(p.Stdout, v.Source)
				return err
			})
		},
	}
	c.Flags().Int64Var(&version, "version", 0, "`NUMBER` of an older version")
	return c
}

func pipelinePut(p Process, f *pipelineFlags) *cobra.Command {
	var fn pipeline.Function
	var point string
	var disabled bool
	c := &cobra.Command{
		Use:   "put FILE",
		Short: "Store a function, or the next version of the one of the same name; - reads standard input",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if fn.Point, err = parsePoint(point); err != nil {
				return err
			}
			if fn.Source, err = readSource(p, args[0]); err != nil {
				return err
			}
			if fn.Name == "" {
				fn.Name = strings.TrimSuffix(filepath.Base(args[0]), ".js")
			}
			fn.Enabled, fn.Author = !disabled, operator
			return f.with(c.Context(), p, func(s *app.Store) error {
				v, err := s.Pipelines.Put(c.Context(), f.pool, fn)
				if err != nil {
					return err
				}
				if f.json {
					return writeJSON(p.Stdout, functionsJSON([]pipeline.Function{v})[0])
				}
				_, err = fmt.Fprintf(p.Stdout, "%s is version %d at %s, %s\n", v.Name, v.Version, v.Point, state(v))
				return err
			})
		},
	}
	c.Flags().StringVar(&point, "point", "", "`POINT` at which it runs")
	c.Flags().StringVar(&fn.Name, "name", "", "`NAME` in the pool (default the file's, without .js)")
	c.Flags().StringVar(&fn.Description, "description", "", "a line of `TEXT` about it")
	c.Flags().BoolVar(&fn.Background, "background", false, "nobody waits for it and its answer is dropped")
	c.Flags().BoolVar(&disabled, "disabled", false, "a new function stays off until enabled")
	return c
}

func readSource(p Process, file string) (string, error) {
	var raw []byte
	var err error
	if file == "-" {
		raw, err = io.ReadAll(p.Stdin)
	} else {
		raw, err = os.ReadFile(file) //nolint:gosec // the file the operator names.
	}
	return string(raw), err
}

func pipelineSwitch(p Process, f *pipelineFlags, verb string, on bool) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " NAME",
		Short: strings.ToUpper(verb[:1]) + verb[1:] + " a function",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c.Context(), p, func(s *app.Store) error {
				return s.Pipelines.SetEnabled(c.Context(), f.pool, args[0], on, operator)
			})
		},
	}
}

func pipelineMove(p Process, f *pipelineFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "move NAME POSITION",
		Short: "Give a function another place in its chain; 1 is the first",
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(2)(c, args); err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			n, err := strconv.Atoi(args[1])
			if err != nil || n < 1 {
				return usageError{fmt.Errorf("%q is no position", args[1])}
			}
			return f.with(c.Context(), p, func(s *app.Store) error {
				return s.Pipelines.Move(c.Context(), f.pool, args[0], n-1, operator)
			})
		},
	}
}

func pipelineRemove(p Process, f *pipelineFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Delete a function with all its versions; the record keeps their hashes",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c.Context(), p, func(s *app.Store) error {
				return s.Pipelines.Remove(c.Context(), f.pool, args[0], operator)
			})
		},
	}
}

func pipelineHistory(p Process, f *pipelineFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "history NAME",
		Short: "List the versions of a function, newest first",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c.Context(), p, func(s *app.Store) error {
				list, err := s.Pipelines.History(c.Context(), f.pool, args[0])
				if err != nil {
					return err
				}
				if f.json {
					return writeJSON(p.Stdout, functionsJSON(list))
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "VERSION\tMADE\tBY\tSHA-256")
				for _, v := range list {
					fmt.Fprintf(w, "%d\t%s\t%s\t%s\n", v.Version, v.UpdatedAt.Format(time.DateTime), v.Author, v.SHA256())
				}
				return w.Flush()
			})
		},
	}
}
