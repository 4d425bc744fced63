package hosted

import (
	"embed"

	"github.com/tigertally/tigertally/internal/i18n"
)

//go:embed words
var wordFiles embed.FS

// catalogs reads the words of the page in every language.
func catalogs() (map[string]i18n.Catalog, error) {
	all := make(map[string]i18n.Catalog)
	for _, lang := range i18n.Languages() {
		raw, err := wordFiles.ReadFile("words/" + lang + ".txt")
		if err != nil {
			return nil, err
		}
		if all[lang], err = i18n.Parse(string(raw)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// say returns a text of the page with its parameters, name and value in turn.
func (v view) say(key string, params ...string) string {
	filled := make(map[string]string, len(params)/2)
	for i := 0; i+1 < len(params); i += 2 {
		filled[params[i]] = params[i+1]
	}
	words, ok := v.words[v.lang].Lookup(key, filled)
	if !ok {
		return key
	}
	return words
}
