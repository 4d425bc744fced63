package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
	"github.com/tigertally/tigertally/internal/webhook"
)

// The vector every library of Standard Webhooks is tested with.
func TestSignaturesAreThoseOfStandardWebhooks(t *testing.T) {
	got, err := webhook.Sign([]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}, "msg_p5jXN8AQM9LWM0D4loKWxJek",
		time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("signature %q, %v", got, err)
	}
}

func TestWhatHappensIsToldSigned(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		all, text := k.hook("p")
		some, _ := k.hook("p", "user.deleted")
		foreign, _ := k.hook("other")
		u := user.User{
			PoolID: "p", Kind: user.KindRegular, Status: user.StatusActive, Username: "alice", Email: "alice@example.com",
			Phone: "+8613800000000", PasswordHash: "$argon2id$hush",
		}
		if err := k.users.Create(t.Context(), &u); err != nil {
			t.Fatal(err)
		}
		k.happen(audit.Event{PoolID: "p", Action: audit.SignIn, UserID: u.ID, ClientID: "app", SessionID: "s1"})
		k.happen(audit.Event{PoolID: "p", Action: audit.SignIn, UserID: u.ID, Result: "password_wrong"})
		k.happen(audit.Event{PoolID: "p", Action: audit.CodeSend, UserID: u.ID})
		k.deliver()
		if len(k.got) != 1 || len(k.log(all)) != 1 || len(k.log(some)) != 0 || len(k.log(foreign)) != 0 {
			t.Fatalf("%d requests", len(k.got))
		}
		r := k.got[0]
		id, at := r.Header["webhook-id"], r.Header["webhook-timestamp"]
		seconds, err := strconv.ParseInt(at, 10, 64)
		if err != nil || seconds != k.clock().Unix() {
			t.Errorf("timestamp %q", at)
		}
		want, err := webhook.Sign([]string{text}, id, time.Unix(seconds, 0), r.Body)
		if err != nil || r.Header["webhook-signature"] != want {
			t.Errorf("signature %q, want %q, %v", r.Header["webhook-signature"], want, err)
		}
		var body map[string]any
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		profile := map[string]any{
			"id": u.ID, "kind": "regular", "status": "active", "username": "alice", "email": "a***@example.com", "email_verified": false,
			"phone_number": "+86138****0000", "phone_number_verified": false, "created_at": "2026-03-01T12:00:00Z",
		}
		wantBody := map[string]any{"id": id, "type": "user.signed_in", "timestamp": "2026-03-01T12:00:00Z", "data": map[string]any{
			"pool": "p", "user_id": u.ID, "client_id": "app", "session_id": "s1", "user": profile,
		}}
		got, ok := body["data"].(map[string]any)["user"].(map[string]any)
		if !ok || got["email"] == "alice@example.com" || got["phone_number"] == "+8613800000000" {
			t.Errorf("an address in clear: %s", r.Body)
		}
		profile["email"], profile["phone_number"] = got["email"], got["phone_number"]
		if diff := cmp.Diff(wantBody, body); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		k.advance(time.Millisecond)
		all.Contacts = true
		wantCode(t, k.Update(t.Context(), all), "")
		k.happen(audit.Event{PoolID: "p", Action: audit.ContactBind, UserID: u.ID})
		k.deliver()
		if body := string(k.got[1].Body); !strings.Contains(body, `"alice@example.com"`) || strings.Contains(body, "hush") {
			t.Errorf("with contacts: %s", body)
		}
		if k.got[1].Header["webhook-id"] <= id {
			t.Error("the later event has the smaller id")
		}
	})
}

func TestNothingIsQueuedWithoutAWebhookOrWithoutItsEffect(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		k.happen(audit.Event{PoolID: "p", Action: audit.SignUp, UserID: "u"})
		h, _ := k.hook("p")
		failed := errors.New("the effect failed")
		err := d.InTx(t.Context(), func(ctx context.Context) error {
			if err := k.audit.Record(ctx, audit.Event{PoolID: "p", Action: audit.SignUp, UserID: "u"}); err != nil {
				return err
			}
			return failed
		})
		if !errors.Is(err, failed) {
			t.Fatal(err)
		}
		st, err := k.jobs.Stats(t.Context())
		if err != nil || st.Waiting != 0 || len(k.log(h)) != 0 {
			t.Errorf("queued: %+v %v", st, err)
		}
	})
}

