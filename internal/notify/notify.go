// Package notify owns what people are told and in which words: verification codes and
// notices about their account. It queues a message in the caller's transaction and
// renders it when the job runs. How it travels is the Deliverer's.
package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

// The channels a message travels by.
const (
	SMS   = "sms"
	Email = "email"
)

// The usages that have words of their own; any other gets those of UsageDefault.
const (
	UsageDefault  = "default"
	UsageSignIn   = "sign_in"
	UsageRegister = "register"
	UsageReset    = "reset"
	UsageBind     = "bind"
	UsageSudo     = "sudo"
)

// templateLink are the words around a link.
const templateLink = "confirm_email"

// The notices about an account.
const (
	PasswordChanged = "password_changed"
	ContactChanged  = "contact_changed" // param "contact", masked by the caller
	RiskySignIn     = "risky_sign_in"   // signed in after many wrong passwords
	AccountDeleted  = "account_deleted"
	IdentityLinked  = "identity_linked" // param "provider", its name
)

// The notices for the operator.
const (
	BudgetNearly = "budget_nearly" // params "pool", "sent", "budget", "country" or ""
	BudgetSpent  = "budget_spent"  // the same
	CodesUnused  = "codes_unused"  // param "pool"
	MediaFull    = "media_full"    // param "pool"
)

// Message is a rendered message. SMS has no Subject and no HTML.
type Message struct {
	ID       string // the same for every try of one message
	PoolID   string
	Channel  string
	To       string // canonical phone or address
	Lang     string
	Template string
	Subject  string
	Text     string
	HTML     string
	Code     string
	Params   map[string]string
}

// Deliverer hands a message to whoever carries it. An error is a *driver.Failure, which
// says whether it may be run again; any other never is. It names no address and no code.
type Deliverer func(ctx context.Context, m Message) error

// Notice is a verification code to send.
type Notice struct {
	Pool    pool.Pool
	Channel string
	Target  string
	Code    string
	Usage   string
	Lang    string // "" is the pool's
	Life    time.Duration
	ID      string  // of Expect; "" makes one
	Charges Charges // refunded when the message certainly was not sent
}

// Link is a mail with an address to open.
type Link struct {
	Pool    pool.Pool
	Target  string // an email address
	URL     string // of ours, absolute
	Lang    string // "" is the pool's
	Life    time.Duration
	ID      string  // of Expect; "" makes one
	Charges Charges // refunded when the message certainly was not sent
}

// Alert tells somebody what has happened to their account.
type Alert struct {
	Pool    pool.Pool
	Channel string
	Target  string
	Kind    string
	Lang    string // "" is the pool's
	Params  map[string]string
}

// Service queues and delivers messages.
type Service struct {
	// Patience is how long Wait waits, none unless set before use; Refund takes back
	// charges, and Logger hears when it cannot.
	Patience time.Duration
	Refund   func(ctx context.Context, charges Charges) error
	Logger   *slog.Logger
	// Words returns what a pool has people read instead of a built-in template, and whether
	// it has any; nil for built-in templates only. Set it before use.
	Words func(ctx context.Context, poolID, template, channel, lang string) (Words, bool, error)

	jobs    *job.Service
	now     func() time.Time
	deliver Deliverer
	ends    ends
}

// New returns a Service that handles its jobs in jobs, which must not run yet.
func New(jobs *job.Service, now func() time.Time, deliver Deliverer) *Service {
	s := &Service{jobs: jobs, now: now, deliver: deliver}
	jobs.Handle(jobKind, s.handle)
	return s
}

// Code queues a verification code in the transaction of ctx.
func (s *Service) Code(ctx context.Context, n Notice) error {
	template := n.Usage
	if !hasWords(template) {
		template = UsageDefault
	}
	return s.enqueue(ctx, queued{
		ID: n.ID, PoolID: n.Pool.ID, Charges: n.Charges, Channel: n.Channel, To: n.Target, Template: template, Code: n.Code,
		Lang: language(n.Lang, n.Pool), Expires: s.now().Add(n.Life).UnixMilli(),
		Params: map[string]string{
			"product": n.Pool.Settings.ProductName, "code": n.Code,
			"minutes": strconv.Itoa(max(1, int(n.Life.Minutes()))),
		},
	})
}

// Link queues a mail with a link in the transaction of ctx.
func (s *Service) Link(ctx context.Context, l Link) error {
	return s.enqueue(ctx, queued{
		ID: l.ID, PoolID: l.Pool.ID, Charges: l.Charges, Channel: Email, To: l.Target, Template: templateLink, Link: l.URL,
		Lang: language(l.Lang, l.Pool), Expires: s.now().Add(l.Life).UnixMilli(),
		Params: map[string]string{
			"product": l.Pool.Settings.ProductName, "minutes": strconv.Itoa(max(1, int(l.Life.Minutes()))),
		},
	})
}

// Alert queues a notice in the transaction of ctx.
func (s *Service) Alert(ctx context.Context, a Alert) error {
	lang := language(a.Lang, a.Pool)
	params := map[string]string{"product": a.Pool.Settings.ProductName, "time": clock(s.now(), lang)}
	maps.Copy(params, a.Params)
	return s.enqueue(ctx, queued{
		PoolID: a.Pool.ID, Channel: a.Channel, To: a.Target, Template: a.Kind, Lang: lang, Params: params,
	})
}

const jobKind = "notify.send"

// queued is a message as its job holds it.
type queued struct {
	ID       string            `json:"id"`
	PoolID   string            `json:"pool,omitempty"`
	Channel  string            `json:"channel"`
	To       string            `json:"to"`
	Lang     string            `json:"lang"`
	Template string            `json:"template"`
	Code     string            `json:"code,omitempty"`
	Link     string            `json:"link,omitempty"`
	Params   map[string]string `json:"params"`
	Expires  int64             `json:"expires,omitempty"`
	Charges  Charges           `json:"charges,omitempty"`
}

func (s *Service) enqueue(ctx context.Context, q queued) error {
	if q.ID == "" {
		q.ID = secret.ID()
	}
	// A message that cannot be rendered is the caller's mistake and fails here.
	built, err := BuiltIn(q.Template, q.Channel, q.Lang)
	if err != nil {
		return err
	}
	if _, err := render(q, built); err != nil {
		return err
	}
	return s.jobs.Enqueue(ctx, jobKind, q)
}

func (s *Service) handle(ctx context.Context, payload []byte) error {
	var q queued
	if err := json.Unmarshal(payload, &q); err != nil {
		return job.Permanent(fmt.Errorf("decoding a message: %w", err))
	}
	// A code that works no more only confuses, and a late retry costs money.
	if q.Expires != 0 && s.now().UnixMilli() >= q.Expires {
		s.refund(ctx, q)
		return nil
	}
	w, err := s.inForce(ctx, q)
	if err != nil {
		return err
	}
	m, err := render(q, w)
	if err != nil {
		return job.Permanent(err)
	}
	if err := s.deliver(ctx, m); err != nil {
		return s.failed(ctx, q, err)
	}
	s.ended(q.ID, nil)
	return nil
}

func language(lang string, p pool.Pool) string {
	for _, l := range []string{lang, p.Settings.DefaultLang} {
		if hasLanguage(l) {
			return l
		}
	}
	return chinese
}

// clock writes t as people who read lang expect it. The Chinese words name the zone; the
// English value does, and fits what vendors accept as a variable.
func clock(t time.Time, lang string) string {
	if lang == chinese {
		return t.In(time.FixedZone("", 8*60*60)).Format("2006-01-02 15:04")
	}
	return t.UTC().Format("2006-01-02 15:04 MST")
}
