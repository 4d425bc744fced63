package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
)

func serveCommand(p Process) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the production server",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := checked(p, file)
			if err != nil {
				return err
			}
			listener, err := app.Listen(c.Context(), conf.Listen)
			if err != nil {
				return err
			}
			server, err := app.Open(c.Context(), app.Options{Config: conf, Logger: logger(p.Stderr, conf), Worker: p.Worker})
			if err != nil {
				return errors.Join(err, listener.Close())
			}
			return server.Serve(c.Context(), listener)
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration `FILE`")
	return c
}

// checked reads the configuration of a production server and reports its problems.
func checked(p Process, file string) (config.Config, error) {
	conf, err := config.Load(file, p.LookupEnv)
	if err != nil {
		return conf, err
	}
	return conf, app.Check(conf)
}

func logger(w io.Writer, conf config.Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: conf.Level()}
	if conf.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(w, o))
	}
	return slog.New(slog.NewJSONHandler(w, o))
}

func configCommand(p Process) *cobra.Command {
	var file string
	check := &cobra.Command{
		Use:   "check",
		Short: "Report every problem of a configuration at once",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if _, err := checked(p, file); err != nil {
				return err
			}
			fmt.Fprintln(c.OutOrStdout(), "the configuration is fine")
			return nil
		},
	}
	check.Flags().StringVar(&file, "config", "", "configuration `FILE`")
	c := &cobra.Command{Use: "config", Short: "Look at the configuration"}
	c.AddCommand(check)
	return c
}
