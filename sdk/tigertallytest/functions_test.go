package tigertallytest_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/tigertally/tigertally/sdk/tigertallytest"
)

func TestMain(m *testing.M) { os.Exit(tigertallytest.Main(m)) }

// A function of the pool runs, over a restart too; one that does not compile is refused.
func TestFunctionsRun(t *testing.T) {
	t.Parallel()
	srv := tigertallytest.Start(t)
	srv.Function(t, "PRE_REGISTER", "guard", `
		async function pipe(user, context, callback) {
			if (user.phone === '13800000000') return callback(new Error('not you'));
			return callback(null, user, context);
		}`)
	for range 2 {
		why := failure(t, func(t testing.TB) { srv.SignIn(t, "+86 13800000000") })
		if !strings.Contains(why, "not you") {
			t.Errorf("the function refuses nobody: %q", why)
		}
		srv.SignIn(t, "+86 13900000000")
		srv.Restart(t)
	}
	if why := failure(t, func(t testing.TB) { srv.Function(t, "PRE_REGISTER", "broken", "function (") }); !strings.Contains(why, "broken") {
		t.Errorf("a broken function: %q", why)
	}
	if status, _ := get(t, srv.URL+"/healthz"); status != http.StatusOK {
		t.Errorf("health: %d", status)
	}
}

// Without a TestMain that knows how to be a worker no process is started, and a test is
// told what to do.
func TestFunctionsNeedTestMain(t *testing.T) {
	t.Setenv("TIGERTALLYTEST_FUNCTIONS", "1:/tmp") // another process has it, perhaps our parent
	srv := tigertallytest.Start(t)
	why := failure(t, func(t testing.TB) { srv.Function(t, "PRE_REGISTER", "guard", "") })
	if !strings.Contains(why, "tigertallytest.Main(m)") {
		t.Errorf("got %q", why)
	}
}
