package dbtest

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named "pgx"

	"github.com/tigertally/tigertally/internal/db"
)

// address names a PostgreSQL server whose databases tests may create and drop.
const address = "TIGERTALLY_TEST_POSTGRES"

var errNone = errors.New("no PostgreSQL: set " + address + " or install the server")

// server is the PostgreSQL of this test process, found or started when first asked for.
var server = sync.OnceValues(func() (*cluster, error) {
	c := &cluster{}
	if dsn := os.Getenv(address); dsn != "" {
		u, err := url.Parse(dsn)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", address, err)
		}
		c.url = u
	} else if err := c.start(); err != nil {
		return nil, err
	}
	return c, c.makeTemplate()
})

type cluster struct {
	url      *url.URL // of the database to issue commands in
	template string
	count    atomic.Int64
	leash    io.Closer // the input of the shell that cleans up: were it collected, the server would stop
}

// EmptyURL is the address of a PostgreSQL database without any schema.
func EmptyURL(t testing.TB) string {
	t.Helper()
	return create(t, "template0")
}

func postgresURL(t testing.TB) string {
	t.Helper()
	return create(t, "")
}

// create makes a database from a template, by default the one with our schema.
func create(t testing.TB, template string) string {
	t.Helper()
	c, err := server()
	if errors.Is(err, errNone) {
		if ci := os.Getenv("CI"); ci == "true" || ci == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("test PostgreSQL: %v", err)
	}
	if template == "" {
		template = c.template
	}
	name := c.name(c.count.Add(1))
	if err := c.do(t.Context(), "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		t.Fatalf("test PostgreSQL: %v", err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context()) // that of a test ends before its cleanup
		if err := c.do(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Logf("test PostgreSQL: %v", err)
		}
	})
	return c.database(name)
}

func (c *cluster) name(n int64) string {
	return "tigertally_test_" + strconv.Itoa(os.Getpid()) + "_" + strconv.FormatInt(n, 10)
}

func (c *cluster) database(name string) string {
	u := *c.url
	u.Path = "/" + name
	return u.String()
}

// makeTemplate migrates one empty database, which the others are copies of.
func (c *cluster) makeTemplate() error {
	ctx := context.Background() // the template belongs to no one test.
	c.template = c.name(0)
	c.do(ctx, "DROP DATABASE IF EXISTS "+c.template) //nolint:errcheck // of an earlier process with our number.
	if err := c.do(ctx, "CREATE DATABASE "+c.template+" TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C' ENCODING 'UTF8'"); err != nil {
		return err
	}
	d, err := db.Open(ctx, db.Options{URL: c.database(c.template)})
	if err != nil {
		return err
	}
	return d.Close()
}

func (c *cluster) do(ctx context.Context, command string) error {
	p, err := sql.Open("pgx", c.url.String())
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // one command was all.
	_, err = p.ExecContext(ctx, command)
	return err
}

// start makes a cluster in a temporary directory, on a Unix socket only and without
// fsync. A shell waits for the end of its input, which comes with the end of this
// process however it ends, and removes the cluster.
func (c *cluster) start() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "tigertally-pg-")
	if err != nil {
		return err
	}
	who, err := owner(dir)
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	if err := run(who, dir, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return err
	}
	options := "-F -h '' -k " + dir + " -c full_page_writes=off -c synchronous_commit=off -c max_connections=200 -c shared_buffers=32MB -c autovacuum=off"
	if err := run(who, dir, filepath.Join(bin, "pg_ctl"), "-D", data, "-l", filepath.Join(dir, "log"), "-w", "-o", options, "start"); err != nil {
		return err
	}
	const waiter = `trap '' INT TERM; cat >/dev/null; "$1"/pg_ctl -D "$2"/data -m immediate stop >/dev/null 2>&1; rm -rf "$2"`
	cmd := exec.Command("/bin/sh", "-c", waiter, "sh", bin, dir)
	who.apply(cmd)
	cmd.Dir = dir
	if c.leash, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	c.url = &url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/postgres", RawQuery: url.Values{"host": {dir}}.Encode()}
	return nil
}

func run(who account, dir, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	who.apply(cmd)
	cmd.Dir = dir
	// A file, not a pipe: the server inherits it and would keep a pipe open.
	out, err := os.CreateTemp("", "tigertally-pg-out-")
	if err != nil {
		return err
	}
	defer os.Remove(out.Name()) //nolint:errcheck // a temporary file.
	defer out.Close()           //nolint:errcheck // a temporary file.
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name())
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, bytes.TrimSpace(text))
	}
	return nil
}

// binaries finds the directory of initdb and pg_ctl.
func binaries() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			return filepath.Dir(path), nil
		}
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil || len(found) == 0 {
		return "", errNone
	}
	return filepath.Dir(found[len(found)-1]), nil
}
