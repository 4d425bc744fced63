package tigertallytest_test

import (
	"testing"

	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

func TestStart(t *testing.T) {
	srv := tigertallytest.Start(t)
	t.Logf("%+v", srv.URL)
	if id := srv.CreateUser(t, tigertallytest.User{Username: "bob"}); id == "" {
		t.Error("no id")
	}
	srv.Restart(t)
}
func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		tigertallytest.Start(b)
	}
}
