// Package i18n owns the words people read: one text for each error code and language, the
// names of vendors, and the choice of language. It knows no protocol; the templates of messages are
// notify's.
package i18n

import (
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/tigertally/tigertally/internal/errs"
)

// The languages there are. Chinese is the default, as it is for both vendors.
const (
	Chinese = "zh-CN"
	English = "en"
)

//go:embed zh-CN.txt en.txt vendors-zh-CN.txt vendors-en.txt
var files embed.FS

var (
	catalogs = sync.OnceValue(func() map[string]Catalog { return read("") })
	vendors  = sync.OnceValue(func() map[string]Catalog { return read("vendors-") })
)

// read parses embedded texts. Their form is proved by this package's tests, so a bad line
// can only leave its key without words.
func read(prefix string) map[string]Catalog {
	all := make(map[string]Catalog, 2)
	for _, lang := range Languages() {
		text, err := files.ReadFile(prefix + lang + ".txt")
		if err != nil {
			continue
		}
		c, err := Parse(string(text))
		if err != nil {
			continue
		}
		all[lang] = c
	}
	return all
}

// Languages lists the languages there are, the default first.
func Languages() []string { return []string{Chinese, English} }

// Text says code in lang with its placeholders filled from params. A language there
// is no text in gets the default one, a code without words its own name.
func Text(lang string, code errs.Code, params map[string]string) string {
	text, ok := catalogs()[lang][string(code)]
	if !ok {
		text, ok = catalogs()[Chinese][string(code)]
	}
	if !ok {
		return string(code)
	}
	return Fill(text, params)
}

// Vendor is what people who read lang call the vendor of a kind of provider, or "". A
// language there is no name in gets the default one's.
func Vendor(lang, kind string) string {
	name, ok := vendors()[lang][kind]
	if !ok {
		name = vendors()[Chinese][kind]
	}
	return name
}

// Catalog holds the texts of one language by key.
type Catalog map[string]string

// Parse reads lines of the form "key = text with {placeholders}". Empty lines and
// lines that start with # are skipped; a key may stand once.
func Parse(text string) (Catalog, error) {
	c := make(Catalog)
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, words, ok := strings.Cut(line, "=")
		key, words = strings.TrimSpace(key), strings.TrimSpace(words)
		if !ok || key == "" || words == "" {
			return nil, fmt.Errorf("i18n: line %d is not \"key = text\"", n+1)
		}
		if _, twice := c[key]; twice {
			return nil, fmt.Errorf("i18n: line %d repeats the key %q", n+1, key)
		}
		c[key] = words
	}
	return c, nil
}

// Lookup returns the text of key filled from params, and whether there is one.
func (c Catalog) Lookup(key string, params map[string]string) (string, bool) {
	text, ok := c[key]
	if !ok {
		return "", false
	}
	return Fill(text, params), true
}

// Fill puts params in the place of {name}. What a parameter holds is never read as a
// placeholder again; a name without a parameter leaves nothing behind.
func Fill(text string, params map[string]string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	for {
		before, rest, ok := strings.Cut(text, "{")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			b.WriteByte('{')
			b.WriteString(rest)
			return b.String()
		}
		b.WriteString(params[name])
		text = after
	}
}
