package secret_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// cheap makes tests of the queue quick; nothing but a test may hash so cheaply.
var cheap = secret.Argon2Params{Memory: 256, Time: 1}

func hasher(t *testing.T, o secret.HasherOptions) *secret.Hasher {
	t.Helper()
	h := secret.NewHasher(o)
	t.Cleanup(h.Close)
	return h
}

func verify(t *testing.T, h *secret.Hasher, phc, password string) (ok, rehash bool) {
	t.Helper()
	ok, rehash, err := h.Verify(t.Context(), "pool", phc, password)
	if err != nil {
		t.Fatalf("verify %q: %v", password, err)
	}
	return ok, rehash
}

// PW-06.
func TestHashesAreArgon2idOfTheDefaultCostAndSalted(t *testing.T) {
	h := hasher(t, secret.HasherOptions{Nice: true, Now: time.Now})
	var all [2]string
	for i := range all {
		var err error
		if all[i], err = h.Hash(t.Context(), "pool", "correct horse"); err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(all[i], "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("hash %q", all[i])
		}
		if ok, rehash := verify(t, h, all[i], "correct horse"); !ok || rehash {
			t.Errorf("right password: ok %v, rehash %v", ok, rehash)
		}
	}
	if all[0] == all[1] {
		t.Error("two users with one password have one hash")
	}
}

// PW-02, PW-03: passwords count whole, in their case, in composed form.
func TestPasswordsCountWhole(t *testing.T) {
	h := hasher(t, secret.HasherOptions{Params: cheap})
	long := strings.Repeat("kx7mQ2vz", 25)
	for _, c := range []struct {
		name, set, typed string
		ok               bool
	}{
		{"two hundred characters", long, long, true},
		{"last character changed", long, long[:199] + "x", false},
		{"first 72 bytes only", long, long[:72], false},
		{"upper case", long, strings.ToUpper(long), false},
		{"composed and decomposed", "caf\u00e9 noir", "cafe\u0301 noir", true},
		{"space of another script", "a\u3000b c d e f", "a b c d e f", true},
		{"full-width digits are others", "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18", "12345678", false},
		{"no text", "correct horse", "correct\x00horse", false},
		{"empty", "correct horse", "", false},
		{"a megabyte", "correct horse", strings.Repeat("x", 1<<20), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			phc, err := h.Hash(t.Context(), "pool", c.set)
			if err != nil {
				t.Fatal(err)
			}
			if ok, _ := verify(t, h, phc, c.typed); ok != c.ok {
				t.Errorf("got %v, want %v", ok, c.ok)
			}
		})
	}
	for text, want := range map[string]errs.Code{
		"": errs.PasswordInvalid, "a\x00b": errs.PasswordInvalid, "\xff": errs.PasswordInvalid,
		strings.Repeat("x", 1<<20): errs.PasswordTooLong, strings.Repeat("x", 1025): errs.PasswordTooLong,
	} {
		before := h.Stats().Done
		if _, err := h.Hash(t.Context(), "pool", text); errs.CodeOf(err) != want || h.Stats().Done != before {
			t.Errorf("%d bytes: %v after %d hashes, want %s at once", len(text), err, h.Stats().Done-before, want)
		}
	}
}

