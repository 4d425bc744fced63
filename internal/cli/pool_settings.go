package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
)

func poolSettings(p Process, f *storeFlags) *cobra.Command {
	return &cobra.Command{
		Use:   "settings ID [NAME=VALUE...]",
		Short: "Show the settings of a pool, or change some; durations are seconds",
		Example: `  tigertally pool settings shop
  tigertally pool settings shop cased_usernames=true login_life=604800 'countries=["+86","+852"]'`,
		Args: someArgs,
		RunE: func(c *cobra.Command, args []string) error {
			changes, err := assignments(args[1:])
			if err != nil {
				return err
			}
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				if err := changeSettings(c.Context(), s, args[0], changes); err != nil {
					return err
				}
				return printSettings(c.Context(), p, s, args[0])
			})
		},
	}
}

// assignments reads NAME=VALUE arguments, in order.
func assignments(args []string) ([][2]string, error) {
	list := make([][2]string, 0, len(args))
	for _, a := range args {
		name, value, ok := strings.Cut(a, "=")
		if !ok {
			return nil, usageError{fmt.Errorf("%q is not NAME=VALUE", a)}
		}
		list = append(list, [2]string{name, value})
	}
	return list, nil
}

// changeSettings makes all changes or none.
func changeSettings(ctx context.Context, s *app.Store, id string, changes [][2]string) error {
	if len(changes) == 0 {
		return nil
	}
	values := make(map[string]string, len(changes))
	for _, change := range changes {
		values[change[0]] = change[1]
	}
	return s.ChangePoolSettings(ctx, id, values)
}

func printSettings(ctx context.Context, p Process, s *app.Store, id string) error {
	found, err := s.Pools.Get(ctx, id)
	if err != nil {
		return err
	}
	list, err := found.Settings.Listed()
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(list)) {
		fmt.Fprintf(w, "%s\t%s\n", name, list[name])
	}
	return w.Flush()
}
