// Command bench measures the server beside the ceilings of the machine it runs on, all
// in one run, because only ratios inside one run mean anything on a shared machine.
//
//	go build -o bin/tigertally ./cmd/tigertally
//	go run ./bench -binary bin/tigertally [-users 1000] [-seconds 5]
//
// It prints an empty Go handler and a bare hashing loop first, then sign-in, user/me,
// refresh, what user/me feels while sign-ins saturate the machine, memory and start.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

type options struct {
	binary  string
	users   int
	seconds float64
	dir     string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/tigertally", "the server to measure")
	flag.IntVar(&o.users, "users", 1000, "users in the database")
	flag.Float64Var(&o.seconds, "seconds", 5, "measured seconds of each load")
	flag.StringVar(&o.dir, "dir", "", "directory for the database (default: a temporary one)")
	empty := flag.String("empty", "", "internal: serve an empty handler on this address")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *empty != "" {
		err = serveEmpty(*empty)
	} else {
		err = run(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has run.
	}
}

func serveEmpty(addr string) error {
	server := &http.Server{
		Addr: addr, ReadHeaderTimeout: time.Second,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte("{}"))
		}),
	}
	return server.ListenAndServe()
}

func say(format string, args ...any) { fmt.Fprintf(os.Stdout, format+"\n", args...) }

func run(ctx context.Context, o options) error {
	window := time.Duration(o.seconds * float64(time.Second))
	say("%s, %d cores, %d users, %s per load", runtime.Version(), runtime.NumCPU(), o.users, window)
	rate, err := emptyHandler(ctx, window)
	if err != nil {
		return err
	}
	say("empty handler, 8 workers   %s", rate)
	before := hashCeiling(window)
	say("bare argon2id loop         %9.1f/s", before)

	dir := o.dir
	if dir == "" {
		if dir, err = os.MkdirTemp("", "tigertally-bench"); err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(dir) }()
	}
	if err := prepare(ctx, o, dir); err != nil {
		return err
	}
	s, err := start(ctx, o.binary, dir)
	if err != nil {
		return err
	}
	defer s.kill()
	say("start to ready             %9s  (database of %d users)", s.ready.Round(time.Millisecond/10), o.users)
	time.Sleep(3 * time.Second)
	say("idle memory                %9.1f MiB", s.rss())
	if err := loads(s, o, window); err != nil {
		return err
	}
	after := hashCeiling(window)
	say("bare argon2id loop again   %9.1f/s", after)
	say("memory after load          %9.1f MiB", s.rss())
	time.Sleep(10 * time.Second)
	say("memory 10 s later          %9.1f MiB", s.rss())
	return nil
}

// prepare makes the database once: a first start, then the users.
func prepare(ctx context.Context, o options, dir string) error {
	if _, err := os.Stat(filepath.Join(dir, "seeded")); err == nil {
		return nil
	}
	s, err := start(ctx, o.binary, dir)
	if err != nil {
		return err
	}
	s.kill()
	begin := time.Now()
	if err := seed(ctx, dir, o.users); err != nil {
		return err
	}
	say("seeding                    %9s", time.Since(begin).Round(time.Millisecond))
	return os.WriteFile(filepath.Join(dir, "seeded"), nil, 0o600)
}

func emptyHandler(ctx context.Context, window time.Duration) (result, error) {
	addr, err := freePort()
	if err != nil {
		return result{}, err
	}
	stop, err := spawnEmpty(ctx, addr)
	if err != nil {
		return result{}, err
	}
	defer stop()
	get := func(c *client, _ int) error {
		_, err := c.do(http.MethodGet, "/", "", "")
		return err
	}
	return closedLoop(addr, 8, window/5, window, get), nil
}

// hashCeiling is how many hashes the machine makes with nothing else to do.
func hashCeiling(window time.Duration) float64 {
	var done atomic.Int64
	end := time.Now().Add(window)
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for time.Now().Before(end) {
				argon2.IDKey([]byte(password), []byte("0123456789abcdef"), 2, 19456, 1, 32)
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / window.Seconds()
}

// loads runs every load against s.
func loads(s *server, o options, window time.Duration) error {
	const sessions = 128
	pool, err := sessionsOf(s, sessions, o.users)
	if err != nil {
		return err
	}
	me := func(c *client, w int) error {
		_, err := c.do(http.MethodGet, "/auth/v1/user/me", pool[w%sessions].access, "")
		return err
	}
	refresh := func(c *client, w int) error {
		b, err := c.do(http.MethodPost, "/auth/v1/token?client_id=dev", "",
			`{"client_id":"dev","grant_type":"refresh_token","refresh_token":"`+pool[w].refresh+`"}`)
		if err == nil {
			pool[w] = signedIn{field(b, "access_token"), field(b, "refresh_token")}
		}
		return err
	}
	var turn atomic.Int64
	in := func(c *client, _ int) error {
		_, err := signIn(c, int(turn.Add(1)*7919)%o.users)
		return err
	}
	say("user/me, 8 workers         %s", closedLoop(s.addr, 8, window/5, window, me))
	say("refresh, 8 workers         %s", closedLoop(s.addr, 8, window/5, window, refresh))
	commits, tx := s.metric("tigertally_db_commits_total"), s.metric("tigertally_db_transactions_total")
	say("refresh, 64 workers        %s", closedLoop(s.addr, 64, window/5, window, refresh))
	commits, tx = s.metric("tigertally_db_commits_total")-commits, s.metric("tigertally_db_transactions_total")-tx
	say("fsyncs per 1000 refreshes  %9.1f", 1000*commits/max(tx, 1))
	say("sign-in, 8 workers         %s", closedLoop(s.addr, 8, window/5, window, in))
	var beside result
	var wg sync.WaitGroup
	wg.Go(func() {
		time.Sleep(window / 5)
		beside = openLoop(s.addr, 200, window, me)
	})
	say("sign-in beside user/me     %s", closedLoop(s.addr, 8, window/5, window, in))
	wg.Wait()
	say("user/me at 200/s beside it %s", beside)
	return nil
}

// sessionsOf signs in n different users.
func sessionsOf(s *server, n, users int) ([]signedIn, error) {
	pool := make([]signedIn, n)
	c := dial(s.addr)
	defer c.close()
	for i := range pool {
		var err error
		if pool[i], err = signIn(c, i%users); err != nil {
			return nil, err
		}
	}
	return pool, nil
}