// PW-07: every older form verifies and asks for a new hash when it is weaker.
func TestOlderHashesVerifyAndAreRenewed(t *testing.T) {
	bcrypted := func(password string) string {
		b, err := bcrypt.GenerateFromPassword([]byte(password), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	h := hasher(t, secret.HasherOptions{Params: cheap})
	stronger := hasher(t, secret.HasherOptions{Params: secret.Argon2Params{Memory: 512, Time: 2, Threads: 2}})
	own, err := h.Hash(t.Context(), "pool", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	strong, err := stronger.Hash(t.Context(), "pool", "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	const salt, tag = "MDEyMzQ1Njc4OWFiY2RlZg", "cBg8D2DungRB9k76szThf5ehfyBz991ay6PT8Srwk4M"
	for _, c := range []struct {
		name, phc string
		by        *secret.Hasher
		rehash    bool
	}{
		{"own", own, h, false},
		{"stronger than ours", strong, h, false},
		{"weaker than ours", own, stronger, true},
		{"bcrypt", bcrypted("correct horse"), h, true},
		{"bcrypt of PHP", "$2y" + bcrypted("correct horse")[3:], h, true},
		{"pbkdf2", "$pbkdf2-sha256$i=1000$" + salt + "$" + tag, h, true},
		{"pbkdf2 padded", "$pbkdf2-sha256$i=1000,l=32$" + salt + "==$" + tag + "=", h, true},
		{"pbkdf2 of passlib", "$pbkdf2-sha256$1000$" + salt + "$" + tag, h, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if ok, rehash := verify(t, c.by, c.phc, "correct horse"); !ok || rehash != c.rehash {
				t.Errorf("right password: ok %v, rehash %v; want rehash %v", ok, rehash, c.rehash)
			}
			if ok, rehash := verify(t, c.by, c.phc, "correct horsf"); ok || rehash {
				t.Errorf("wrong password: ok %v, rehash %v", ok, rehash)
			}
		})
	}
	if ok, _ := verify(t, h, bcrypted(strings.Repeat("x", 72)), strings.Repeat("x", 73)); ok {
		t.Error("bcrypt ignored the end of a password")
	}
}

// PW-08: a planted hash costs nothing, whatever it asks for.
func TestHashesOverTheCeilingsAreWrongAtOnce(t *testing.T) {
	h := hasher(t, secret.HasherOptions{Params: cheap})
	const salt, tag = "MDEyMzQ1Njc4OWFiY2RlZg", "cBg8D2DungRB9k76szThf5ehfyBz991ay6PT8Srwk4M"
	for _, phc := range []string{
		"$argon2id$v=19$m=4294967295,t=2,p=1$" + salt + "$" + tag,
		"$argon2id$v=19$m=262145,t=2,p=1$" + salt + "$" + tag,
		"$argon2id$v=19$m=19456,t=11,p=1$" + salt + "$" + tag,
		"$argon2id$v=19$m=19456,t=2,p=9$" + salt + "$" + tag,
		"$argon2id$v=19$m=0,t=2,p=1$" + salt + "$" + tag,
		"$argon2id$v=19$m=64,t=2,p=0$" + salt + "$" + tag,
		"$argon2id$v=16$m=64,t=2,p=1$" + salt + "$" + tag,
		"$argon2d$v=19$m=64,t=2,p=1$" + salt + "$" + tag,
		"$argon2id$v=19$m=64,t=2,p=1$$", "$argon2id$v=19$m=64,t=2,p=1$" + salt + "$", "$argon2id$", "$argon2id$v=19$m=64,t=2,p=1$" + salt + "$" + tag + "$",
		"$2a$31$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyz01234567",
		"$2a$15$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyz01234567",
		"$2a$10$short", "$2",
		"$pbkdf2-sha256$i=5000001$" + salt + "$" + tag,
		"$pbkdf2-sha256$i=0$" + salt + "$" + tag,
		"$pbkdf2-sha256$i=1000$" + salt + "$AA",
		"plain", "$", strings.Repeat("$2a$10$", 1000),
	} {
		if ok, rehash := verify(t, h, phc, "correct horse"); ok || rehash {
			t.Errorf("%.60s: ok %v, rehash %v", phc, ok, rehash)
		}
	}
	if done := h.Stats().Done; done != 0 {
		t.Errorf("%d hashes were computed", done)
	}
}

// EN-02: an account that does not exist costs a hash too.
func TestNoHashCostsAsMuchAsAWrongOne(t *testing.T) {
	h := hasher(t, secret.HasherOptions{Params: cheap})
	if ok, rehash := verify(t, h, "", "correct horse"); ok || rehash {
		t.Errorf("ok %v, rehash %v", ok, rehash)
	}
	if done := h.Stats().Done; done != 1 {
		t.Errorf("%d hashes were computed, want 1", done)
	}
}

func TestArgon2ParamsCheck(t *testing.T) {
	for p, ok := range map[secret.Argon2Params]bool{
		{}: true, {Memory: 47104, Time: 1}: true, {Memory: 65536, Time: 3, Threads: 4}: true,
		{Memory: 19456, Time: 1}: false, cheap: false, {Memory: 1 << 20}: false, {Time: 11}: false, {Threads: 9}: false,
	} {
		if err := p.Check(); (err == nil) != ok {
			t.Errorf("%+v: %v", p, err)
		}
	}
}

func TestLongPredictedWaitsAreRefusedWithAHint(t *testing.T) {
	h := hasher(t, secret.HasherOptions{Workers: 1, MaxWait: 200 * time.Millisecond})
	results := make(chan error, 40)
	var all sync.WaitGroup
	for range cap(results) {
		all.Go(func() {
			_, err := h.Hash(t.Context(), "pool", "correct horse")
			results <- err
		})
	}
	all.Wait()
	close(results)
	served, refused := 0, 0
	for err := range results {
		if err == nil {
			served++
			continue
		}
		refused++
		if e := errs.From(err); e.Code != errs.Unavailable || e.RetryAfter < time.Second {
			t.Errorf("refusal %v, retry after %v", e, e.RetryAfter)
		}
	}
	if served == 0 || refused == 0 {
		t.Errorf("%d served, %d refused: want some of each", served, refused)
	}
}

func TestGivingUpLeavesTheQueue(t *testing.T) {
	h := hasher(t, secret.HasherOptions{Workers: 1, Params: secret.Argon2Params{Memory: 65536, Time: 3}})
	var busy sync.WaitGroup
	busy.Go(func() { _, _ = h.Hash(t.Context(), "pool", "correct horse") })
	for h.Stats().Running == 0 {
		time.Sleep(time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := h.Hash(ctx, "pool", "correct horse"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	busy.Wait()
	if s := h.Stats(); s.Queued != 0 || s.Done != 1 {
		t.Errorf("stats %+v, want one hash and nobody waiting", s)
	}
}

func TestCloseAnswersEveryoneAndRefusesAfterwards(t *testing.T) {
	h := secret.NewHasher(secret.HasherOptions{Workers: 2, Params: cheap, Nice: true})
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if _, err := h.Hash(t.Context(), "pool", "correct horse"); err != nil && errs.CodeOf(err) != errs.Unavailable {
				t.Errorf("got %v", err)
			}
		})
	}
	h.Close()
	h.Close()
	all.Wait()
	if _, err := h.Hash(t.Context(), "pool", "correct horse"); errs.CodeOf(err) != errs.Unavailable {
		t.Errorf("after Close: %v", err)
	}
}

// Hashes come from imports: whatever they hold, parsing ends in a plain answer.
func FuzzVerify(f *testing.F) {
	f.Add("$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$cBg8D2DungRB9k76szThf5ehfyBz991ay6PT8Srwk4M")
	f.Add("$2a$04$abcdefghijklmnopqrstuuabcdefghijklmnopqrstuvwxyz01234567")
	f.Add("$pbkdf2-sha256$i=10$MDEyMzQ1Njc4OWFiY2RlZg$cBg8D2DungRB9k76szThf5ehfyBz991ay6PT8Srwk4M")
	h := secret.NewHasher(secret.HasherOptions{Params: cheap})
	f.Cleanup(h.Close)
	f.Fuzz(func(t *testing.T, phc string) {
		if strings.Contains(phc, "m=") && len(phc) > 26 && !strings.Contains(phc, "m=64,t=1,p=1") {
			t.Skip("keeps the fuzzer from spending its time hashing")
		}
		if ok, _, err := h.Verify(t.Context(), "pool", phc, "a password nobody chose"); ok || err != nil {
			t.Errorf("ok %v, %v", ok, err)
		}
	})
}
