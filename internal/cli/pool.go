package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
)

// withStore opens the database of a stopped server for one command.
func withStore(ctx context.Context, p Process, f *storeFlags, run func(*app.Store) error) (err error) {
	conf, err := f.load(p)
	if err != nil {
		return err
	}
	store, err := app.OpenStore(ctx, conf, p.Worker)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := store.Close(); err == nil {
			err = closeErr
		}
	}()
	return run(store)
}

func poolCommand(p Process) *cobra.Command {
	var f storeFlags
	c := &cobra.Command{Use: "pool", Short: "Make and list user pools and their keys"}
	f.add(c)
	c.AddCommand(poolCreate(p, &f), poolList(p, &f), poolOrigins(p, &f), poolSettings(p, &f), ticketKeyCommand(p, &f), poolSecretCommand(p, &f))
	c.AddCommand(testNumberCommand(p, &f), poolMessages(p, &f), poolCallbacks(p, &f))
	return c
}

func poolCreate(p Process, f *storeFlags) *cobra.Command {
	var name string
	var origins []string
	c := &cobra.Command{
		Use:   "create ID",
		Short: "Make a pool; its id is the env and the default client id of CloudBase apps",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				made, err := s.CreatePool(c.Context(), args[0], name, origins)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(p.Stdout, "made pool %s\n", made.ID)
				return err
			})
		},
	}
	c.Flags().StringVar(&name, "name", "", "`NAME` people see in messages (default the id)")
	c.Flags().StringArrayVar(&origins, "origin", nil, "web `ORIGIN` whose pages may sign people in; may be repeated")
	return c
}

func poolOrigins(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "origins ID [ORIGIN...]",
		Short: "Replace the web origins whose pages may use an application, such as https://app.example.com",
		Args:  someArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.SetOrigins(c.Context(), args[0], args[1:])
			})
		},
	}
}

func poolList(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the pools",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				pools, err := s.Pools.List(c.Context())
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tNAME\tMADE")
				for _, pool := range pools {
					fmt.Fprintf(w, "%s\t%s\t%s\n", pool.ID, pool.Name, pool.CreatedAt.Format(time.DateTime))
				}
				return w.Flush()
			})
		},
	}
}

func ticketKeyCommand(p Process, f *storeFlags) *cobra.Command {
	var pool string
	made := &cobra.Command{
		Use:   "new",
		Short: "Make a key for custom sign-in tickets; the credentials file goes to standard output, once",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				file, err := s.NewTicketKey(c.Context(), pool)
				if err != nil {
					return err
				}
				out := json.NewEncoder(p.Stdout)
				out.SetIndent("", "  ")
				return out.Encode(file) //nolint:gosec // the private key is what was asked for.
			})
		},
	}
	made.Flags().StringVar(&pool, "pool", app.DevPool, "`ID` of the pool")
	revoke := &cobra.Command{
		Use:   "revoke KEY-ID",
		Short: "Refuse tickets signed with a key from now on",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.RevokeTicketKey(c.Context(), pool, args[0])
			})
		},
	}
	revoke.Flags().StringVar(&pool, "pool", app.DevPool, "`ID` of the pool")
	c := &cobra.Command{Use: "ticket-key", Short: "Keys that sign custom sign-in tickets"}
	c.AddCommand(made, revoke)
	return c
}

func keysCommand(p Process) *cobra.Command {
	var f storeFlags
	var pool string
	var now bool
	rotate := &cobra.Command{
		Use:   "rotate",
		Short: "Publish the next signing key; it signs after a day, or at once with --now",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, &f, func(s *app.Store) error {
				return s.RotateKeys(c.Context(), pool, now)
			})
		},
	}
	rotate.Flags().StringVar(&pool, "pool", app.DevPool, "`ID` of the pool")
	rotate.Flags().BoolVar(&now, "now", false, "sign with the new key at once")
	c := &cobra.Command{Use: "keys", Short: "Signing keys"}
	f.add(c)
	c.AddCommand(rotate)
	return c
}

// someArgs wants at least one argument.
func someArgs(c *cobra.Command, args []string) error {
	if err := cobra.MinimumNArgs(1)(c, args); err != nil {
		return usageError{err}
	}
	return nil
}

// oneArg wants exactly one argument.
func oneArg(c *cobra.Command, args []string) error {
	if err := cobra.ExactArgs(1)(c, args); err != nil {
		return usageError{err}
	}
	return nil
}
