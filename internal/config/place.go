package config

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// places finds where the settings of a YAML file stand: "line:column" by dotted name. A
// file that cannot be read has none.
func places(path string) map[string]string {
	found := map[string]string{}
	text, err := readText(path)
	if err != nil {
		return found
	}
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		return found
	}
	for _, doc := range file.Docs {
		locate(found, "", doc.Body)
	}
	return found
}

func locate(found map[string]string, prefix string, node ast.Node) {
	tree, ok := node.(*ast.MappingNode)
	if !ok {
		return
	}
	for _, v := range tree.Values {
		token := v.Key.GetToken()
		name := prefix + token.Value
		found[name] = fmt.Sprintf("%d:%d", token.Position.Line, token.Position.Column)
		locate(found, name+".", v.Value)
	}
}

// at is path with the place of a setting in it, as editors take it.
func at(path, name string, places map[string]string) string {
	if where, ok := places[name]; ok {
		return path + ":" + where
	}
	return path
}

// like is the setting somebody probably meant, "" when none is near.
func like(name string) string {
	best, nearest := "", 3
	for _, s := range Settings() {
		if d := distance(name, s.Name); d < nearest {
			best, nearest = s.Name, d
		}
	}
	return best
}

// distance is how many letters have to be changed, added or left out (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := before
			if a[i] != b[j] {
				cost++
			}
			before = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// SecretFiles lists the files that settings read secrets from: those of NAME_FILE in the
// environment and NAME_file among the options of drivers, and the master key. Which of
// them exist is for the caller to find out.
func SecretFiles(path string, c Config, lookupEnv func(string) (string, bool)) []string {
	all := []string{c.KeyFile()}
	for _, s := range Settings() {
		if from, ok := lookupEnv(s.Env() + "_FILE"); s.Secret && ok && from != "" {
			all = append(all, from)
		}
	}
	values, err := readFile(path)
	if err != nil {
		values = nil // Load has said so
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		options, ok := values[name].(map[string]any)
		if !ok {
			continue
		}
		for _, option := range slices.Sorted(maps.Keys(options)) {
			from, isText := options[option].(string)
			if what, isFile := strings.CutSuffix(option, "_file"); isFile && isText && isSecretName(what) {
				all = append(all, from)
			}
		}
	}
	return all
}

// HoldsSecrets reports whether a configuration file has a secret itself.
func HoldsSecrets(path string) bool {
	values, err := readFile(path)
	if err != nil {
		return false
	}
	for _, s := range Settings() {
		switch v := values[s.Name].(type) {
		case string:
			if s.Secret && v != "" {
				return true
			}
		case map[string]any:
			if slices.ContainsFunc(slices.Collect(maps.Keys(v)), func(name string) bool { return isSecretName(name) && !strings.HasSuffix(name, "_file") }) {
				return true
			}
		}
	}
	return false
}

// CheckSecretFile says whether a file may hold secrets: the server can read it, and the
// rest of the world cannot. One that does not exist is fine: Load says so where it matters.
func CheckSecretFile(path string) error {
	info, err := os.Stat(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Perm()&0o007 != 0 && os.PathSeparator == '/' {
		return fmt.Errorf("%s holds secrets and everybody on this machine may use it; run: chmod o= %s", path, path)
	}
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return err
	}
	return f.Close()
}
