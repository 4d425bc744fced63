package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/sdk/authing"
	"github.com/tigertally/tigertally/sdk/tigertallytest"
	"github.com/tigertally/tigertally/sdk/verify"
)

// terminal runs commands of one person, whose session is in one directory.
type terminal struct {
	t   *testing.T
	srv *tigertallytest.Server
	dir string
}

func newTerminal(t *testing.T, srv *tigertallytest.Server) *terminal {
	t.Helper()
	return &terminal{t, srv, filepath.Join(t.TempDir(), "new")}
}

// run runs a command whose input comes from in.
func (e *terminal) run(in io.Reader, args ...string) (string, error) {
	e.t.Helper()
	var out strings.Builder
	p := process{in: in, out: &out, help: io.Discard}
	err := p.run(e.t.Context(), append([]string{"-server", e.srv.URL, "-app", e.srv.AppID, "-session", e.dir}, args...))
	return out.String(), err
}

// good runs a command that must not fail.
func (e *terminal) good(args ...string) string {
	e.t.Helper()
	out, err := e.run(strings.NewReader(""), args...)
	if err != nil {
		e.t.Fatalf("%v: %v", args, err)
	}
	return out
}

// typist types a wrong code and then the one that was sent.
type typist struct {
	e     *terminal
	wrong bool
}

func (p *typist) Read(b []byte) (int, error) {
	if !p.wrong {
		p.wrong = true
		return copy(b, "nonsense\n"), nil
	}
	return copy(b, p.e.srv.Code(p.e.t, "13800000000")+"\n"), nil
}

func (e *terminal) signIn() string {
	e.t.Helper()
	out, err := e.run(&typist{e: e}, "signin", "13800000000")
	if err != nil {
		e.t.Fatal(err)
	}
	_, out, _ = strings.Cut(out, "Signed in as ")
	id, _, _ := strings.Cut(out, " ")
	return id
}

// Each command is a run of its own; the directory carries the session from one to the next.
func TestSessionOutlivesTheProgram(t *testing.T) {
	srv := tigertallytest.Start(t)
	e := newTerminal(t, srv)
	if _, err := e.run(strings.NewReader(""), "whoami"); !errors.Is(err, authing.ErrNotLoggedIn) || !strings.Contains(explain(err), "signin") {
		t.Errorf("before: %v", err)
	}
	id := e.signIn()
	if out := e.good("whoami"); id == "" || !strings.HasPrefix(out, id) || !strings.Contains(out, "+8613800000000") {
		t.Errorf("whoami: %s, want %s", out, id)
	}
	srv.Restart(t)
	token := strings.TrimSpace(e.good("token"))
	v, err := verify.New(verify.Config{Issuer: srv.Issuer, Audience: []string{srv.AppID}})
	if err != nil {
		t.Fatal(err)
	}
	if claims, err := v.Verify(t.Context(), token); err != nil || claims.Subject != id {
		t.Errorf("the token: %v, %v", claims, err)
	}
	if err := filepath.WalkDir(e.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read %s: %v", path, info.Mode())
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if other := newTerminal(t, srv); other.dir == e.dir {
		t.Fatal("two people share a directory")
	} else if _, err := other.run(strings.NewReader(""), "whoami"); !errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("somebody else: %v", err)
	}
	e.good("signout")
	if _, err := e.run(strings.NewReader(""), "whoami"); !errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("after: %v", err)
	}
	if again := e.signIn(); again != id {
		t.Errorf("%s comes back as %s", id, again)
	}
}

func TestFailuresAreExplained(t *testing.T) {
	e := newTerminal(t, tigertallytest.Start(t))
	for name, args := range map[string][]string{
		"no command": nil, "no such command": {"dance"}, "no number": {"signin"}, "no such flag": {"-dance"},
		"no code": {"signin", "13800000000"}, "no phone number": {"signin", "12"},
	} {
		if _, err := e.run(strings.NewReader(""), args...); err == nil || explain(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := process{in: strings.NewReader(""), out: io.Discard, help: io.Discard}
	if err := p.run(ctx, []string{"-server", e.srv.URL, "-session", e.dir, "signin", "13800000000"}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
