// Package accounttest builds the sign-in and account flows with everything below them on
// a test database. It holds no test.
package accounttest

import (
	"bytes"
	"context"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/account"
	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/code"
	"github.com/tigertally/tigertally/internal/connection"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/federation"
	"github.com/tigertally/tigertally/internal/field"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/keys"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/media"
	"github.com/tigertally/tigertally/internal/notify"
	"github.com/tigertally/tigertally/internal/pipeline"
	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/qr"
	"github.com/tigertally/tigertally/internal/revocation"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/sudo"
	"github.com/tigertally/tigertally/internal/ticket"
	"github.com/tigertally/tigertally/internal/user"
)

// Kit is the flows, what they are made of, and one pool.
type Kit struct {
	DB       *db.DB
	Pools    *pool.Service
	Users    *user.Service
	Sessions *session.Service
	Codes    *code.Service
	Tickets  *ticket.Service
	Limits   *limit.Service
	Captcha  *captcha.Service
	Media    *media.Service
	Audit    *audit.Service
	Fields   *field.Service
	Hasher   *secret.Hasher
	Signin   *signin.Service
	Account  *account.Service
	Admin    *admin.Service
	Keys     *keys.Service

	Connections *connection.Service
	Screens     *qr.Service
	Federation  *federation.Service
	// Vendor opens the driver of a connection; set it before the first is needed.
	Vendor func(c connection.Connection, settings map[string]string) (federation.Vendor, error)

	// Pipelines run nothing unless the test's binary turns into a worker: see Worker.
	Pipelines *pipeline.Service
	// OneTap is what the carrier says of a token, once.
	OneTap map[string]string

	// Notify sends what Message returns. What Undelivered says of a message, if it is set,
	// is why it was not sent.
	Notify      *notify.Service
	Undelivered func(m notify.Message) error

	// Client is the application of the pool "p".
	Client pool.Client

	mu       sync.Mutex
	ahead    time.Duration
	answers  map[string]string
	messages chan notify.Message
}

// Password is long and rare enough for every policy.
const Password = "correct-horse-battery"

