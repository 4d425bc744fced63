// Command cli signs somebody in from a terminal, with a code sent to their phone, and
// keeps their session in a directory that only they may read.
//
//	tigertally dev
//	go run ./examples/cli signin 13800000000
//	go run ./examples/cli whoami
//	go run ./examples/cli token
//	go run ./examples/cli signout
package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/tigertally/tigertally/sdk/authing"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	p := process{in: os.Stdin, out: os.Stdout, help: os.Stderr}
	if err := p.run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, explain(err))
		os.Exit(1)
	}
}

// process is what a command sees of the outside.
type process struct {
	in        io.Reader
	out, help io.Writer
}

const usage = `Usage: cli [flags] COMMAND

  signin PHONE  send a code, ask for it and sign in
  whoami        say who is signed in
  token         print the login token, for a program that calls an API
  signout       end the session

Flags:
`

func (p process) run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("cli", flag.ContinueOnError)
	flags.SetOutput(p.help)
	host := flags.String("server", "http://127.0.0.1:9009", "`URL` of Tigertally")
	app := flags.String("app", "dev-app", "`id` of the application")
	country := flags.String("country", "+86", "`code` of the phone's country")
	lang := flags.String("lang", "en-US", "`language` of the server's messages, such as zh-CN")
	dir := flags.String("session", "", "`directory` of the session; the default is in your configuration directory")
	flags.Usage = func() {
		fmt.Fprint(p.help, usage)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		home, err := os.UserConfigDir()
		if err != nil {
			return fmt.Errorf("where to keep the session: %w; see -session", err)
		}
		*dir = filepath.Join(home, "tigertally-example")
	}
	storage, err := authing.NewFileStorage(*dir)
	if err != nil {
		return err
	}
	client, err := authing.New(authing.Config{AppID: *app, Host: *host, Lang: *lang, Storage: storage})
	if err != nil {
		return err
	}
	switch command := flags.Args(); {
	case len(command) == 2 && command[0] == "signin":
		return p.signIn(ctx, client, command[1], *country)
	case len(command) == 1 && command[0] == "whoami":
		return p.whoAmI(ctx, client)
	case len(command) == 1 && command[0] == "token":
		return p.token(ctx, client)
	case len(command) == 1 && command[0] == "signout":
		return client.Logout(ctx, nil)
	}
	flags.Usage()
	return errors.New("there is no such command")
}

// signIn asks for the code until it is right or the server has had enough.
func (p process) signIn(ctx context.Context, client *authing.AuthClient, phone, country string) error {
	if err := client.SendSms(ctx, phone, &authing.SmsOptions{CountryCode: country}); err != nil {
		return err
	}
	lines := bufio.NewScanner(p.in)
	for {
		fmt.Fprintf(p.out, "Code sent to %s: ", phone)
		if !lines.Scan() {
			return errors.Join(errors.New("no code was given"), lines.Err())
		}
		user, err := client.LoginByPhoneCode(ctx, phone, strings.TrimSpace(lines.Text()), &authing.LoginOptions{
			CountryCode: country, AutoRegister: true,
		})
		switch {
		case errors.Is(err, authing.ErrCodeWrong):
			fmt.Fprintln(p.out, explain(err))
		case err != nil:
			return err
		default:
			fmt.Fprintf(p.out, "Signed in as %s until %s\n", user.ID, user.TokenExpiredAt.Format("2006-01-02"))
			return nil
		}
	}
}

// whoAmI asks the server, so that a session that was ended elsewhere is noticed.
func (p process) whoAmI(ctx context.Context, client *authing.AuthClient) error {
	user, err := client.GetCurrentUser(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%s  %s%s\n", user.ID, user.PhoneCountryCode, user.Phone)
	return nil
}

// token prints what an API behind package verify takes as a bearer token.
func (p process) token(ctx context.Context, client *authing.AuthClient) error {
	user, err := client.GetCurrentUser(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(p.out, user.Token)
	return nil
}

// explain is what a person is told about a failure.
func explain(err error) string {
	if errors.Is(err, authing.ErrNotLoggedIn) {
		return "nobody is signed in; try: signin PHONE"
	}
	if e, ok := errors.AsType[*authing.Error](err); ok && e.Message != "" {
		return e.Message
	}
	return err.Error()
}
