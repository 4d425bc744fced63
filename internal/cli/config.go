package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
)

func configCommand(p Process) *cobra.Command {
	c := &cobra.Command{Use: "config", Short: "Look at the configuration"}
	c.AddCommand(configCheck(p))
	return c
}

func configCheck(p Process) *cobra.Command {
	var file string
	var offline bool
	c := &cobra.Command{
		Use:   "check",
		Short: "Report every problem of a configuration at once",
		Long: "Report every problem of a configuration at once: settings, files with secrets, the address to listen on,\n" +
			"the data directory and the database. Nothing is changed, and a server may be running.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := config.Load(file, p.LookupEnv)
			problems := []error{err, app.Check(conf)}
			for _, path := range config.SecretFiles(file, conf, p.LookupEnv) {
				problems = append(problems, config.CheckSecretFile(path))
			}
			if config.HoldsSecrets(file) && config.CheckSecretFile(file) != nil {
				fmt.Fprintf(p.Stdout, "note: %s holds secrets and everybody on this machine may use it; run: chmod o= %s\n", file, file)
			}
			notes, err := app.CheckPlace(c.Context(), conf, offline)
			for _, note := range notes {
				fmt.Fprintln(p.Stdout, "note:", note)
			}
			if err := errors.Join(append(problems, err)...); err != nil {
				return err
			}
			fmt.Fprintln(p.Stdout, "the configuration is fine")
			return nil
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration `FILE`")
	c.Flags().BoolVar(&offline, "offline", false, "look at no address and no database: for a machine other than the server's")
	return c
}
