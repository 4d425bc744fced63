package hosted_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/i18n"
)

func TestEveryWordIsThereInEveryLanguage(t *testing.T) {
	keys := map[string]string{}
	for _, lang := range i18n.Languages() {
		raw, err := os.ReadFile("words/" + lang + ".txt")
		must(t, err)
		words, err := i18n.Parse(string(raw))
		must(t, err)
		for key := range words {
			keys[key] += lang + " "
		}
	}
	used := map[string]string{}
	for _, tab := range []string{"password", "phone", "email"} {
		for _, key := range []string{"by_" + tab, "other_" + tab, tab} {
			used[key] = "zh-CN en "
		}
	}
	delete(used, "other_password")
	for _, key := range []string{"renew_title", "title", "gone_title", "failed_title"} { // named by variables
		used[key] = "zh-CN en "
	}
	files, err := filepath.Glob("*.go")
	must(t, err)
	for _, name := range files {
		source, err := os.ReadFile(name)
		must(t, err)
		for _, m := range regexp.MustCompile(`say\("([a-z_]+)"[,)]`).FindAllStringSubmatch(string(source), -1) {
			used[m[1]] = "zh-CN en "
		}
	}
	if diff := cmp.Diff(used, keys); diff != "" {
		t.Errorf("words used and words written differ (-used +written):\n%s\n%v", diff, slices.Sorted(maps.Keys(keys)))
	}
}
