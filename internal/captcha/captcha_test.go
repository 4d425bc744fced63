package captcha_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"image/png"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/internal/captcha"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/limit"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/ticket"
)

// kit is a captcha service whose answers the test can look up.
type kit struct {
	*captcha.Service
	pool    pool.Pool
	clock   time.Time
	answers map[string]string
}

func newKit(t *testing.T, d *db.DB) *kit {
	t.Helper()
	ring, err := secret.NewKeyring(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	k := &kit{clock: time.Unix(1_800_000_000, 0), answers: map[string]string{}}
	now := func() time.Time { return k.clock }
	k.pool = pool.Pool{ID: "dev", Settings: pool.Defaults()}
	k.Service = captcha.New(ticket.New(d, now), limit.New(d, ring, now), d, ring, now)
	k.OnChallenge = func(token, answer string) { k.answers[token] = answer }
	return k
}

func (k *kit) challenge(t *testing.T) (token, answer string) {
	t.Helper()
	c, err := k.Challenge(t.Context(), k.pool, "app", "POST:/v1/verification")
	if err != nil {
		t.Fatal(err)
	}
	return c.Token, k.answers[c.Token]
}

func (k *kit) answer(t *testing.T, client, token, key string) errs.Code {
	t.Helper()
	_, _, err := k.Answer(t.Context(), k.pool, client, token, key)
	return errs.CodeOf(err)
}

func (k *kit) check(t *testing.T, client, token string) errs.Code {
	t.Helper()
	return errs.CodeOf(k.Check(t.Context(), k.pool, client, token))
}

func TestChallengeIsAPictureTheSDKCanShow(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		c, err := k.Challenge(t.Context(), k.pool, "app", "POST:/v1/verification")
		if err != nil {
			t.Fatal(err)
		}
		data, ok := strings.CutPrefix(c.DataURI, "data:image/png;base64,")
		if !ok || strings.ContainsAny(c.DataURI, "?\r\n ") {
			t.Errorf("data URI %.60q", c.DataURI)
		}
		raw, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(raw)); err != nil {
			t.Error(err)
		}
		if c.ExpiresIn != 5*time.Minute || len(k.answers[c.Token]) != 4 {
			t.Errorf("expires in %v, answer %q", c.ExpiresIn, k.answers[c.Token])
		}
		// CP-02: the state is bounded.
		if _, err := k.Challenge(t.Context(), k.pool, "app", strings.Repeat("x", 513)); errs.CodeOf(err) != errs.FieldTooLong {
			t.Errorf("long state: %v", err)
		}
	})
}

// CP-01, as far as the SDK allows: a token is for one client, one pool and ten minutes.
func TestTokenWorksForItsClientUntilItExpires(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		token, answer := k.challenge(t)
		got, life, err := k.Answer(t.Context(), k.pool, "app", token, " "+strings.ToLower(answer)+" ")
		if err != nil || life != 10*time.Minute {
			t.Fatalf("right answer: %v, life %v", err, life)
		}
		for range 3 {
			if code := k.check(t, "app", got); code != "" {
				t.Errorf("good token: %s", code)
			}
		}
		for name, c := range map[string]struct {
			client, token string
			want          errs.Code
		}{
			"none":            {"app", "", errs.CaptchaRequired},
			"other client":    {"other", got, errs.CaptchaInvalid},
			"made up":         {"app", "ct_" + strings.Repeat("A", 43), errs.CaptchaInvalid},
			"cut":             {"app", got[:len(got)-1], errs.CaptchaInvalid},
			"longer":          {"app", got + "A", errs.CaptchaInvalid},
			"challenge token": {"app", token, errs.CaptchaInvalid},
		} {
			if code := k.check(t, c.client, c.token); code != c.want {
				t.Errorf("%s: %s, want %s", name, code, c.want)
			}
		}
		other := k.pool
		other.ID = "other"
		if err := k.Check(t.Context(), other, "app", got); errs.CodeOf(err) != errs.CaptchaInvalid {
			t.Errorf("other pool: %v", err)
		}
		k.clock = k.clock.Add(10*time.Minute + time.Second)
		if code := k.check(t, "app", got); code != errs.CaptchaInvalid {
			t.Errorf("expired: %s", code)
		}
	})
}

