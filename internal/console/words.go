package console

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"

	"github.com/tigertally/tigertally/internal/i18n"
)

// The words of the pages: one file for each area and language, words/<area>.<language>.txt.
// A key begins with the name of its area, but for those of the frame.
//
//go:embed words
var wordFiles embed.FS

// catalogs reads the words of all areas in every language. A key that two files have is
// an error.
func catalogs() (map[string]i18n.Catalog, error) {
	all := make(map[string]i18n.Catalog)
	for _, lang := range i18n.Languages() {
		all[lang] = i18n.Catalog{}
	}
	files, err := fs.ReadDir(wordFiles, "words")
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		area := strings.TrimSuffix(f.Name(), ".txt")
		_, lang, _ := strings.Cut(area, ".")
		raw, err := wordFiles.ReadFile("words/" + f.Name())
		if err != nil {
			return nil, err
		}
		words, err := i18n.Parse(string(raw))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name(), err)
		}
		for key, text := range words {
			if _, twice := all[lang][key]; twice {
				return nil, fmt.Errorf("%s: %s stands in another file too", f.Name(), key)
			}
			all[lang][key] = text
		}
	}
	return all, nil
}
