package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/pool"
)

func applicationCommand(p Process) *cobra.Command {
	var f storeFlags
	c := &cobra.Command{Use: "app", Short: "Make applications of a pool, and say where they send people"}
	f.add(c)
	c.AddCommand(applicationCreate(p, &f), applicationList(p, &f), applicationRedirects(p, &f), applicationSecret(p, &f))
	return c
}

func applicationCreate(p Process, f *storeFlags) *cobra.Command {
	var poolID, name string
	c := &cobra.Command{
		Use:   "create ID",
		Short: "Make an application; its id is the app id of Authing clients and the client id of OpenID Connect",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.CreateApplication(c.Context(), poolID, args[0], name)
			})
		},
	}
	c.Flags().StringVar(&poolID, "pool", app.DevPool, "`ID` of the pool")
	c.Flags().StringVar(&name, "name", "", "`NAME` people see (default the id)")
	return c
}

func applicationList(p Process, f *storeFlags) *cobra.Command {
	var poolID string
	c := &cobra.Command{
		Use:   "list",
		Short: "List the applications of a pool",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				apps, err := s.Pools.Apps(c.Context(), poolID)
				if err != nil {
					return err
				}
				slices.SortFunc(apps, func(a, b pool.App) int { return strings.Compare(a.ID, b.ID) })
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tNAME\tSECRETS\tREDIRECTS")
				for _, a := range apps {
					fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", a.ID, a.Name, len(a.Settings.SecretHashes), strings.Join(a.Settings.RedirectURIs, " "))
				}
				return w.Flush()
			})
		},
	}
	c.Flags().StringVar(&poolID, "pool", app.DevPool, "`ID` of the pool")
	return c
}

func applicationRedirects(p Process, f *storeFlags) *cobra.Command {
	var signedOut []string
	c := &cobra.Command{
		Use:   "redirects ID [URI...]",
		Short: "Replace the addresses people go to after signing in, such as https://app.example.com/callback",
		Args:  someArgs,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.SetRedirects(c.Context(), args[0], args[1:], signedOut)
			})
		},
	}
	c.Flags().StringArrayVar(&signedOut, "logout", nil, "`URI` people may go to after signing out; may be repeated")
	return c
}

func applicationSecret(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "secret ID",
		Short: "Make a client secret; it goes to standard output, once, and the one before stays good",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				text, err := s.NewClientSecret(c.Context(), args[0])
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(p.Stdout, text)
				return err
			})
		},
	}
}
