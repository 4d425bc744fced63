package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

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
			log := logger(p.Stderr, conf)
			server, err := app.Open(c.Context(), app.Options{Config: conf, Logger: log, Worker: p.Worker})
			if err != nil {
				return errors.Join(err, listener.Close())
			}
			if err := welcome(c, p, server, log); err != nil {
				return errors.Join(err, listener.Close(), server.Close())
			}
			return server.Serve(c.Context(), listener)
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration `FILE`")
	return c
}

// welcome says how the first administrator is made, while there is none. The link itself is
// shown to a person at a terminal; elsewhere it would end up in somebody's log.
func welcome(c *cobra.Command, p Process, server *app.App, log *slog.Logger) error {
	link, file, err := server.FirstLink(c.Context())
	if err != nil || link == "" {
		return err
	}
	if f, ok := p.Stderr.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
			_, err := fmt.Fprintf(p.Stderr, "\n  Make the first administrator, once and within an hour:\n  %s\n\n", link)
			return err
		}
	}
	log.WarnContext(c.Context(), "there is no administrator yet; the link that makes the first one is in a file", "file", file)
	return nil
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