func TestFiveWrongAnswersEndAChallenge(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		token, answer := k.challenge(t)
		for _, wrong := range []string{"????", "", answer + answer, strings.Repeat("x", 1000), "0000"} {
			if code := k.answer(t, "app", token, wrong); code != errs.CaptchaWrong {
				t.Errorf("wrong answer %.10q: %s", wrong, code)
			}
		}
		if code := k.answer(t, "app", token, answer); code != errs.CaptchaWrong {
			t.Errorf("the sixth try, right: %q", code)
		}
		token, answer = k.challenge(t)
		if code := k.answer(t, "other", token, answer); code != errs.CaptchaWrong {
			t.Errorf("other client: %q", code)
		}
		if code := k.answer(t, "app", token, answer); code != "" {
			t.Errorf("right: %q", code)
		}
		if code := k.answer(t, "app", token, answer); code != errs.CaptchaWrong {
			t.Errorf("again: %q", code)
		}
		token, answer = k.challenge(t)
		k.clock = k.clock.Add(5*time.Minute + time.Second)
		if code := k.answer(t, "app", token, answer); code != errs.CaptchaWrong {
			t.Errorf("too late: %q", code)
		}
	})
}

// One picture makes one token, however many answer it at once.
func TestConcurrentRightAnswersMakeOneToken(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		token, answer := k.challenge(t)
		won := make(chan string, 20)
		var all sync.WaitGroup
		for range cap(won) {
			all.Go(func() {
				got, _, err := k.Answer(t.Context(), k.pool, "app", token, answer)
				switch errs.CodeOf(err) {
				case "":
					won <- got
				case errs.CaptchaWrong:
				default:
					t.Error(err)
				}
			})
		}
		all.Wait()
		if len(won) != 1 {
			t.Errorf("%d tokens, want 1", len(won))
		}
	})
}

// C1: a vendor's yes is worth a token; without a vendor, or without an answer, there is none.
func TestC1AVendorVouches(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newKit(t, d)
		if _, _, err := b.Vouch(t.Context(), b.pool, "app", "ticket", "rand"); errs.CodeOf(err) != errs.CaptchaWrong {
			t.Errorf("no vendor: %v", err)
		}
		said := errs.New(errs.Unavailable)
		b.Vendor = func(_ context.Context, response, random string) error {
			if response == "ticket" && random == "rand" {
				return nil
			}
			return said
		}
		if token, _, err := b.Vouch(t.Context(), b.pool, "app", "ticket", ""); errs.CodeOf(err) != errs.Unavailable || token != "" {
			t.Errorf("vendor away: %q, %v", token, err)
		}
		token, life, err := b.Vouch(t.Context(), b.pool, "app", "ticket", "rand")
		if err != nil || life <= 0 {
			t.Fatal(life, err)
		}
		if err := b.Check(t.Context(), b.pool, "app", token); err != nil {
			t.Error(err)
		}
		if err := b.Check(t.Context(), b.pool, "other", token); errs.CodeOf(err) != errs.CaptchaInvalid {
			t.Errorf("another client: %v", err)
		}
	})
}

// A picture is work and a row for whoever asks, without any proof.
func TestPicturesAreLimited(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		k := newKit(t, d)
		for range limit.CaptchaAddress().Max {
			k.challenge(t)
		}
		if _, err := k.Challenge(t.Context(), k.pool, "app", ""); errs.CodeOf(err) != errs.TooManyRequests {
			t.Errorf("one more: %v", err)
		}
		k.clock = k.clock.Add(limit.CaptchaAddress().Per)
		k.challenge(t)
	})
}
