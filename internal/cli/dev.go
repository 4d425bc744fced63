package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
)

func devCommand(p Process) *cobra.Command {
	var listen, data string
	var limits, quiet bool
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run a development server: embedded storage, inbox, virtual clock",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			conf, err := config.Load("", p.LookupEnv)
			if err != nil {
				return err
			}
			if c.Flags().Changed("listen") || conf.Listen == "" {
				conf.Listen = listen
			}
			if data != "" {
				conf.DataDir = data
			}
			level := slog.LevelInfo
			if quiet {
				level = slog.LevelWarn
			}
			log := slog.New(slog.NewTextHandler(p.Stderr, &slog.HandlerOptions{Level: level}))
			return runDev(c.Context(), p.Stdout, app.DevOptions{Config: conf, Logger: log, Limits: limits, Worker: p.Worker, Upstreams: true})
		},
	}
	c.Flags().StringVar(&listen, "listen", config.DefaultListen, "`HOST:PORT` to serve on")
	c.Flags().StringVar(&data, "data", "", "data `DIR` (default "+config.DefaultDataDir+")")
	c.Flags().BoolVar(&limits, "limits", false, "enforce the sending limits of production")
	c.Flags().BoolVar(&quiet, "quiet", false, "log warnings only")
	return c
}

func runDev(ctx context.Context, out io.Writer, o app.DevOptions) error {
	listener, err := app.Listen(ctx, o.Config.Listen)
	if err != nil {
		return err
	}
	o.Config.Listen = listener.Addr().String() // port 0 became a real one, and links name it
	server, err := app.OpenDev(ctx, o)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := server.Announce(ctx, out); err != nil {
		return errors.Join(err, listener.Close(), server.Close())
	}
	return server.Serve(ctx, listener)
}