func TestFailedDeliveriesComeAgainForADay(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		h, _ := k.hook("p")
		k.answer(http.StatusServiceUnavailable)
		k.happen(audit.Event{PoolID: "p", Action: audit.SignUp, UserID: "u"})
		k.deliver()
		first := k.log(h)[0]
		if first.State != webhook.StateWaiting || first.Status != 503 || first.Attempts != 1 || first.Answer != "so it  is" || first.NextAt.IsZero() {
			t.Fatalf("after the first try: %+v", first)
		}
		began := k.clock()
		for range 500 {
			k.deliver()
			if k.log(h)[0].State != webhook.StateWaiting {
				break
			}
			k.advance(5 * time.Minute)
		}
		last := k.log(h)[0]
		if last.State != webhook.StateFailed || last.Attempts != 11 {
			t.Errorf("in the end: %+v", last)
		}
		if took := k.clock().Sub(began); took < 20*time.Hour || took > 27*time.Hour {
			t.Errorf("given up after %s", took)
		}
		for _, r := range k.got {
			if r.Header["webhook-id"] != first.EventID() {
				t.Error("a repetition has another id")
			}
		}
		k.answer(http.StatusOK)
		again, err := k.Redeliver(t.Context(), "p", h.ID, last.ID)
		wantCode(t, err, "")
		k.deliver()
		got := k.log(h)[0]
		if got.ID != again.ID || got.State != webhook.StateDelivered || got.EventID() != first.EventID() {
			t.Errorf("sent again: %+v", got)
		}
		kept, err := k.Get(t.Context(), "p", h.ID)
		if err != nil || !kept.FailingSince.IsZero() {
			t.Errorf("still failing: %+v %v", kept, err)
		}
		k.advance(15 * 24 * time.Hour)
		wantCode(t, k.drive.Sweep(t.Context()), "")
		if n := len(k.log(h)); n != 0 {
			t.Errorf("%d old deliveries are kept", n)
		}
	})
}

// While an upstream is not even asked, because it fails all the time, no try is lost.
func TestAnOpenBreakerCostsNoTry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		h, _ := k.hook("p")
		k.next = func(webhook.Request) (webhook.Answer, error) {
			return webhook.Answer{}, fmt.Errorf("%w: %w", driver.ErrUnsent, driver.ErrOpen)
		}
		k.happen(audit.Event{PoolID: "p", Action: audit.SignUp, UserID: "u"})
		k.deliver()
		if got := k.log(h)[0]; got.State != webhook.StateWaiting || got.Attempts != 0 || got.NextAt.IsZero() {
			t.Errorf("%+v", got)
		}
		k.advance(27 * time.Hour)
		k.deliver()
		if got := k.log(h)[0]; got.State != webhook.StateFailed {
			t.Errorf("a day later: %+v", got)
		}
	})
}

func TestADeadWebhookIsSwitchedOff(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		days   int
		why    string
	}{
		{"after days of failures", http.StatusInternalServerError, 6, webhook.StoppedFailing},
		{"at once when it is gone", http.StatusGone, 1, webhook.StoppedGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				k := newKit(t, d)
				h, _ := k.hook("p")
				k.answer(c.status)
				for range c.days {
					k.happen(audit.Event{PoolID: "p", Action: audit.SignUp, UserID: "u"})
					k.deliver()
					k.advance(24 * time.Hour)
				}
				got, err := k.Get(t.Context(), "p", h.ID)
				wantCode(t, err, "")
				if got.Enabled || got.Stopped != c.why {
					t.Fatalf("%+v", got)
				}
				records, _, err := k.audit.Search(t.Context(), "p", audit.Query{Action: audit.WebhookStop}, 10, "")
				if err != nil || len(records) != 1 || records[0].Event.Detail["why"] != c.why {
					t.Errorf("records: %+v %v", records, err)
				}
				waits := func(d webhook.Delivery) bool { return d.State == webhook.StateWaiting }
				if slices.ContainsFunc(k.log(h), waits) {
					t.Error("something still waits")
				}
				before := len(k.log(h))
				k.happen(audit.Event{PoolID: "p", Action: audit.SignUp, UserID: "u"})
				if len(k.log(h)) != before {
					t.Error("it still hears")
				}
				got.Enabled = true
				wantCode(t, k.Update(t.Context(), got), "")
				k.answer(http.StatusOK)
				k.happen(audit.Event{PoolID: "p", Action: audit.SignUp, UserID: "u"})
				k.deliver()
				if got, err = k.Get(t.Context(), "p", h.ID); err != nil || got.Stopped != "" || k.log(h)[0].State != webhook.StateDelivered {
					t.Errorf("switched on: %+v %v", got, err)
				}
			})
		})
	}
}

