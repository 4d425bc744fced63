package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/onetap"
	"github.com/tigertally/tigertally/internal/puzzle"
	"github.com/tigertally/tigertally/internal/signin"
)

// carrier asks one vendor for the people of every pool.
type carrier struct{ onetap.Verifier }

// Phone asks for the number behind the tokens of a one-tap sign-in.
func (c carrier) Phone(ctx context.Context, _, token, access string) (string, error) {
	return c.Verifier.Phone(ctx, token, access)
}

// oneTap opens the configured driver; without one the method is off.
func oneTap(conf config.Config) (signin.OneTap, error) {
	if conf.OneTap.Name == "" {
		return nil, nil
	}
	v, err := onetap.New(conf.OneTap.Name, conf.OneTap.Options, time.Now)
	if err != nil {
		return nil, err
	}
	return carrier{v}, nil
}

// puzzles opens the configured captcha vendor; without one only our pictures count. The
// address a vendor compares is the caller's.
func puzzles(conf config.Config, now func() time.Time) (func(ctx context.Context, response, random string) error, error) {
	if conf.Captcha.Name == "" {
		return nil, nil
	}
	v, err := puzzle.New(conf.Captcha.Name, conf.Captcha.Options, now)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, response, random string) error {
		return v.Verify(ctx, puzzle.Solution{Response: response, Random: random, IP: caller.From(ctx).IP()})
	}, nil
}

// captchaRefused records why a vendor's captcha was not accepted.
func (s *services) captchaRefused(ctx context.Context, poolID, clientID string, refusal error) {
	event := audit.Refused(refusal, audit.Event{PoolID: poolID, ClientID: clientID, Action: audit.CaptchaRefuse})
	if err := s.audit.Record(ctx, event); err != nil {
		s.log.ErrorContext(ctx, "refusal not recorded", slog.String("pool", poolID), slog.Any("err", err))
	}
}

// providerTimeout is for one call: a person waits for it.
const providerTimeout = 2500 * time.Millisecond

// outbound makes the client for calls to identity providers.
func outbound(conf config.Config, now func() time.Time) (*http.Client, error) {
	allow, err := driver.ParseRanges(strings.Join(conf.OutboundAllow, ","))
	if err != nil {
		return nil, fmt.Errorf("outbound_allow: %w", err)
	}
	return driver.NewClient(driver.ClientOptions{Now: now, Allow: allow, Timeout: providerTimeout}), nil
}
