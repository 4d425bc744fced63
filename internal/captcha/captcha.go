// Package captcha owns the picture challenge: it draws it, checks what was typed and
// vouches for the client that read it, or that solved the captcha of a vendor. Who must solve one is decided elsewhere. A
// captcha token works until it expires, on any endpoint of its client, because the
// CloudBase SDK keeps it and sends it again; sending limits bound what it is worth.
package captcha

import (
	"context"
	"encoding/base64"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/ticket"
)

const (
	// alphabet has no two characters that look alike when bent: no 0 and O, 1 and I,
	// 2 and Z, 5 and S, 8 and B, G and 6, U and V.
	alphabet = "ACDEFHJKMNPRTVWXY34679"
	// length is what the SDK's dialog lets people type.
	length = 4
	tries  = 5
	// challengeLife is how long people may look at one picture.
	challengeLife = 5 * time.Minute
	defaultLife   = 10 * time.Minute
	maxState      = 512
	maxKey        = 64

	answerField = "answer"
	purpose     = "captcha answer"
)

// Challenge is a picture and the token that says which one.
type Challenge struct {
	Token     string
	DataURI   string // "data:image/png;base64,…", without "?" and line breaks
	ExpiresIn time.Duration
}

// Service makes challenges and checks answers.
type Service struct {
	// OnChallenge, when set before use, is told every answer. Only the development
	// server sets it.
	OnChallenge func(token, answer string)
	// Vendor, when set before use, says whether somebody solved a vendor's captcha.
	Vendor func(ctx context.Context, response, random string) error
	// OnRefused, when set before use, hears why a vendor accepted nothing.
	OnRefused func(ctx context.Context, poolID, clientID string, err error)

	tickets *ticket.Service
	limits  *limit.Service
	db      *db.DB
	ring    *secret.Keyring
	now     func() time.Time
}

// New makes the service.
func New(tickets *ticket.Service, limits *limit.Service, d *db.DB, ring *secret.Keyring, now func() time.Time) *Service {
	return &Service{tickets: tickets, limits: limits, db: d, ring: ring, now: now}
}

// Challenge draws a new picture for a client, or with no client for whichever of the
// pool answers it. state is the SDK's note of what it was doing; it is bounded and binds
// nothing, since the token is used elsewhere later. A picture costs work and a row, so one
// address gets so many and then TooManyRequests.
func (s *Service) Challenge(ctx context.Context, p pool.Pool, clientID, state string) (Challenge, error) {
	if len(state) > maxState {
		return Challenge{}, errs.New(errs.FieldTooLong, "field", "state", "max", "512")
	}
	if p.Settings.Limits {
		key := limit.Captchas.In(p.ID, caller.From(ctx).Prefix())
		if err := s.limits.Take(ctx, key, limit.CaptchaAddress()); err != nil {
			return Challenge{}, err
		}
	}
	noise := newNoise(secret.Bytes(32))
	answer := noise.pick(alphabet, length)
	picture, err := render(answer, noise)
	if err != nil {
		return Challenge{}, err
	}
	salt := secret.ID()
	token, err := s.tickets.Issue(ctx, ticket.Ticket{
		Class: ticket.CaptchaChallenge, PoolID: p.ID, ClientID: clientID,
		Binding:  map[string]string{answerField: s.mac(salt, answer), "salt": salt},
		UsesLeft: tries, ExpiresAt: s.now().Add(challengeLife),
	})
	if err != nil {
		return Challenge{}, err
	}
	if s.OnChallenge != nil {
		s.OnChallenge(token, answer)
	}
	uri := "data:image/png;base64," + base64.StdEncoding.EncodeToString(picture)
	return Challenge{Token: token, DataURI: uri, ExpiresIn: challengeLife}, nil
}

// Answer checks what somebody read in a picture and returns a captcha token with its
// life. Five tries are all a picture has, and a right one ends it; every refusal is
// CaptchaWrong, because any other word about captchas makes the SDK open a second
// dialog over the first. Call it outside transactions: a refusal counts the try.
func (s *Service) Answer(ctx context.Context, p pool.Pool, clientID, token, key string) (captchaToken string, life time.Duration, err error) {
	if life = p.Settings.CaptchaLife; life <= 0 {
		life = defaultLife
	}
	right := false
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		right = false // the transaction may run again
		t, err := s.tickets.Spend(ctx, ticket.CaptchaChallenge, p.ID, token)
		if errs.CodeOf(err) == errs.TokenInvalid {
			return nil
		}
		if err != nil {
			return err
		}
		if t.ClientID != "" && t.ClientID != clientID || !s.matches(t, key) {
			return nil // commits the try
		}
		if err := s.tickets.Discard(ctx, ticket.CaptchaChallenge, p.ID, token); err != nil {
			return err
		}
		right = true
		captchaToken, err = s.tickets.Issue(ctx, ticket.Ticket{
			Class: ticket.Captcha, PoolID: p.ID, ClientID: clientID,
			UsesLeft: 1, ExpiresAt: s.now().Add(life),
		})
		return err
	})
	if err != nil {
		return "", 0, err
	}
	if !right {
		return "", 0, errs.New(errs.CaptchaWrong)
	}
	return captchaToken, life, nil
}

// Vouch returns a captcha token for a solution a vendor accepts, as Answer does for a
// picture. Without a vendor, and whenever the vendor cannot be asked, nothing is accepted.
func (s *Service) Vouch(ctx context.Context, p pool.Pool, clientID, response, random string) (captchaToken string, life time.Duration, err error) {
	if s.Vendor == nil {
		return "", 0, errs.New(errs.CaptchaWrong)
	}
	if err := s.Vendor(ctx, response, random); err != nil {
		if s.OnRefused != nil {
			s.OnRefused(ctx, p.ID, clientID, err)
		}
		return "", 0, err
	}
	if life = p.Settings.CaptchaLife; life <= 0 {
		life = defaultLife
	}
	captchaToken, err = s.tickets.Issue(ctx, ticket.Ticket{
		Class: ticket.Captcha, PoolID: p.ID, ClientID: clientID, UsesLeft: 1, ExpiresAt: s.now().Add(life),
	})
	return captchaToken, life, err
}

// Check accepts a captcha token of this client that has not expired. An empty one is
// CaptchaRequired and a bad one CaptchaInvalid: on the latter the SDK forgets the
// token it kept and asks for a new picture.
func (s *Service) Check(ctx context.Context, p pool.Pool, clientID, captchaToken string) error {
	if captchaToken == "" {
		return errs.New(errs.CaptchaRequired)
	}
	t, err := s.tickets.Peek(ctx, ticket.Captcha, p.ID, captchaToken)
	if errs.CodeOf(err) == errs.TokenInvalid || err == nil && t.ClientID != clientID {
		return errs.New(errs.CaptchaInvalid).Because(err)
	}
	return err
}

func (s *Service) matches(t ticket.Ticket, key string) bool {
	if len(key) > maxKey {
		return false
	}
	typed := strings.ToUpper(strings.Join(strings.Fields(norm.NFKC.String(key)), ""))
	return secret.Equal([]byte(s.mac(t.Binding["salt"], typed)), []byte(t.Binding[answerField]))
}

// mac keeps the answer out of the database: four characters are no secret to a hash.
func (s *Service) mac(salt, answer string) string {
	return base64.RawURLEncoding.EncodeToString(s.ring.MAC(purpose, []byte(salt), []byte(answer)))
}
