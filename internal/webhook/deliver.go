package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/job"
	"github.com/tigertally/tigertally/internal/secret"
)

const (
	jobKind    = "webhook"
	retryEvery = 30 * time.Second
	// perRound is how many failed deliveries of one webhook are tried again in a round: a
	// receiver that was away must not be run over when it is back.
	perRound = 100
	// patience is how long an event is tried for.
	patience = 26 * time.Hour
	// stopAfter is for how long nothing may arrive before the webhook is switched off.
	stopAfter = 5 * 24 * time.Hour
	// Keep is how long the log of deliveries goes back.
	Keep = 14 * 24 * time.Hour

	maxAnswer = 300 // characters of an answer that are kept
)

// The states of a delivery.
const (
	StateWaiting   = "waiting"
	StateDelivered = "delivered"
	StateFailed    = "failed" // for good
)

// backoff is how long after its n-th try a delivery waits for the next; after the last it
// has failed for good, a good day after the event.
func backoff(n int) (time.Duration, bool) {
	waits := []time.Duration{
		time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour,
		3 * time.Hour, 4 * time.Hour, 6 * time.Hour, 8 * time.Hour,
	}
	if n < 1 || n > len(waits) {
		return 0, false
	}
	return waits[n-1], true
}

// Request is one POST to a webhook.
type Request struct {
	URL    string
	Header map[string]string
	Body   []byte
}

// Answer is what came back.
type Answer struct {
	Status int
	Body   []byte
}

// errAnswer says that a webhook did not answer with a status of success.
var errAnswer = errors.New("the answer is not one of success")

// heard queues what the record is for those who want to hear it, in the transaction of
// the record. Without a webhook in the pool it costs no statement.
func (s *Service) heard(ctx context.Context, e audit.Event, at time.Time) error {
	name := eventOf(e)
	if name == "" {
		return nil
	}
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return err
	}
	var told event
	for _, h := range snap.pools[e.PoolID] {
		if !h.hears(name) {
			continue
		}
		if told.id == "" {
			told = event{id: eventID(at), name: name, at: at, userID: e.UserID, clientID: e.ClientID, sessionID: e.SessionID}
		}
		if _, err := s.queue(ctx, h, told); err != nil {
			return err
		}
	}
	return nil
}

// eventID names an event. Ids sort by the time of their events.
func eventID(at time.Time) string {
	return fmt.Sprintf("evt_%011x%s", db.Millis(at), secret.ID()[:15])
}

// queue stores a delivery and the job that makes it.
func (s *Service) queue(ctx context.Context, h Hook, e event) (Delivery, error) {
	d := Delivery{ID: secret.ID(), HookID: h.ID, State: StateWaiting, CreatedAt: s.d.Now(), event: e}
	if err := s.insertDelivery(ctx, d); err != nil {
		return d, fmt.Errorf("queue webhook: %w", err)
	}
	return d, s.d.Jobs.Enqueue(ctx, jobKind, d.ID)
}

// deliver is the job: one try of one delivery. What is to be tried again is so by retry,
// so that a dead receiver keeps no job waiting.
func (s *Service) deliver(ctx context.Context, raw []byte) error {
	var id string
	if err := json.Unmarshal(raw, &id); err != nil {
		return job.Permanent(err)
	}
	d, h, err := s.pending(ctx, id)
	if errors.Is(err, db.ErrNoRows) {
		return nil // delivered by another run, abandoned or removed
	}
	if err != nil {
		return fmt.Errorf("read delivery: %w", err)
	}
	tried, err := s.try(ctx, h, d)
	if err != nil {
		return err
	}
	return s.settle(ctx, h, tried)
}

// try sends a delivery and returns it with what came back. Its error is ours.
func (s *Service) try(ctx context.Context, h Hook, d Delivery) (Delivery, error) {
	body, err := s.body(ctx, h, d.event)
	if err != nil {
		return d, fmt.Errorf("write webhook: %w", err)
	}
	all, err := s.keys(h)
	if err != nil {
		return d, err
	}
	start := s.d.Now()
	signature, err := sign(all, d.event.id, start, body)
	if err != nil {
		return d, fmt.Errorf("sign webhook: %w", err)
	}
	answer, err := s.d.Send(ctx, Request{URL: h.URL, Body: body, Header: map[string]string{
		"Content-Type": "application/json", "User-Agent": "Tigertally-Webhooks/1",
		"webhook-id": d.event.id, "webhook-timestamp": fmt.Sprint(start.Unix()), "webhook-signature": signature,
	}})
	d.TriedAt, d.Latency, d.Status = s.d.Now(), s.d.Now().Sub(start), answer.Status
	d.err = err
	if err == nil && (answer.Status < 200 || answer.Status > 299) {
		d.err = errAnswer
	}
	d.Answer = excerpt(string(answer.Body))
	if err != nil {
		d.Answer = excerpt(err.Error())
	}
	// One that was not even asked, because it fails all the time, loses no try.
	if !errors.Is(err, driver.ErrOpen) {
		d.Attempts++
	}
	return d, nil
}

