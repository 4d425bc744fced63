package verify_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/verify"
)

// A new key is known from the first token it signs; made-up key names cost the server
// one fetch in ten seconds and nobody a good token.
func TestUnknownKeysFloodNobody(t *testing.T) {
	f := newForger(t)
	good := f.ec.sign(t, f.ec.head(), f.access())
	if _, err := f.v.Verify(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	stranger := ecKey(t, "")
	for i := range 200 {
		f.refused(t, stranger.sign(t, with(f.ec.head(), "kid", fmt.Sprint("made-up-", i)), f.access()), verify.ErrKey)
	}
	if n := f.fetches.Load(); n != 2 {
		t.Errorf("%d fetches, want the first and one for all unknown keys", n)
	}
	if _, err := f.v.Verify(t.Context(), good); err != nil {
		t.Errorf("a good token during the flood: %v", err)
	}

	next := ecKey(t, "ec-2")
	f.publish(f.ec, f.rsa, next)
	f.clock.advance(10 * time.Second)
	if _, err := f.v.Verify(t.Context(), next.sign(t, next.head(), f.access())); err != nil {
		t.Errorf("the first token of a new key: %v", err)
	}
}

func TestRotationIsFollowedAtOnce(t *testing.T) {
	f := newForger(t)
	if err := f.v.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	next := ecKey(t, "ec-2")
	f.publish(next, f.ec)
	if _, err := f.v.Verify(t.Context(), next.sign(t, next.head(), f.access())); err != nil {
		t.Errorf("new key: %v", err)
	}
	if _, err := f.v.Verify(t.Context(), f.ec.sign(t, f.ec.head(), f.access())); err != nil {
		t.Errorf("old key: %v", err)
	}
}

// A revoked key is forgotten within minutes, and the token that finds the keys old does
// not wait for new ones.
func TestRevokedKeysAreForgotten(t *testing.T) {
	f := newForger(t)
	long := with(f.access(), "exp", moment.Add(100*time.Hour).Unix())
	token := f.ec.sign(t, f.ec.head(), long)
	if _, err := f.v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	f.publish(f.rsa)
	f.clock.advance(5 * time.Minute)
	eventually(t, "the revoked key is used", func() bool {
		_, err := f.v.Verify(t.Context(), token)
		return errors.Is(err, verify.ErrKey)
	})
}

// Keys survive an outage of the server for a day, and the error afterwards is not the
// token's fault.
func TestOutageKeepsKnownKeys(t *testing.T) {
	f := newForger(t)
	long := with(f.access(), "exp", moment.Add(100*time.Hour).Unix())
	token := f.ec.sign(t, f.ec.head(), long)
	if _, err := f.v.Verify(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	for name, answer := range map[string]http.HandlerFunc{
		"500":      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"no JSON":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"no keys":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[]}`)) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/elsewhere", http.StatusFound) },
		"huge": func(w http.ResponseWriter, _ *http.Request) {
			raw, _ := json.Marshal(map[string]any{"keys": []any{f.rsa.public()}})
			_, _ = w.Write(append(raw, strings.Repeat(" ", 1<<20)...))
		},
	} {
		t.Run(name, func(t *testing.T) {
			f.instead(answer)
			before := f.fetches.Load()
			f.clock.advance(time.Hour)
			if _, err := f.v.Verify(t.Context(), token); err != nil {
				t.Error(err)
			}
			eventually(t, "no fetch", func() bool { return f.fetches.Load() > before })
			stranger := ecKey(t, "stranger")
			_, err := f.v.Verify(t.Context(), stranger.sign(t, stranger.head(), f.access()))
			if !errors.Is(err, verify.ErrUnavailable) || errors.Is(err, verify.ErrInvalid) {
				t.Errorf("an unknown key during an outage: %v", err)
			}
		})
	}
	f.clock.advance(24 * time.Hour)
	if _, err := f.v.Verify(t.Context(), token); !errors.Is(err, verify.ErrUnavailable) || errors.Is(err, verify.ErrInvalid) {
		t.Errorf("after a day: %v", err)
	}
	f.instead(nil)
	f.clock.advance(2 * time.Second)
	if _, err := f.v.Verify(t.Context(), token); err != nil {
		t.Errorf("after the outage: %v", err)
	}
}

// Many tokens that meet an empty cache share one fetch, and each waits no longer than its
// own request.
func TestSlowKeysAreFetchedOnce(t *testing.T) {
	f := newForger(t)
	release, arrived := make(chan struct{}), make(chan struct{})
	var once sync.Once
	set := f.ec.public()
	f.instead(func(w http.ResponseWriter, _ *http.Request) {
		once.Do(func() { close(arrived) })
		<-release
		_, _ = fmt.Fprintf(w, `{"keys":[{"kty":"EC","crv":"P-256","alg":"ES256","kid":%q,"x":%q,"y":%q}]}`, set["kid"], set["x"], set["y"])
	})
	token := f.ec.sign(t, f.ec.head(), f.access())
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, err := f.v.Verify(ctx, token)
		gone <- err
	}()
	<-arrived
	cancel() // whoever asked first goes away
	if err := <-gone; !errors.Is(err, verify.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("whoever went: %v", err)
	}
	errs := make(chan error, 50)
	for range cap(errs) {
		go func() {
			_, err := f.v.Verify(t.Context(), token)
			errs <- err
		}()
	}
	close(release)
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if n := f.fetches.Load(); n != 1 {
		t.Errorf("%d fetches, want 1", n)
	}
}

func TestUnreachableServerIsNotTheTokensFault(t *testing.T) {
	f := newForger(t)
	conf := f.config(f.clock)
	conf.KeysURL = "http://127.0.0.1:1/keys"
	v := newVerifier(t, conf)
	_, err := v.Verify(t.Context(), f.ec.sign(t, f.ec.head(), f.access()))
	if !errors.Is(err, verify.ErrUnavailable) || errors.Is(err, verify.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if err := v.Ready(t.Context()); !errors.Is(err, verify.ErrUnavailable) {
		t.Errorf("Ready: %v", err)
	}
}

// eventually waits for what happens in the background.
func eventually(t *testing.T, problem string, ok func() bool) {
	t.Helper()
	for range 3000 {
		if ok() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error(problem)
}
