package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
)

func mailCommand(p Process) *cobra.Command {
	var f storeFlags
	c := &cobra.Command{Use: "mail", Short: "Addresses that mail comes back from"}
	f.add(c)
	c.AddCommand(mailBounces(p, &f), mailForgive(p, &f))
	return c
}

func mailBounces(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "bounces ADDRESS",
		Short: "Show whether mail came back from an address, and whether any is sent there",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				b, err := s.Bounces(c.Context(), args[0])
				switch {
				case err != nil:
					return err
				case b.Hits == 0:
					fmt.Fprintln(p.Stdout, "no mail came back")
				case b.BlockedAt.IsZero():
					fmt.Fprintf(p.Stdout, "came back %d times, last with %s; mail is sent\n", b.Hits, b.Status)
				default:
					fmt.Fprintf(p.Stdout, "came back %d times, last with %s; no mail is sent since %s\n",
						b.Hits, b.Status, b.BlockedAt.UTC().Format(time.DateTime))
				}
				return nil
			})
		},
	}
}

func mailForgive(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "forgive ADDRESS",
		Short: "Send mail to an address again",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				found, err := s.ForgiveBounces(c.Context(), args[0])
				if err == nil && !found {
					fmt.Fprintln(p.Stdout, "no mail came back")
				}
				return err
			})
		},
	}
}
