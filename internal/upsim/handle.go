package upsim

import (
	"fmt"
	"slices"
	"time"
)

// Reset forgets what happened: journal, inbox, codes, tokens, faults, expectations and
// the clock's moves. Users and accounts stay.
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock.reset()
	s.codes, s.faults, s.journal = newCodes(), faults{}, journal{}
	s.inbox.sms, s.inbox.mail, s.expected, s.strict = nil, nil, nil, false
	for _, v := range s.vendors {
		v.reset()
	}
}

// Now is the simulator's time.
func (s *Server) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock.now()
}

// Advance moves the simulator's clock.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock.advance(d)
}

// SetTime moves the simulator's clock to t, from where it goes on.
func (s *Server) SetTime(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock.set(t)
}

// Freeze stops the simulator's clock, or lets it go on from where it stands.
func (s *Server) Freeze(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock.freeze(on)
}

// Follow replaces the clock that the simulator's own moves are added to, so that it can
// share one with the server it is tested with. The moves so far are forgotten.
func (s *Server) Follow(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = clock{base: now}
}

// Arm makes things go wrong and returns an id for Disarm.
func (s *Server) Arm(f Fault) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.check(f); err != nil {
		return 0, err
	}
	return s.faults.arm(f), nil
}

// Disarm takes a fault back and reports whether it was armed.
func (s *Server) Disarm(id int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults.disarm(id)
}

// Journal returns every request to an upstream, oldest first; "" is all of them.
func (s *Server) Journal(upstream string) []Entry { return s.journalSince(upstream, 0) }

func (s *Server) journalSince(upstream string, since int) []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []Entry{}
	for _, e := range s.journal.entries {
		if e.ID > since && (upstream == "" || e.Upstream == upstream) {
			found = append(found, e)
		}
	}
	return found
}

// Expect turns strictness on: from now on Unexpected tells of requests that match none
// of these or of earlier calls.
func (s *Server) Expect(matches ...Match) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.strict = true
	s.expected = append(s.expected, matches...)
}

// Unexpected returns the requests that nothing given to Expect had foreseen.
func (s *Server) Unexpected() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := []Entry{}
	for _, e := range s.journal.entries {
		if s.strict && !e.expected {
			found = append(found, e)
		}
	}
	return found
}

// User returns a person, registered or made up from the subject.
func (s *Server) User(subject string) User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.people.get(subject)
}

// PutUser registers or changes a person.
func (s *Server) PutUser(u User) error {
	if !isSubject(u.Subject) {
		return fmt.Errorf("upsim: %q is no subject", u.Subject)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.people.put(u)
	return nil
}

// Users returns the registered people in the order of registration.
func (s *Server) Users() []User {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.people.registered()
}

func (p *people) registered() []User {
	all := make([]User, 0, len(p.shown))
	for _, subject := range p.shown {
		all = append(all, p.known[subject])
	}
	return all
}

// Edit lets change read and change what is registered with the vendors. It must not
// keep the accounts, nor call other methods of s.
func (s *Server) Edit(change func(*Accounts)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.accounts)
}

// Upstreams names the vendors, as in the journal and in a fault's match.
func (s *Server) Upstreams() []string {
	var names []string
	for _, v := range s.vendors {
		names = append(names, v.name)
	}
	slices.Sort(names)
	return names
}