func TestASecretRotatesWithAnOverlap(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		h, old := k.hook("p")
		fresh, err := k.Rotate(t.Context(), "p", h.ID, false)
		wantCode(t, err, "")
		signed := func() []string {
			_, err := k.Test(t.Context(), "p", h.ID)
			wantCode(t, err, "")
			r := k.got[len(k.got)-1]
			var by []string
			for _, text := range []string{old, fresh} {
				one, err := webhook.Sign([]string{text}, r.Header["webhook-id"], k.clock(), r.Body)
				wantCode(t, err, "")
				if slices.Contains(strings.Fields(r.Header["webhook-signature"]), one) {
					by = append(by, text)
				}
			}
			return by
		}
		if got := signed(); len(got) != 2 {
			t.Errorf("during the overlap: %d signatures", len(got))
		}
		k.advance(webhook.Overlap + time.Second)
		if diff := cmp.Diff([]string{fresh}, signed()); diff != "" {
			t.Errorf("afterwards: %s", diff)
		}
		old = fresh
		fresh, err = k.Rotate(t.Context(), "p", h.ID, true)
		wantCode(t, err, "")
		if diff := cmp.Diff([]string{fresh}, signed()); diff != "" {
			t.Errorf("at once: %s", diff)
		}
	})
}

func TestAddressesAreChecked(t *testing.T) {
	k := newKit(t, dbtest.Open(t, dbtest.SQLite))
	for _, address := range []string{
		"", "http://hooks.example.com/", "http://127.0.0.1/", "ftp://hooks.example.com/", "https://", "//hooks.example.com",
		"https://user:secret@hooks.example.com/", "https://hooks.example.com/#x", "javascript:alert(1)",
		"https://hooks.example.com/" + strings.Repeat("a", 1100),
	} {
		if _, _, err := k.Create(t.Context(), webhook.Hook{PoolID: "p", URL: address}); errs.CodeOf(err) == "" {
			t.Errorf("%q was taken", address)
		}
	}
	_, _, err := k.Create(t.Context(), webhook.Hook{PoolID: "p", URL: "https://hooks.example.com/", Events: []string{"code.sent"}})
	wantCode(t, err, errs.BadRequest)
	for range 20 {
		k.hook("p")
	}
	_, _, err = k.Create(t.Context(), webhook.Hook{PoolID: "p", URL: "https://hooks.example.com/"})
	wantCode(t, err, errs.WebhookLimit)
}

func TestMT01WebhooksOfOnePoolAreUnknownInAnother(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		h, _ := k.hook("p")
		k.happen(audit.Event{PoolID: "p", Action: audit.SignUp, UserID: "u"})
		sent := k.log(h)[0]
		ctx := t.Context()
		_, err := k.Get(ctx, "other", h.ID)
		wantCode(t, err, errs.WebhookNotFound)
		_, _, err = k.Deliveries(ctx, "other", h.ID, "", nil, 10)
		wantCode(t, err, errs.WebhookNotFound)
		_, err = k.Redeliver(ctx, "other", h.ID, sent.ID)
		wantCode(t, err, errs.WebhookNotFound)
		_, err = k.Test(ctx, "other", h.ID)
		wantCode(t, err, errs.WebhookNotFound)
		_, err = k.Rotate(ctx, "other", h.ID, true)
		wantCode(t, err, errs.WebhookNotFound)
		theirs := h
		theirs.PoolID = "other"
		wantCode(t, k.Update(ctx, theirs), errs.WebhookNotFound)
		wantCode(t, k.Remove(ctx, "other", h.ID), errs.WebhookNotFound)
		second, _ := k.hook("p")
		_, err = k.Redeliver(ctx, "p", second.ID, sent.ID)
		wantCode(t, err, errs.WebhookNotFound)
		wantCode(t, k.Remove(ctx, "p", h.ID), "")
		wantCode(t, k.Remove(ctx, "p", h.ID), errs.WebhookNotFound)
	})
}
