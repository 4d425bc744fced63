package cli

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
)

func poolSecretCommand(p Process, f *storeFlags) *cobra.Command {
	var pool string
	made := &cobra.Command{
		Use:   "new",
		Short: "Make a secret with which a server of yours manages the pool; it goes to standard output, once",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				text, err := s.NewPoolSecret(c.Context(), pool)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintln(p.Stdout, text)
				return err
			})
		},
	}
	list := &cobra.Command{
		Use:   "list",
		Short: "List the secrets of the pool by their ids",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				secrets, err := s.Pools.Secrets(c.Context(), pool)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tMADE\tREVOKED")
				for _, v := range secrets {
					revoked := "-"
					if !v.RevokedAt.IsZero() {
						revoked = v.RevokedAt.Format(time.DateTime)
					}
					fmt.Fprintf(w, "%s\t%s\t%s\n", v.ID, v.CreatedAt.Format(time.DateTime), revoked)
				}
				return w.Flush()
			})
		},
	}
	revoke := &cobra.Command{
		Use:   "revoke SECRET-ID",
		Short: "End a secret and every token it bought",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.RevokePoolSecret(c.Context(), pool, args[0])
			})
		},
	}
	c := &cobra.Command{Use: "secret", Short: "Secrets with which servers of yours manage a pool"}
	c.PersistentFlags().StringVar(&pool, "pool", app.DevPool, "`ID` of the pool")
	c.AddCommand(made, list, revoke)
	return c
}
