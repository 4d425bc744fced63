package cli

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/migrate"
)

func migrateCommand(p Process) *cobra.Command {
	var f storeFlags
	var v importFlags
	from := &cobra.Command{
		Use:       "from cloudbase|authing FILE",
		Short:     "Bring people in from an export of CloudBase or Authing; see docs/migrating.md",
		ValidArgs: []string{migrate.CloudBase, migrate.Authing},
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.ExactArgs(2)(c, args); err != nil {
				return usageError{err}
			}
			if !slices.Contains(c.ValidArgs, args[0]) {
				return usageError{errors.New("only exports of cloudbase and authing are known")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			v.o.From = args[0]
			return runImport(c, p, &f, &v, args[1])
		},
	}
	v.add(from)
	from.Flags().StringVar(&v.o.WeChat, "wechat", "", "`ID` of the provider that WXOpenId of CloudBase belongs to, such as a mini-program's app id (default wx_open)")
	c := &cobra.Command{Use: "migrate", Short: "Move here from another vendor"}
	f.add(c)
	c.AddCommand(from)
	return c
}
