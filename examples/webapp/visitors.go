package main

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

const (
	cookieName   = "visitor"
	pendingLife  = 10 * time.Minute    // as long as a code lives
	signedInLife = 30 * 24 * time.Hour // as long as a session lives
	mostVisitors = 10_000
)

// visitor is somebody who has asked for a code or signed in. Each has a cloudbase.App of
// their own, whose storage holds their tokens. None of its fields changes.
type visitor struct {
	app      *cloudbase.App
	phone    string
	sent     cloudbase.GetVerificationResponse
	signedIn bool
	until    time.Time
}

// visitors knows who has which cookie. It forgets everybody when the program ends; a site
// with more than one process would keep the sessions in a database instead, behind
// cloudbase.Storage.
type visitors struct {
	now func() time.Time

	mu  sync.Mutex
	all map[string]*visitor
}

func newVisitors(now func() time.Time) *visitors {
	return &visitors{now: now, all: map[string]*visitor{}}
}

// add keeps v and returns its cookie. When there are too many, those who never signed in
// go first.
func (s *visitors) add(v *visitor) string {
	life := pendingLife
	if v.signedIn {
		life = signedInLife
	}
	v.until = s.now().Add(life)
	id := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) >= mostVisitors {
		s.tidy()
	}
	s.all[id] = v
	return id
}

// tidy makes room: it forgets who has expired, and then, if need be, who waits for a code.
func (s *visitors) tidy() {
	now := s.now()
	for id, v := range s.all {
		if now.After(v.until) {
			delete(s.all, id)
		}
	}
	for id, v := range s.all {
		if len(s.all) < mostVisitors {
			return
		}
		if !v.signedIn {
			delete(s.all, id)
		}
	}
}

// get returns who has the cookie id, nil for nobody.
func (s *visitors) get(id string) *visitor {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.all[id]
	if v == nil || s.now().After(v.until) {
		delete(s.all, id)
		return nil
	}
	return v
}

func (s *visitors) remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
}

// close lets refreshes that are under way end.
func (s *visitors) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.all {
		_ = v.app.Close() // there is nothing left to do about it
	}
	clear(s.all)
}

// greet gives the browser its cookie; "" takes it away.
func (s *site) greet(w http.ResponseWriter, id string) {
	c := &http.Cookie{ //nolint:gosec // Secure is right for https and useless on a machine of one's own.
		Name: cookieName, Value: id, Path: "/", HttpOnly: true, Secure: s.o.Secure, SameSite: http.SameSiteLaxMode,
		MaxAge: int(signedInLife / time.Second),
	}
	if id == "" {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

func cookie(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	return c.Value
}
