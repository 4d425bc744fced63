package testkit_test

import (
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/tigertally/tigertally/internal/db/dbtest"
	"github.com/tigertally/tigertally/internal/testkit"
)

// BenchmarkRefresh rotates sessions of eight devices at once over HTTP: each operation
// is one durable write. The client's cost is part of the figure; bench/ leaves it out.
func BenchmarkRefresh(b *testing.B) {
	s := testkit.Start(b, dbtest.SQLite)
	var device atomic.Int64
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		in := s.Do(http.MethodPost, "/auth/v1/signin/anonymously", map[string]string{},
			"x-device-id", "benchmark-device-"+string(rune('a'+device.Add(1))))
		token := in.String("refresh_token")
		for pb.Next() {
			next := s.Post("/auth/v1/token?client_id=dev",
				map[string]string{"grant_type": "refresh_token", "refresh_token": token})
			if token = next.String("refresh_token"); token == "" {
				b.Errorf("refresh: %s", next.Raw)
				return
			}
		}
	})
}

// BenchmarkMe reads the profile of one session over HTTP.
func BenchmarkMe(b *testing.B) {
	s := testkit.Start(b, dbtest.SQLite)
	in := s.Do(http.MethodPost, "/auth/v1/signin/anonymously", map[string]string{}, "x-device-id", "benchmark-device-a")
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if me := s.Bearer(in.String("access_token"), http.MethodGet, "/auth/v1/user/me", nil); me.Status != http.StatusOK {
				b.Errorf("me: %s", me.Raw)
				return
			}
		}
	})
}
