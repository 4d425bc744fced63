package provider_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/provider"
)

var update = flag.Bool("update", false, "rewrite the settings in docs/providers.md")

// docs/providers.md lists every kind with every setting, as the drivers describe them.
func TestDocsListEverySetting(t *testing.T) {
	const path, heading = "../../docs/providers.md", "## Settings\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, after, found := strings.Cut(string(text), heading)
	if !found {
		t.Fatalf("%s has no heading %q", path, heading)
	}
	want := settingsTables()
	if *update {
		if err := os.WriteFile(path, []byte(before+heading+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, after); diff != "" {
		t.Errorf("run go test ./internal/provider -run Docs -update:\n%s", diff)
	}
}

func settingsTables() string {
	var b strings.Builder
	for _, k := range provider.Kinds() {
		fmt.Fprintf(&b, "\n### `%s`\n\n%s\n\n| setting | | what it is |\n| --- | --- | --- |\n", k.Name, k.Doc)
		for _, o := range k.Options {
			var marks []string
			if o.Required {
				marks = append(marks, "required")
			}
			if o.Secret {
				marks = append(marks, "secret")
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", o.Name, strings.Join(marks, ", "), strings.ReplaceAll(o.Doc, "|", "\\|"))
		}
	}
	return b.String()
}
