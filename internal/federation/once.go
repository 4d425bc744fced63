package federation

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/ticket"
)

const (
	// codeLife is how long a code is known to have been shown: longer than any vendor's
	// lives.
	codeLife = 10 * time.Minute
	// againLife is how long the browser that showed it is answered again: some pages fire
	// a callback twice.
	againLife = time.Minute
)

// What a ticket of Exchange is bound to.
const (
	bindBrowser = "browser"
	bindAnswer  = "answer" // sealed
	bindUntil   = "until"
	bindRefused = "refused"
)

// once runs do for a code that nobody has shown before, and notes the answer. The browser
// that showed it gets the same answer for a minute without do; every other one, and one
// that cannot be told from others, is refused (SO-04). A code that do has not used up is
// as good as before.
func (s *Service) once(ctx context.Context, poolID, name, browser string, do func(ctx context.Context) (string, error)) (string, error) {
	token := s.exchangeToken(poolID, name)
	done, err := s.turn(ctx, token)
	if err != nil {
		return "", err
	}
	defer done()
	t := ticket.Ticket{
		Class: ticket.Exchange, PoolID: poolID, UsesLeft: 1, ExpiresAt: s.Now().Add(codeLife),
		Binding: map[string]string{bindBrowser: browser},
	}
	fresh, err := s.Tickets.Note(ctx, token, t)
	if err != nil {
		return "", err
	}
	if !fresh {
		return s.again(ctx, poolID, token, browser)
	}
	// The browser drops the first callback when it follows the second.
	ctx = context.WithoutCancel(ctx)
	answer, err := do(ctx)
	if err != nil {
		return "", s.release(ctx, poolID, token, t.Binding, err)
	}
	sealed, err := s.Ring.Seal([]byte(answer), token)
	if err != nil {
		return "", fmt.Errorf("seal answer: %w", err)
	}
	t.Binding[bindAnswer] = base64.RawStdEncoding.EncodeToString(sealed)
	t.Binding[bindUntil] = strconv.FormatInt(db.Millis(s.Now().Add(againLife)), 10)
	return answer, s.Tickets.Rebind(ctx, ticket.Exchange, poolID, token, t.Binding)
}

// exchangeToken names what is noted of a code.
func (s *Service) exchangeToken(poolID, name string) string {
	return s.token(ticket.Exchange, "code", poolID, name)
}

// release forgets a code that was not used up, so that the client may show it again; the
// vendor has the last word. It returns why.
func (s *Service) release(ctx context.Context, poolID, token string, binding map[string]string, why error) error {
	var err error
	switch errs.CodeOf(why) {
	case errs.ProviderRefused, errs.ProviderDenied, errs.ProviderSnapshot, errs.TokenInvalid:
		binding[bindRefused] = "1"
		err = s.Tickets.Rebind(ctx, ticket.Exchange, poolID, token, binding)
	default: // the code is as it was
		err = s.Tickets.Discard(ctx, ticket.Exchange, poolID, token)
	}
	if err != nil {
		s.Logger.ErrorContext(ctx, "code not released", "pool", poolID, "err", err)
	}
	return why
}

// again answers for a code that was shown before.
func (s *Service) again(ctx context.Context, poolID, token, browser string) (string, error) {
	refused := refuse("code_replayed", "the code was shown before")
	t, err := s.Tickets.Peek(ctx, ticket.Exchange, poolID, token)
	if errs.CodeOf(err) == errs.TokenInvalid {
		return "", refused
	}
	if err != nil {
		return "", err
	}
	b := t.Binding
	if browser == "" || b[bindBrowser] != browser || b[bindRefused] != "" {
		return "", refused
	}
	if b[bindAnswer] == "" { // another node is asking the vendor
		return "", errs.New(errs.Unavailable).After(time.Second)
	}
	until, err := strconv.ParseInt(b[bindUntil], 10, 64)
	if err != nil || !s.Now().Before(db.Time(until)) {
		return "", refused
	}
	sealed, err := base64.RawStdEncoding.DecodeString(b[bindAnswer])
	if err != nil {
		return "", fmt.Errorf("answer: %w", err)
	}
	plain, err := s.Ring.Open(sealed, token)
	return string(plain), err
}

// turn waits until nobody on this node works on the code; call done afterwards.
func (s *Service) turn(ctx context.Context, token string) (done func(), err error) {
	for {
		s.mu.Lock()
		busy, taken := s.flights[token]
		if !taken {
			mine := make(chan struct{})
			s.flights[token] = mine
			s.mu.Unlock()
			return func() {
				s.mu.Lock()
				delete(s.flights, token)
				s.mu.Unlock()
				close(mine)
			}, nil
		}
		s.mu.Unlock()
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
