package cli

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	admins "github.com/tigertally/tigertally/internal/operator"
)

func operatorCommand(p Process) *cobra.Command {
	var f storeFlags
	c := &cobra.Command{Use: "operator", Short: "Administrators who cannot get in: what only the host itself may do"}
	f.add(c)
	c.AddCommand(operatorBootstrap(p, &f),
		operatorHelp(p, &f, "reset-factor NAME", "Take away a lost second factor; the next sign-in sets up another",
			func(c *cobra.Command, o *admins.Service, by admins.Principal, id string) error {
				return o.ResetFactor(c.Context(), by, id)
			}),
		operatorHelp(p, &f, "set-password NAME", "Give another password, read from standard input",
			func(c *cobra.Command, o *admins.Service, by admins.Principal, id string) error {
				line, err := bufio.NewReader(p.Stdin).ReadString('\n')
				if line == "" && err != nil {
					return fmt.Errorf("read the password: %w", err)
				}
				return o.SetPassword(c.Context(), by, id, strings.TrimRight(line, "\r\n"))
			}),
		operatorHelp(p, &f, "enable NAME", "Let a disabled administrator in again",
			func(c *cobra.Command, o *admins.Service, by admins.Principal, id string) error {
				return o.Enable(c.Context(), by, id)
			}))
	return c
}

func operatorBootstrap(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "bootstrap",
		Short: "Print the link that makes the first administrator: it works once, for an hour",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := f.load(p)
			if err != nil {
				return err
			}
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.WithOperators(func(o *admins.Service, _ admins.Principal) error {
					token, _, err := o.NewBootstrap(c.Context())
					if err != nil {
						return err
					}
					_, err = fmt.Fprintln(p.Stdout, app.FirstLink(conf.BaseURL(), token))
					return err
				})
			})
		},
	}
}

// operatorHelp is a command about one administrator.
func operatorHelp(p Process, f *storeFlags, use, short string,
	do func(c *cobra.Command, o *admins.Service, by admins.Principal, id string) error,
) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.WithOperators(func(o *admins.Service, by admins.Principal) error {
					who, err := o.Find(c.Context(), by, args[0])
					if err != nil {
						return err
					}
					return do(c, o, by, who.ID)
				})
			})
		},
	}
}