// New builds a Kit on d; edit changes the settings of the pool. Limits are off.
func New(t testing.TB, d *db.DB, edit ...func(*pool.Settings)) *Kit {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	check(t, err)
	k := &Kit{DB: d, answers: map[string]string{}, messages: make(chan notify.Message, 100)}
	log := slog.New(slog.DiscardHandler)
	k.Hasher = secret.NewHasher(secret.HasherOptions{
		Params: secret.Argon2Params{Memory: 64, Time: 1, Threads: 1}, MaxWait: time.Minute,
	})
	t.Cleanup(k.Hasher.Close)
	k.Pools = pool.New(d, k.Now)
	k.Users = user.New(d, k.Now)
	k.Keys = keys.New(d, ring, k.Now)
	issuer := func(id string) string { return "https://id.test/" + id }
	k.Sessions = session.New(d, k.Keys, ring, k.Now, issuer)
	k.Limits = limit.New(d, ring, k.Now)
	k.Codes = code.New(d, ring, k.Limits, k.Now)
	k.Tickets = ticket.New(d, k.Now)
	k.Captcha = captcha.New(k.Tickets, k.Limits, d, ring, k.Now)
	k.Captcha.OnChallenge = func(token, answer string) { k.answers[token] = answer }
	k.Audit = audit.New(d, k.Now)
	k.Audit.Ring = ring
	k.Fields = field.New(d, k.Now)
	k.Connections, k.Screens = connection.New(d, ring, k.Now), qr.New(d, k.Now)
	program, err := os.Executable()
	check(t, err)
	k.Pipelines = pipeline.New(d, ring, k.Audit, k.Now, log, pipeline.Options{
		Command: []string{program, workerWord}, Workers: 1, Clock: time.Now,
		// Shared, so that the interpreter is compiled once.
		Dir: filepath.Join(os.TempDir(), "tigertally-test-workers"),
	})
	t.Cleanup(func() { _ = k.Pipelines.Close() })
	k.OneTap = make(map[string]string)
	jobs := job.New(d, ring, k.Now, log)
	words := notify.New(jobs, k.Now, func(_ context.Context, m notify.Message) error {
		if k.Undelivered != nil {
			if err := k.Undelivered(m); err != nil {
				return err
			}
		}
		k.messages <- m
		return nil
	})
	words.Refund, k.Notify = k.Limits.RefundAll, words
	revocations := revocation.New(d, ring, jobs, k.Now)
	k.Signin = signin.New(signin.Deps{
		DB: d, Pools: k.Pools, Users: k.Users, Sessions: k.Sessions, Codes: k.Codes, Tickets: k.Tickets,
		Limits: k.Limits, Captcha: k.Captcha, Audit: k.Audit, Hasher: k.Hasher, Now: k.Now, Logger: log,
		Pipelines: k.Pipelines, Fields: k.Fields, OneTap: carrier{k}, Connections: k.Connections, Screens: k.Screens,
		Revocations: revocations,
	})
	k.Federation = federation.New(federation.Deps{
		DB: d, Ring: ring, Pools: k.Pools, Connections: k.Connections, Tickets: k.Tickets, Sessions: k.Sessions,
		Limits: k.Limits, Proofs: k.Signin.Proofs(), Now: k.Now, Logger: log, PublicURL: "https://id.test",
		Audit: k.Audit, Revocations: revocations,
		Open: func(c connection.Connection, settings map[string]string) (federation.Vendor, error) {
			return k.Vendor(c, settings)
		},
	})
	k.Media = media.New(d, k.Now)
	k.Account = account.New(account.Deps{
		Jobs: jobs, Media: k.Media,
		DB: d, Pools: k.Pools, Users: k.Users, Sessions: k.Sessions, Codes: k.Codes, Tickets: k.Tickets,
		Sudo: sudo.New(k.Tickets, k.Now), Limits: k.Limits, Captcha: k.Captcha, Audit: k.Audit, Notify: words,
		Fields: k.Fields, Proofs: k.Signin.Proofs(), Now: k.Now, Logger: log, Connections: k.Connections, Screens: k.Screens,
		Revocations: revocations, PublicURL: "https://id.test",
	})
	k.Admin = admin.New(admin.Deps{
		DB: d, Pools: k.Pools, Users: k.Users, Sessions: k.Sessions, Account: k.Account, Fields: k.Fields,
		Keys: k.Keys, Limits: k.Limits, Audit: k.Audit, Proofs: k.Signin.Proofs(), Hasher: k.Hasher,
		Issuer: issuer, Now: k.Now,
	})
	k.settle(t, edit)
	check(t, jobs.Start(t.Context()))
	t.Cleanup(jobs.Stop)
	return k
}

// settle makes the pool, unless another node of the test has.
func (k *Kit) settle(t testing.TB, edit []func(*pool.Settings)) {
	t.Helper()
	set := pool.Defaults()
	set.Anonymous, set.Limits, set.Captcha, set.PasswordMin = true, false, pool.CaptchaOff, 8
	for _, e := range edit {
		e(&set)
	}
	_, err := k.Pools.Create(t.Context(), "p", "Test", set)
	if errs.CodeOf(err) != errs.PoolTaken {
		check(t, err)
	}
	k.Client, err = k.Pools.Client(t.Context(), "p")
	check(t, err)
}

// workerWord makes a test's binary a worker.
const workerWord = "pipeline-worker"

// Worker makes the binary a worker when it was started as one: call it in TestMain.
func Worker() {
	if len(os.Args) != 2 || os.Args[1] != workerWord {
		return
	}
	if err := sandbox.Worker(context.Background(), os.Stdin, os.Stdout, time.Now); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// carrier says of a token what the test told it, once.
type carrier struct{ k *Kit }

// Phone returns the number of a token.
func (c carrier) Phone(_ context.Context, _, token, _ string) (string, error) {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	number, ok := c.k.OneTap[token]
	if !ok {
		return "", errs.New(errs.OneTapRefused)
	}
	delete(c.k.OneTap, token)
	return number, nil
}

// Now is the clock every service obeys.
func (k *Kit) Now() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Now().Add(k.ahead)
}

