package cloudbase_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/tigertally/tigertally/internal/testkit"
)

// together sends n requests at once and counts the answers by their error, "" for a
// success.
func together(n int, send func(i int) testkit.Answer) map[string]int {
	var (
		wait  sync.WaitGroup
		mu    sync.Mutex
		words = make(map[string]int)
	)
	for i := range n {
		wait.Go(func() {
			word := send(i).String("error")
			mu.Lock()
			defer mu.Unlock()
			words[word]++
		})
	}
	wait.Wait()
	return words
}

// TK-02: of many who show one verification token, one gets an account.
func TestOneOfManyUsesOfATokenWins(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s, 1)
		token := w.verified(false, "email", w.newEmail)
		words := together(50, func(int) testkit.Answer {
			return s.Post("/auth/v1/signup", map[string]any{"email": w.newEmail, "verification_token": token})
		})
		if words[""] != 1 {
			t.Errorf("answers by error: %v", words)
		}
	})
}

// VC-04: the right code from fifty places at once is worth one token.
func TestOneOfManyRightCodesWins(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s, 1)
		id, digits := w.code(false, "email", w.newEmail)
		words := together(50, func(int) testkit.Answer {
			return s.Post("/auth/v1/verification/verify", map[string]any{
				"verification_id": id, "verification_code": digits,
			})
		})
		if words[""] != 1 {
			t.Errorf("answers by error: %v", words)
		}
	})
}

// VC-04: a code that is shown without a token in between makes one account.
func TestOneOfManyBareCodesWins(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s, 1)
		_, digits := w.code(false, "email", w.newEmail)
		words := together(50, func(int) testkit.Answer {
			return s.Post("/auth/v1/signup", map[string]any{"email": w.newEmail, "verification_code": digits})
		})
		if words[""] != 1 {
			t.Errorf("answers by error: %v", words)
		}
		again := s.Post("/auth/v1/signup", map[string]any{"email": w.newEmail, "verification_code": digits})
		if again.Status == http.StatusOK {
			t.Errorf("the code works twice: %s", again.Raw)
		}
	})
}

// A bare code that came to nothing is not lost: it is spent with its effect.
func TestABareCodeOutlivesARefusal(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s, 1)
		_, digits := w.code(false, "email", w.newEmail)
		sign := func(username string) testkit.Answer {
			return s.Post("/auth/v1/signup", map[string]any{
				"email": w.newEmail, "verification_code": digits, "username": username,
			})
		}
		if a := sign(w.username); a.Status == http.StatusOK {
			t.Fatalf("a taken name: %s", a.Raw)
		}
		if a := sign("somebody-new"); a.Status != http.StatusOK {
			t.Errorf("with a free name: %s", a.Raw)
		}
	})
}

// VC-03: a code is dead after the allowed tries, however they come.
func TestACodeDiesOfWrongGuesses(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s, 1)
		id, digits := w.code(false, "email", w.newEmail)
		words := together(200, func(i int) testkit.Answer {
			guess := fmt.Sprintf("%06d", i)
			if guess == digits {
				guess = "999999"
			}
			return s.Post("/auth/v1/verification/verify", map[string]any{
				"verification_id": id, "verification_code": guess,
			})
		})
		if words[""] != 0 || words["invalid_argument"] > 10 || words["aborted"] == 0 {
			t.Errorf("answers by error: %v", words)
		}
		right := s.Post("/auth/v1/verification/verify", map[string]any{
			"verification_id": id, "verification_code": digits,
		})
		if right.Status == http.StatusOK {
			t.Errorf("the code outlived its tries: %s", right.Raw)
		}
	})
}

// SE-04: many refreshes of one token at once lead to one successor.
func TestManyRefreshesHaveOneSuccessor(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		w := newWorld(t, s, 1)
		var mu sync.Mutex
		successors := make(map[string]bool)
		words := together(200, func(int) testkit.Answer {
			a := s.Post("/auth/v1/token?client_id=dev", map[string]any{
				"grant_type": "refresh_token", "refresh_token": w.refresh, "client_id": "dev", "client_secret": "",
			})
			mu.Lock()
			defer mu.Unlock()
			if next := a.String("refresh_token"); next != "" {
				successors[next] = true
			}
			return a
		})
		if words[""] != 200 || len(successors) != 1 {
			t.Errorf("answers by error: %v; %d successors", words, len(successors))
		}
	})
}
