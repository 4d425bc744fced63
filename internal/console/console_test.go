package console_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/console"
	"github.com/tigertally/tigertally/internal/i18n"
	"github.com/tigertally/tigertally/internal/manage"
)

// TestTheConsoleCanDoEverything compares the pages with what administrators can do by the
// API, whose list the command line is made from.
func TestTheConsoleCanDoEverything(t *testing.T) {
	c, err := console.New(console.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, o := range manage.Operations() {
		want = append(want, string(o.Op))
	}
	for _, op := range c.Operations() {
		got = append(got, string(op))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// catalog reads the words of all areas in one language.
func catalog(t *testing.T, lang string) i18n.Catalog {
	t.Helper()
	files, err := filepath.Glob("words/*." + lang + ".txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no words", err)
	}
	all := i18n.Catalog{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		words, err := i18n.Parse(string(raw))
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		maps.Copy(all, words)
	}
	return all
}

var said = regexp.MustCompile(`\b(?:say|done)\((?:[^"()]*, )?"([a-z][a-z0-9_.]*)"[,)]`)

// TestEveryWordStandsInEveryLanguage compares the languages with each other and with what
// the pages say.
func TestEveryWordStandsInEveryLanguage(t *testing.T) {
	words := map[string]i18n.Catalog{}
	for _, lang := range i18n.Languages() {
		words[lang] = catalog(t, lang)
	}
	en, zh := words[i18n.English], words[i18n.Chinese]
	if diff := cmp.Diff(slices.Sorted(maps.Keys(en)), slices.Sorted(maps.Keys(zh))); diff != "" {
		t.Errorf("keys differ between the languages: %s", diff)
	}
	parameter := regexp.MustCompile(`\{\w+\}`)
	for key, text := range en {
		a, b := parameter.FindAllString(text, -1), parameter.FindAllString(zh[key], -1)
		slices.Sort(a)
		slices.Sort(b)
		if diff := cmp.Diff(a, b); diff != "" {
			t.Errorf("%s has other parameters in Chinese: %s", key, diff)
		}
	}
	sources, err := filepath.Glob("*")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, f := range sources {
		if !strings.HasSuffix(f, ".templ") && (!strings.HasSuffix(f, ".go") || strings.HasSuffix(f, "_templ.go") || strings.HasSuffix(f, "_test.go")) {
			continue
		}
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range said.FindAllStringSubmatch(string(raw), -1) {
			if checked++; en[m[1]] == "" {
				t.Errorf("%s says %q, which has no words", f, m[1])
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d words were found in the pages", checked)
	}
}