// Advance moves the clock.
func (k *Kit) Advance(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.ahead += d
}

// From returns t's context with a caller at addr on device.
func From(t testing.TB, addr, device string) context.Context {
	t.Helper()
	return caller.With(t.Context(), caller.Info{Addr: netip.MustParseAddr(addr), DeviceID: device, Lang: "en"})
}

// Message waits for the next message to target.
func (k *Kit) Message(t testing.TB, target string) notify.Message {
	t.Helper()
	timeout := time.After(10 * time.Second)
	for {
		select {
		case m := <-k.messages:
			if m.To == target {
				return m
			}
		case <-timeout:
			t.Fatalf("no message to %s", target)
		}
	}
}

// Solve returns a good captcha token.
func (k *Kit) Solve(t testing.TB) string {
	t.Helper()
	c, err := k.Captcha.Challenge(t.Context(), k.Client.Pool, k.Client.ID, "s")
	check(t, err)
	token, _, err := k.Captcha.Answer(t.Context(), k.Client.Pool, k.Client.ID, c.Token, k.answers[c.Token])
	check(t, err)
	return token
}

// Code makes a code for target without sending it and returns its id and digits.
func (k *Kit) Code(t testing.TB, target, askedBy string, usage signin.Usage) (id, digits string) {
	t.Helper()
	channel := code.SMS
	if kind, _, _ := contact.Classify(target); kind == contact.KindEmail {
		channel = code.Email
	}
	issued, err := k.Codes.Issue(t.Context(), code.Request{
		Pool: k.Client.Pool, ClientID: k.Client.ID, Channel: channel, Target: target,
		Usage: string(usage), UserID: askedBy,
	})
	check(t, err)
	return issued.ID, issued.Code
}

// Verified returns a verification token for target.
func (k *Kit) Verified(t testing.TB, target, askedBy string, usage signin.Usage) string {
	t.Helper()
	id, digits := k.Code(t, target, askedBy, usage)
	g, err := k.Account.VerifyCode(t.Context(), k.Client, id, digits)
	check(t, err)
	return g.Token
}

// User makes a person whose addresses count as verified.
func (k *Kit) User(t testing.TB, in admin.NewUser) user.User {
	t.Helper()
	in.PhoneVerified, in.EmailVerified = true, true
	u, err := k.Admin.CreateUser(t.Context(), admin.Operator("p", "test"), in)
	check(t, err)
	return u
}

// SignIn signs somebody in by Password and returns the session and its principal.
func (k *Kit) SignIn(t testing.TB, identifier string) (session.Tokens, session.Principal) {
	t.Helper()
	out, err := k.Signin.SignIn(t.Context(), signin.Input{
		Client: k.Client, Method: signin.MethodPassword, Identifier: identifier, Password: Password,
	})
	check(t, err)
	return *out.Session, k.Principal(t, *out.Session)
}

// Principal verifies an access token.
func (k *Kit) Principal(t testing.TB, tokens session.Tokens) session.Principal {
	t.Helper()
	p, err := k.Sessions.Verify(t.Context(), tokens.Access)
	check(t, err)
	return p
}

// Race runs fn n times at once and returns how many succeeded and the errors of the
// others.
func Race(n int, fn func(i int) error) (won int, lost []error) {
	results := make(chan error, n)
	start := make(chan struct{})
	for i := range n {
		go func() {
			<-start
			results <- fn(i)
		}()
	}
	close(start)
	for range n {
		if err := <-results; err != nil {
			lost = append(lost, err)
		} else {
			won++
		}
	}
	return won, lost
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
