// Command webapp is a small site people sign in to with a code sent to their phone. Its
// back end talks to Tigertally, the browser holds nothing but a random cookie, and what
// is behind the sign-in is guarded by the middleware of package verify.
//
//	tigertally dev
//	go run ./examples/webapp
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves the site until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("webapp", flag.ContinueOnError)
	flags.SetOutput(out)
	listen := flags.String("listen", "127.0.0.1:8080", "`address` of the site")
	server := flags.String("server", "http://127.0.0.1:9009", "`URL` of Tigertally")
	env := flags.String("env", "dev", "`id` of the environment, which is the user pool")
	client := flags.String("client", "", "`id` of the application; the default is env")
	issuer := flags.String("issuer", "", "issuer of the tokens; the default is the server's own: SERVER/oidc")
	secure := flags.Bool("secure", false, "the site is reached by https")
	if err := flags.Parse(args); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(out, nil))
	s, err := newSite(siteOptions{
		Server: *server, Env: *env, Client: *client, Issuer: *issuer, Secure: *secure, Logger: log, Now: time.Now,
	})
	if err != nil {
		return err
	}
	defer s.close()
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", *listen)
	if err != nil {
		return err
	}
	log.InfoContext(ctx, "serving", "url", "http://"+l.Addr().String())
	return serve(ctx, l, s.handler())
}

// serve answers on l until ctx ends, and then lets requests under way finish.
func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return server.Shutdown(ctx)
}
