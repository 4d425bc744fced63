// Package qr owns sign-ins by QR code: a screen shows one, a phone that is signed in scans
// and confirms it, and the screen gets a ticket. Whose phone that is and what the ticket
// buys is for account and signin to decide.
package qr

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// Status is how far a sign-in has come.
type Status string

// The statuses.
const (
	Waiting   Status = "new"
	Scanned   Status = "scanned"
	Confirmed Status = "confirmed"
	Cancelled Status = "cancelled"
	Used      Status = "used"    // its ticket was
	Expired   Status = "expired" // or never was: nobody is told which
)

const (
	// life is how long a code can be scanned, and then confirmed.
	life = 2 * time.Minute
	// ticketLife is how long a screen has to fetch what the phone confirmed.
	ticketLife = time.Minute
	// keep is how long a screen can still ask what became of its code.
	keep = time.Hour
)

// Prefixes of what a screen holds, what its picture shows and what it gets.
const (
	screenPrefix = "qs"
	codePrefix   = "qc"
	ticketPrefix = "qt"
)

// maxToken bounds what is hashed for a lookup.
const maxToken = 128

// Screen is a sign-in by QR code.
type Screen struct {
	PoolID, ClientID string
	Status           Status
	UserID           string // who scanned it, "" for nobody
	// Context is what the application wants the functions of its pool to be told.
	Context   string
	ExpiresAt time.Time
}

// Shown is what a new screen gets.
type Shown struct {
	// Token is the screen's own: with it the ticket can be had, so the picture shows Code
	// instead. Whoever photographs the screen has nothing.
	Token     string
	Code      string
	ExpiresAt time.Time
}

// Service keeps the sign-ins of all pools.
type Service struct {
	db  *db.DB
	now func() time.Time
}

// New makes the service.
func New(d *db.DB, now func() time.Time) *Service { return &Service{db: d, now: now} }

// Open begins a sign-in on a screen of an application.
func (s *Service) Open(ctx context.Context, poolID, clientID, about string) (Shown, error) {
	token := secret.Token(screenPrefix)
	shown := Shown{Token: token, Code: derive(codePrefix, token), ExpiresAt: s.now().Add(life)}
	err := s.insert(ctx, keys{token, shown.Code, derive(ticketPrefix, token)},
		Screen{PoolID: poolID, ClientID: clientID, Status: Waiting, Context: about, ExpiresAt: shown.ExpiresAt})
	if err != nil {
		return Shown{}, fmt.Errorf("open a screen: %w", err)
	}
	return shown, nil
}

// derive makes another secret of a screen's, from which the screen's cannot be had.
func derive(prefix, token string) string {
	return prefix + "_" + base64.RawURLEncoding.EncodeToString(secret.Hash(prefix+":"+token))
}

// Check tells a screen of an application how its sign-in stands, with the ticket once it
// is confirmed. A screen that is over, or nobody's, is Expired.
func (s *Service) Check(ctx context.Context, poolID, clientID, token string) (Screen, string, error) {
	if len(token) > maxToken {
		return Screen{Status: Expired}, "", nil
	}
	sc, err := s.find(ctx, poolID, clientID, token)
	if errors.Is(err, db.ErrNoRows) {
		return Screen{Status: Expired}, "", nil
	}
	if err != nil {
		return Screen{}, "", fmt.Errorf("check a screen: %w", err)
	}
	switch {
	case sc.Status == Used || sc.Status == Cancelled:
	case !s.now().Before(sc.ExpiresAt):
		sc.Status = Expired
	case sc.Status == Confirmed:
		return sc, derive(ticketPrefix, token), nil
	}
	return sc, "", nil
}

// Scan notes that a person's phone has read a code. Nobody else can confirm it from then
// on, and there is time again to look at it.
//
// Errors: TokenInvalid for a code that is over or somebody else's.
func (s *Service) Scan(ctx context.Context, poolID, code, userID string) (Screen, error) {
	return s.move(ctx, "scan", poolID, code, userID, Scanned, life)
}

// Confirm lets the screen that shows code sign in as the person.
//
// Errors: TokenInvalid for a code that is over or somebody else's.
func (s *Service) Confirm(ctx context.Context, poolID, code, userID string) (Screen, error) {
	return s.move(ctx, "confirm", poolID, code, userID, Confirmed, ticketLife)
}

// Cancel ends a sign-in the person does not want.
//
// Errors: TokenInvalid for a code that is over or somebody else's.
func (s *Service) Cancel(ctx context.Context, poolID, code, userID string) (Screen, error) {
	return s.move(ctx, "cancel", poolID, code, userID, Cancelled, 0)
}

func (s *Service) move(ctx context.Context, doing, poolID, code, userID string, to Status, more time.Duration) (Screen, error) {
	if code == "" || len(code) > maxToken || userID == "" {
		return Screen{}, errs.New(errs.TokenInvalid)
	}
	var sc Screen
	err := s.db.InTx(ctx, func(ctx context.Context) error {
		var err error
		sc, err = s.advance(ctx, poolID, code, userID, to, s.now().Add(more))
		return err
	})
	if err := answer(err, doing); err != nil {
		return Screen{}, err
	}
	return sc, nil
}

// Peek returns what a ticket stands for without using it.
//
// Errors: TokenInvalid, whatever is wrong with it.
func (s *Service) Peek(ctx context.Context, poolID, clientID, ticket string) (Screen, error) {
	if len(ticket) > maxToken {
		return Screen{}, errs.New(errs.TokenInvalid)
	}
	sc, err := s.findTicket(ctx, poolID, clientID, ticket)
	return sc, answer(err, "peek at")
}

// Redeem uses up a ticket. It must run in the transaction of its effect.
//
// Errors: TokenInvalid, whatever is wrong with it.
func (s *Service) Redeem(ctx context.Context, poolID, clientID, ticket string) error {
	n, err := s.use(ctx, poolID, clientID, ticket)
	if err == nil && n == 0 {
		return errs.New(errs.TokenInvalid)
	}
	return answer(err, "redeem")
}

// Void ends what a person has scanned or confirmed. It joins ctx's transaction.
func (s *Service) Void(ctx context.Context, userID string) error {
	if userID == "" {
		return nil
	}
	return answer(s.deleteOfUser(ctx, userID), "void")
}

// Sweep deletes what no screen asks about any more.
func (s *Service) Sweep(ctx context.Context) error {
	return answer(s.deleteExpired(ctx, s.now().Add(-keep)), "sweep")
}

func answer(err error, doing string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, db.ErrNoRows):
		return errs.New(errs.TokenInvalid)
	}
	return fmt.Errorf("%s QR sign-in: %w", doing, err)
}
