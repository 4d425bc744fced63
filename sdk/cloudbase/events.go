package cloudbase

import (
	"context"
	"slices"
	"sync"
)

// EventType says what happened to the session.
type EventType string

// The events of a session.
const (
	SignedIn         EventType = "SIGNED_IN"
	SignedOut        EventType = "SIGNED_OUT"
	TokenRefreshed   EventType = "TOKEN_REFRESHED"
	UserUpdated      EventType = "USER_UPDATED"      // the profile was changed from here
	CredentialsError EventType = "CREDENTIALS_ERROR" // the session could not be refreshed, or has ended
)

// Event is a change of the session.
type Event struct {
	Type EventType
	Err  error // why, for CredentialsError: ErrUnauthenticated when the session has ended
}

type listener struct {
	tell func(context.Context, Event)
}

type listeners struct {
	mu  sync.Mutex
	all []*listener
}

// OnAuthStateChange calls fn after each change until stop is called. fn runs in the
// goroutine that made the change, which waits for it; a refresh has a goroutine of its
// own. A change made by another process is not an event.
func (a *Auth) OnAuthStateChange(fn func(context.Context, Event)) (stop func()) {
	l, added := &a.app.events, &listener{fn}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(slices.Clip(l.all), added)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.all = slices.DeleteFunc(slices.Clone(l.all), func(one *listener) bool { return one == added })
	}
}

func (l *listeners) tell(ctx context.Context, e Event) {
	l.mu.Lock()
	all := l.all // never changed in place
	l.mu.Unlock()
	for _, one := range all {
		one.tell(ctx, e)
	}
}
