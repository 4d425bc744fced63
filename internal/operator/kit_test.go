package operator_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/secret"
)

const good = "a long enough sentence"

// kit is an installation with a clock the test moves.
type kit struct {
	*operator.Service
	t     *testing.T
	db    *db.DB
	audit *audit.Service
	now   time.Time
	ctx   context.Context //nolint:containedctx // a test has one.
}

func newKit(t *testing.T, d *db.DB) *kit {
	t.Helper()
	k := &kit{t: t, db: d, now: time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return k.now }
	ring, err := secret.NewKeyring(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	hasher := secret.NewHasher(secret.HasherOptions{Workers: 1})
	t.Cleanup(hasher.Close)
	k.audit = audit.New(d, clock)
	k.Service = operator.New(operator.Deps{
		DB: d, Ring: ring, Hasher: hasher, Limits: limit.New(d, ring, clock), Audit: k.audit,
		Now: clock, Issuer: "Tigertally",
	})
	k.ctx = from(t.Context(), "203.0.113.7")
	return k
}

func from(ctx context.Context, addr string) context.Context {
	return caller.With(ctx, caller.Info{Addr: netip.MustParseAddr(addr), RequestID: "r1"})
}

// code is an independent reading of RFC 6238.
func (k *kit) code(a operator.Authenticator) string {
	k.t.Helper()
	return codeAt(k.t, a.Secret, k.now.Unix()/30)
}

func codeAt(t *testing.T, text string, step int64) string {
	t.Helper()
	seed, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, seed)
	if err := binary.Write(mac, binary.BigEndian, step); err != nil {
		t.Fatal(err)
	}
	sum := mac.Sum(nil)
	o := sum[19] & 15
	n := (uint32(sum[o]&0x7f)<<24 | uint32(sum[o+1])<<16 | uint32(sum[o+2])<<8 | uint32(sum[o+3])) % 1e6
	return fmt.Sprintf("%06d", n)
}

// enrolled is an operator who is signed in with both factors.
type enrolled struct {
	id, name string
	opened   operator.Opened
	app      operator.Authenticator
	recovery []string
}

// first makes the first owner.
func (k *kit) first() enrolled {
	k.t.Helper()
	token, _, err := k.NewBootstrap(k.ctx)
	if err != nil {
		k.t.Fatal(err)
	}
	opened, err := k.Bootstrap(k.ctx, token, operator.NewPerson{Name: "Root", Password: good})
	if err != nil {
		k.t.Fatal(err)
	}
	return k.enrol("Root", opened)
}

func (k *kit) enrol(name string, opened operator.Opened) enrolled {
	k.t.Helper()
	app, err := k.BeginTOTP(k.ctx, opened.Token)
	if err != nil {
		k.t.Fatal(err)
	}
	done, recovery, err := k.ConfirmTOTP(k.ctx, opened.Token, k.code(app))
	if err != nil {
		k.t.Fatal(err)
	}
	k.now = k.now.Add(30 * time.Second) // the code is used up
	return enrolled{id: done.Principal.ID, name: name, opened: done, app: app, recovery: recovery}
}

// another makes an operator with a role.
func (k *kit) another(name string, role operator.Role) enrolled {
	k.t.Helper()
	made, err := k.Create(k.ctx, operator.Local("cli"), operator.NewPerson{Name: name, Password: good, Role: role})
	if err != nil {
		k.t.Fatal(err)
	}
	opened, err := k.SignIn(k.ctx, name, good)
	if err != nil {
		k.t.Fatal(err)
	}
	e := k.enrol(name, opened)
	if e.id != made.ID {
		k.t.Fatalf("signed in as %s, made %s", e.id, made.ID)
	}
	return e
}

func (k *kit) who(token string) operator.Principal {
	k.t.Helper()
	p, err := k.Authenticate(k.ctx, token, netip.MustParseAddr("203.0.113.7"))
	if err != nil {
		k.t.Fatal(err)
	}
	return p
}

func want(t *testing.T, err error, code errs.Code) {
	t.Helper()
	if errs.CodeOf(err) != code {
		t.Errorf("got %v, want %q", err, code)
	}
}
