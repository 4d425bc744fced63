package cli

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/field"
)

func fieldCommand(p Process) *cobra.Command {
	var f storeFlags
	var pool string
	c := &cobra.Command{Use: "field", Short: "Fields a pool keeps about its people beyond the profile"}
	f.add(c)
	c.PersistentFlags().StringVar(&pool, "pool", app.DevPool, "`ID` of the pool")
	c.AddCommand(fieldDefine(p, &f, &pool), fieldList(p, &f, &pool), fieldRemove(p, &f, &pool))
	return c
}

func fieldDefine(p Process, f *storeFlags, pool *string) *cobra.Command {
	def := field.Field{}
	c := &cobra.Command{
		Use:   "define KEY",
		Short: "Make a field, or change it",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			def.Key = args[0]
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.DefineField(c.Context(), *pool, def)
			})
		},
	}
	c.Flags().StringVar(&def.DataType, "type", field.String, "`TYPE`: STRING, NUMBER, DATETIME, BOOLEAN, OBJECT or SELECT")
	c.Flags().StringVar(&def.Label, "label", "", "`NAME` people see (default the key)")
	c.Flags().StringVar(&def.Options, "options", "", "what a SELECT may hold, as a JSON `LIST`")
	return c
}

func fieldList(p Process, f *storeFlags, pool *string) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the fields",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				fields, err := s.Fields.List(c.Context(), *pool)
				if err != nil {
					return err
				}
				w := tabwriter.NewWriter(p.Stdout, 0, 4, 2, ' ', 0)
				fmt.Fprintln(w, "KEY\tTYPE\tLABEL\tOPTIONS")
				for _, v := range fields {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Key, v.DataType, v.Label, v.Options)
				}
				return w.Flush()
			})
		},
	}
}

func fieldRemove(p Process, f *storeFlags, pool *string) *cobra.Command {
	return &cobra.Command{
		Use:   "remove KEY",
		Short: "End a field; the values people have are kept out of sight",
		Args:  oneArg,
		RunE: func(c *cobra.Command, args []string) error {
			return withStore(c.Context(), p, f, func(s *app.Store) error {
				return s.RemoveField(c.Context(), *pool, args[0])
			})
		},
	}
}