// excerpt is the beginning of an answer, fit to be shown.
func excerpt(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, text)
	if runes := []rune(text); len(runes) > maxAnswer {
		return string(runes[:maxAnswer])
	}
	return text
}

// settle stores what became of a try, and what that says about the webhook.
func (s *Service) settle(ctx context.Context, h Hook, d Delivery) error {
	now := s.d.Now()
	d.State, d.NextAt = StateDelivered, time.Time{}
	if d.err != nil {
		d.State = StateFailed
		wait, more := backoff(d.Attempts)
		if errors.Is(d.err, driver.ErrOpen) {
			wait, more = time.Minute, true
		}
		if more && now.Add(wait).Sub(d.CreatedAt) < patience {
			d.State, d.NextAt = StateWaiting, now.Add(wait)
		}
	}
	err := s.d.DB.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.settleDelivery(ctx, d); err != nil {
			return err
		}
		if d.err == nil {
			return s.clearFailing(ctx, h.ID)
		}
		return s.failing(ctx, h, d)
	})
	if err != nil {
		return fmt.Errorf("store delivery: %w", err)
	}
	return nil
}

// failing notes that a webhook fails, and switches it off when it is gone or has failed
// for days.
func (s *Service) failing(ctx context.Context, h Hook, d Delivery) error {
	if err := s.markFailing(ctx, h.ID); err != nil {
		return err
	}
	why := ""
	switch {
	case d.Status == statusGone:
		why = StoppedGone
	case !h.FailingSince.IsZero() && s.d.Now().Sub(h.FailingSince) >= stopAfter:
		why = StoppedFailing
	default:
		return nil
	}
	return s.cache.Change(ctx, secret.ID(), func(ctx context.Context) error {
		n, err := s.stop(ctx, h.ID, why)
		if err != nil || n == 0 {
			return err
		}
		if err := s.abandon(ctx, h.ID); err != nil {
			return err
		}
		s.d.Logger.WarnContext(ctx, "webhook switched off", slog.String("pool", h.PoolID), slog.String("webhook", h.ID), slog.String("why", why))
		return s.d.Audit.Record(ctx, audit.Event{
			PoolID: h.PoolID, Action: audit.WebhookStop, Actor: "server", Detail: map[string]string{"webhook": h.ID, "why": why},
		})
	})
}

// statusGone is how a receiver says that it wants nothing more (RFC 9110, 15.5.11).
const statusGone = 410

// retry queues again what waits for another try and is due.
func (s *Service) retry(ctx context.Context) error {
	snap, err := s.cache.Get(ctx)
	if err != nil {
		return err
	}
	for _, hooks := range snap.pools {
		for _, h := range hooks {
			ids, err := s.due(ctx, h.ID, perRound)
			if err != nil {
				return fmt.Errorf("due webhooks: %w", err)
			}
			for _, id := range ids {
				if err := s.requeue(ctx, id); err != nil {
					return fmt.Errorf("queue webhook again: %w", err)
				}
			}
		}
	}
	return nil
}

func (s *Service) requeue(ctx context.Context, id string) error {
	return s.d.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.take(ctx, id)
		if err != nil || n == 0 {
			return err
		}
		return s.d.Jobs.Enqueue(ctx, jobKind, id)
	})
}

// sweep forgets deliveries that are too old for the log.
func (s *Service) sweep(ctx context.Context) error {
	_, err := s.deleteBefore(ctx, s.d.Now().Add(-Keep))
	return err
}

// missing turns a row that is not there into the refusal for it.
func missing(err error) error {
	if errors.Is(err, db.ErrNoRows) {
		return errs.New(errs.WebhookNotFound)
	}
	return err
}
