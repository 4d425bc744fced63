package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pipeline"
)

func pipelineEnv(p Process, f *pipelineFlags) *cobra.Command {
	list := &cobra.Command{
		Use:   "list",
		Short: "List the names of env; values are not shown",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return f.with(c.Context(), p, func(s *app.Store) error {
				env, err := s.Pipelines.Env(c.Context(), f.pool)
				if err != nil {
					return err
				}
				names := slices.Sorted(maps.Keys(env))
				if f.json {
					return writeJSON(p.Stdout, append([]string{}, names...))
				}
				for _, name := range names {
					fmt.Fprintln(p.Stdout, name)
				}
				return nil
			})
		},
	}
	set := &cobra.Command{
		Use:   "set NAME",
		Short: "Give a name of env the value read from standard input",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			value, err := io.ReadAll(p.Stdin)
			if err != nil {
				return err
			}
			return f.with(c.Context(), p, func(s *app.Store) error {
				text := strings.TrimRight(string(value), "\r\n")
				return s.Pipelines.SetEnv(c.Context(), f.pool, args[0], text, operator)
			})
		},
	}
	unset := &cobra.Command{
		Use:   "unset NAME",
		Short: "Take a name of env away",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return f.with(c.Context(), p, func(s *app.Store) error {
				return s.Pipelines.RemoveEnv(c.Context(), f.pool, args[0], operator)
			})
		},
	}
	c := &cobra.Command{Use: "env", Short: "What functions read as env, stored encrypted"}
	c.AddCommand(list, set, unset)
	return c
}

// trial is what a dry run prints.
type trial struct {
	OK      bool           `json:"ok"`
	Refusal string         `json:"refusal,omitempty"`
	Cause   string         `json:"cause,omitempty"`
	User    map[string]any `json:"user,omitempty"`
	Context map[string]any `json:"context,omitempty"`
	Effect  trialEffect    `json:"effect"`
	Logs    []string       `json:"logs"`
	Took    string         `json:"took"`
}

type trialEffect struct {
	User        map[string]any  `json:"user,omitempty"`
	CustomData  map[string]any  `json:"customData,omitempty"`
	IDToken     *pipelineClaims `json:"idToken,omitempty"`
	AccessToken *pipelineClaims `json:"accessToken,omitempty"`
}

type pipelineClaims struct {
	Set    map[string]any `json:"set,omitempty"`
	Remove []string       `json:"remove,omitempty"`
}

func claims(c pipeline.Claims) *pipelineClaims {
	if len(c.Set)+len(c.Remove) == 0 {
		return nil
	}
	return &pipelineClaims{Set: c.Set, Remove: c.Remove}
}

func pipelineTest(p Process, f *pipelineFlags) *cobra.Command {
	var point, userFile, contextFile, client string
	c := &cobra.Command{
		Use:   "test FILE|NAME",
		Short: "Run a function on a user and a context of your choice; nothing is stored",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			at, err := parsePoint(point)
			if err != nil && point != "" {
				return err
			}
			user, err := readObject(userFile)
			if err != nil {
				return err
			}
			given, err := readObject(contextFile)
			if err != nil {
				return err
			}
			if client == "" {
				client = f.pool
			}
			return f.with(c.Context(), p, func(s *app.Store) error {
				source, at, err := sourceOf(c, p, f, s, args[0], at)
				if err != nil {
					return err
				}
				who, err := s.Pools.AppOf(c.Context(), client)
				if err != nil {
					return err
				}
				r, err := s.Pipelines.DryRun(c.Context(), who, at, source, user, given)
				if err != nil {
					return err
				}
				return report(p, f.json, r)
			})
		},
	}
	c.Flags().StringVar(&point, "point", "", "`POINT` to run a file at; a stored function has its own")
	c.Flags().StringVar(&userFile, "user", "", "`FILE` with the user as JSON")
	c.Flags().StringVar(&contextFile, "context", "", "`FILE` with keys of context as JSON")
	c.Flags().StringVar(&client, "app", "", "`ID` of the application (default the pool's own)")
	return c
}

// sourceOf reads a file, or else the function of that name.
func sourceOf(c *cobra.Command, p Process, f *pipelineFlags, s *app.Store, ref string, at pipeline.Point) (string, pipeline.Point, error) {
	source, err := readSource(p, ref)
	switch {
	case err == nil && at == "":
		return "", "", usageError{errors.New("--point says where to run a file")}
	case err == nil:
		return source, at, nil
	case !errors.Is(err, fs.ErrNotExist):
		return "", "", err
	}
	stored, err := s.Pipelines.Get(c.Context(), f.pool, ref)
	if at == "" {
		at = stored.Point
	}
	return stored.Source, at, err
}

func readObject(file string) (map[string]any, error) {
	if file == "" {
		return map[string]any{}, nil
	}
	raw, err := os.ReadFile(file) //nolint:gosec // the file the operator names.
	if err != nil {
		return nil, err
	}
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return out, nil
}

// report prints a dry run. It fails when the function refused, so that a script notices.
func report(p Process, asJSON bool, r pipeline.Result) error {
	t := trial{
		OK: r.Err == nil, User: r.User, Context: r.Context, Logs: append([]string{}, r.Logs...), Took: r.Took.Round(time.Microsecond).String(),
		Effect: trialEffect{User: r.Effect.User, CustomData: r.Effect.CustomData, IDToken: claims(r.Effect.IDToken), AccessToken: claims(r.Effect.AccessToken)},
	}
	if e, ok := errors.AsType[*errs.Error](r.Err); ok {
		t.Refusal, t.Cause, t.User, t.Context = string(e.Code), fmt.Sprint(errors.Unwrap(e)), nil, nil
		if e.Params["message"] != "" {
			t.Refusal += ": " + e.Params["message"]
		}
	}
	if asJSON {
		if err := writeJSON(p.Stdout, t); err != nil {
			return err
		}
	} else if err := printTrial(p.Stdout, t); err != nil {
		return err
	}
	if r.Err != nil {
		return fmt.Errorf("the function did not pass: %s", t.Refusal)
	}
	return nil
}

func printTrial(w io.Writer, t trial) error {
	for _, line := range t.Logs {
		fmt.Fprintln(w, "log     ", line)
	}
	for _, part := range []struct {
		name  string
		value any
		shown bool
	}{
		{"user", t.User, t.User != nil}, {"context", t.Context, t.Context != nil}, {"effect", t.Effect, t.OK},
	} {
		if !part.shown {
			continue
		}
		fmt.Fprintf(w, "%-8s ", part.name)
		if err := writeJSON(w, part.value); err != nil {
			return err
		}
	}
	if t.Cause != "" {
		fmt.Fprintln(w, "cause   ", t.Cause)
	}
	_, err := fmt.Fprintln(w, "took    ", t.Took)
	return err
}
