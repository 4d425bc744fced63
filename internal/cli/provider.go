package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/i18n"
)

func providerCommand(p Process) *cobra.Command {
	var f storeFlags
	var pool string
	c := &cobra.Command{Use: "provider", Short: "Identity providers a pool's people sign in with: WeChat, OpenID Connect and others"}
	f.add(c)
	c.PersistentFlags().StringVar(&pool, "pool", app.DevPool, "`ID` of the pool")
	c.AddCommand(providerPut(p, &f, &pool), providerList(p, &f, &pool), providerShow(p, &f, &pool),
		providerRemove(p, &f, &pool), providerKinds(p))
	return c
}

// providerFlags are what put can change; a flag that is not given changes nothing.
type providerFlags struct {
	connection.Connection

	settings string // file
}

func (f *providerFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.Kind, "kind", "", "`KIND` of a new one; \"provider kinds\" lists them")
	flags.StringVar(&f.Name, "name", "", "`NAME` people see (default the vendor's, or the id)")
	flags.StringVar(&f.UnionGroup, "union-group", "", "`GROUP` of providers that know people by one id, such as the apps of one WeChat Open Platform account")
	flags.BoolVar(&f.Enabled, "enabled", true, "let people sign in with it")
	flags.BoolVar(&f.SignUp, "sign-up", true, "make an account for people nobody knows")
	flags.BoolVar(&f.TrustEmail, "trust-email", false, "believe it which addresses are verified, and sign their owners in")
	flags.BoolVar(&f.LinkPhone, "link-phone", false, "sign in the owners of phone numbers it vouches for")
	flags.StringVar(&f.settings, "settings", "", "JSON `FILE` of settings, - for standard input: secrets on a command line are seen by others")
}

// change takes what was given into c.
func (f *providerFlags) change(c *cobra.Command, to *connection.Connection) {
	given := c.Flags().Changed
	for name, set := range map[string]func(){
		"kind": func() { to.Kind = f.Kind }, "name": func() { to.Name = f.Name },
		"union-group": func() { to.UnionGroup = f.UnionGroup }, "enabled": func() { to.Enabled = f.Enabled },
		"sign-up": func() { to.SignUp = f.SignUp }, "trust-email": func() { to.TrustEmail = f.TrustEmail },
		"link-phone": func() { to.LinkPhone = f.LinkPhone },
	} {
		if given(name) {
			set()
		}
	}
}

func providerPut(p Process, f *storeFlags, pool *string) *cobra.Command {
	var flags providerFlags
	c := &cobra.Command{
		Use:   "put ID [NAME=VALUE...]",
		Short: "Make a provider, or change what is given; NAME= takes a setting away",
		Args:  someArgs,
		RunE: func(c *cobra.Command, args []string) error {
			settings, err := providerSettings(p, flags.settings, args[1:])
			if err != nil {
				return err
			}
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.ChangeProvider(c.Context(), *pool, args[0], settings, func(to *connection.Connection) { flags.change(c, to) })
			})
		},
	}
	flags.add(c)
	return c
}

// providerSettings reads settings from a file and the command line, which wins.
func providerSettings(p Process, file string, pairs []string) (map[string]string, error) {
	settings := map[string]string{}
	if file != "" {
		text, err := readFile(p, file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &settings); err != nil { // the error may show a value
			return nil, usageError{errors.New("the settings are not a JSON object of texts")}
		}
	}
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || name == "" {
			return nil, usageError{errors.New("a setting is written NAME=VALUE")}
		}
		settings[name] = value
	}
	return settings, nil
}

func readFile(p Process, name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(p.Stdin)
	}
	return os.ReadFile(name) //nolint:gosec // the operator's own file.
}

func providerList(p Process, f *storeFlags, pool *string) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the providers",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				list, err := s.Connections.List(c.Context(), *pool)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "ID\tKIND\tNAME\tENABLED\tSIGN-UP")
				for _, v := range list {
					fmt.Fprintf(w, "%s\t%s\t%s\t%t\t%t\n", v.ID, v.Kind, v.Title(i18n.English), v.Enabled, v.SignUp)
				}
				return w.Flush()
			})
		},
	}
}

func providerShow(p Process, f *storeFlags, pool *string) *cobra.Command {
	return &cobra.Command{
		Use:   "show ID",
		Short: "Show a provider; of a secret only that it is set",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				v, err := s.Provider(c.Context(), *pool, args[0])
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintf(w, "id\t%s\nkind\t%s\nname\t%s\nunion-group\t%s\nenabled\t%t\nsign-up\t%t\ntrust-email\t%t\nlink-phone\t%t\n",
					v.ID, v.Kind, connection.Connection{ID: v.ID, Kind: v.Kind, Name: v.Name}.Title(i18n.English), v.UnionGroup, v.Enabled, v.SignUp, v.TrustEmail, v.LinkPhone)
				if v.Callback != "" {
					fmt.Fprintf(w, "callback\t%s\n", v.Callback)
				}
				for _, name := range slices.Sorted(maps.Keys(v.Settings)) {
					fmt.Fprintf(w, "setting %s\t%s\n", name, v.Settings[name])
				}
				return w.Flush()
			})
		},
	}
}

func providerRemove(p Process, f *storeFlags, pool *string) *cobra.Command {
	return &cobra.Command{
		Use:   "remove ID",
		Short: "End a provider; what links people to it is kept and works again if it comes back",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.RemoveProvider(c.Context(), *pool, args[0])
			})
		},
	}
}

func providerKinds(p Process) *cobra.Command {
	return &cobra.Command{
		Use:   "kinds",
		Short: "List the kinds of providers and their settings",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			for _, k := range app.ProviderKinds() {
				fmt.Fprintf(p.Stdout, "%s  %s\n", k.Kind, k.Doc)
				for _, o := range k.Settings {
					required := ""
					if o.Required {
						required = " (required)"
					}
					fmt.Fprintf(p.Stdout, "    %s%s  %s\n", o.Name, required, o.Doc)
				}
			}
			return nil
		},
	}
}
