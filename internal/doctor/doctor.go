// Package doctor owns what can be wrong with an installation: the checks, what each
// finding means and how a person mends it, in words. It changes nothing, and everything
// it knows of the outside it is told by those who wire it.
package doctor

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/i18n"
)

// Level is how bad a finding is.
type Level string

// The levels.
const (
	OK   Level = "ok"
	Warn Level = "warn" // works, and will hurt some day
	Fail Level = "fail" // does not work, or is not safe
)

// Finding is one thing that was looked at. Its words are those of ID, filled from Params.
type Finding struct {
	ID     string
	Level  Level
	Params map[string]string
}

// Check looks at one thing. It ends when its context does.
type Check struct {
	Name string
	Run  func(ctx context.Context) []Finding
}

// Patience is how long all checks together may take.
const Patience = 4500 * time.Millisecond

// Doctor runs checks.
type Doctor struct{ checks []Check }

// New makes a doctor.
func New(checks ...Check) *Doctor { return &Doctor{checks} }

// Run does all checks side by side and returns what they found, in the order of the
// checks. One that was not done in time says so.
func (d *Doctor) Run(ctx context.Context) []Finding {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	found := make([][]Finding, len(d.checks))
	var work sync.WaitGroup
	for i, c := range d.checks {
		work.Go(func() {
			found[i] = c.Run(ctx)
			if len(found[i]) == 0 && ctx.Err() != nil {
				found[i] = []Finding{warn("unfinished", "check", c.Name)}
			}
		})
	}
	work.Wait()
	return slices.Concat(found...)
}

// Worst is the level of the worst finding.
func Worst(all []Finding) Level {
	worst := OK
	for _, f := range all {
		if f.Level == Fail || (f.Level == Warn && worst == OK) {
			worst = f.Level
		}
	}
	return worst
}

func finding(level Level, id string, params []string) Finding {
	f := Finding{ID: id, Level: level, Params: map[string]string{}}
	for i := 0; i+1 < len(params); i += 2 {
		f.Params[params[i]] = params[i+1]
	}
	return f
}

func ok(id string, params ...string) Finding   { return finding(OK, id, params) }
func warn(id string, params ...string) Finding { return finding(Warn, id, params) }
func fail(id string, params ...string) Finding { return finding(Fail, id, params) }

// reason is an error for people: its first line, not too long.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	text, _, _ := strings.Cut(err.Error(), "\n")
	if runes := []rune(text); len(runes) > 300 {
		text = string(runes[:300])
	}
	return text
}

//go:embed words
var wordFiles embed.FS

// Words are the texts of findings.
type Words struct{ byLang map[string]i18n.Catalog }

// ReadWords reads the texts, which are part of the program.
func ReadWords() (*Words, error) {
	w := &Words{map[string]i18n.Catalog{}}
	for _, lang := range i18n.Languages() {
		text, err := wordFiles.ReadFile("words/" + lang + ".txt")
		if err != nil {
			return nil, err
		}
		if w.byLang[lang], err = i18n.Parse(string(text)); err != nil {
			return nil, fmt.Errorf("words of findings in %s: %w", lang, err)
		}
	}
	return w, nil
}

// Text is a finding in words: what was looked at, what it is, and how to mend it, "" for
// what is all right.
func (w *Words) Text(lang string, f Finding) (title, detail, fix string) {
	words := w.byLang[lang]
	if words == nil {
		words = w.byLang[i18n.Chinese]
	}
	title, _ = words.Lookup(f.ID, f.Params)
	detail, _ = words.Lookup(f.ID+"_detail", f.Params)
	if f.Level != OK {
		fix, _ = words.Lookup(f.ID+"_fix", f.Params)
	}
	return title, detail, fix
}

// IDs lists the findings that have words.
func (w *Words) IDs() []string {
	var all []string
	for key := range w.byLang[i18n.English] {
		if !strings.HasSuffix(key, "_detail") && !strings.HasSuffix(key, "_fix") {
			all = append(all, key)
		}
	}
	slices.Sort(all)
	return all
}
