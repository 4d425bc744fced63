package cli_test

import (
	"strings"
	"testing"

	"github.com/tigertally/tigertally/internal/cli"
	"github.com/tigertally/tigertally/internal/manage"
)

// TestEveryOperationHasACommand asks each command for its help: whatever the management
// API can do, the command line can.
func TestEveryOperationHasACommand(t *testing.T) {
	for _, o := range manage.Operations() {
		noun, verb, _ := strings.Cut(string(o.Op), ".")
		for _, args := range [][]string{{"api", noun, verb, "--help"}, {noun, "--help"}} {
			var out, problem strings.Builder
			code := cli.Main(t.Context(), cli.Process{
				Args: args, LookupEnv: func(string) (string, bool) { return "", false }, Stdout: &out, Stderr: &problem,
			})
			if code != 0 || args[0] == "api" && !strings.Contains(out.String(), "--server") {
				t.Errorf("tigertally %s: exit %d\n%s%s", strings.Join(args, " "), code, &out, &problem)
			}
		}
	}
}
