package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// maxFile bounds the files read here; none is meant to be larger.
const maxFile = 1 << 20

// Load reads the settings: the defaults, over them the YAML file called path unless it
// is "", over that the environment. It reports everything it cannot read at once.
func Load(path string, lookupEnv func(string) (string, bool)) (Config, error) {
	c := Default()
	values, err := readFile(path)
	if err != nil {
		return c, fmt.Errorf("configuration file %s: %w", path, err)
	}
	var problems []error
	for _, s := range Settings() {
		value, found := values[s.Name]
		delete(values, s.Name)
		if found && value != nil {
			if err := s.set(&c, value); err != nil {
				problems = append(problems, fmt.Errorf("%s: %s: %w", at(path, s.Name, places(path)), s.Name, err))
			}
		}
		if err := s.fromEnv(&c, lookupEnv); err != nil {
			problems = append(problems, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		problem := fmt.Errorf("%s: there is no setting %q", at(path, name, places(path)), name)
		if meant := like(name); meant != "" {
			problem = fmt.Errorf("%w; did you mean %q?", problem, meant)
		}
		problems = append(problems, problem)
	}
	for _, d := range []struct {
		name    string
		options *map[string]string
	}{
		{"sms.options", &c.SMS.Options},
		{"mail.options", &c.Mail.Options},
		{"onetap.options", &c.OneTap.Options},
		{"captcha.options", &c.Captcha.Options},
	} {
		if *d.options, err = resolve(*d.options); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", d.name, err))
		}
	}
	return c, errors.Join(problems...)
}

// readFile returns the values of a YAML file by setting name.
func readFile(path string) (map[string]any, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		// Not the source around the mistake, which may hold secrets.
		return nil, errors.New(yaml.FormatError(err, false, false))
	}
	values := make(map[string]any)
	flatten(values, "", tree)
	return values, nil
}

// flatten writes the leaves of tree under their dotted names. A mapping that a setting
// takes whole is a leaf.
func flatten(values map[string]any, prefix string, tree map[string]any) {
	whole := slices.IndexFunc(Settings(), func(s Setting) bool { return s.Name == prefix })
	if prefix != "" && whole >= 0 {
		values[prefix] = tree
		return
	}
	for name, v := range tree {
		if prefix != "" {
			name = prefix + "." + name
		}
		if sub, ok := v.(map[string]any); ok {
			flatten(values, name, sub)
			continue
		}
		values[name] = v
	}
}

// set stores a value of the file. Types are strict, so that a port is not taken for a
// text nor a yes for a name.
func (s Setting) set(c *Config, value any) error {
	switch field := s.field(c).(type) {
	case *string:
		text, ok := value.(string)
		if !ok {
			return errors.New("wants a text; put it in quotes")
		}
		*field = text
	case *int:
		n, ok := value.(uint64) // what the decoder makes of a whole number
		if !ok || n > 1<<16 {
			return errors.New("wants a whole number, 0 or more")
		}
		*field = int(n)
	case *[]string:
		list, ok := value.([]any)
		if !ok {
			return errors.New("wants a list")
		}
		*field = nil
		for _, item := range list {
			text, ok := item.(string)
			if !ok {
				return errors.New("wants a list of texts; put each in quotes")
			}
			*field = append(*field, text)
		}
	case *map[string]string:
		tree, ok := value.(map[string]any)
		if !ok {
			return errors.New("wants a mapping")
		}
		*field = make(map[string]string, len(tree))
		for name, v := range tree {
			switch v.(type) {
			case string, uint64, bool:
				(*field)[name] = fmt.Sprint(v)
			default:
				return fmt.Errorf("option %s wants a text", name)
			}
		}
	}
	return nil
}

func (s Setting) fromEnv(c *Config, lookupEnv func(string) (string, bool)) error {
	name := s.Env()
	value, found := lookupEnv(name)
	if s.Secret {
		if path, fromFile := lookupEnv(name + "_FILE"); fromFile && path != "" {
			if found {
				return fmt.Errorf("%s and %s_FILE are both set", name, name)
			}
			text, err := readText(path)
			if err != nil {
				return fmt.Errorf("%s_FILE: %w", name, err)
			}
			value, found = strings.TrimSpace(text), true
		}
	}
	if !found {
		return nil
	}
	if err := s.parse(c, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// parse stores a value of the environment, which is always text.
func (s Setting) parse(c *Config, value string) error {
	switch field := s.field(c).(type) {
	case *string:
		*field = value
	case *int:
		n, err := strconv.ParseUint(value, 10, 16)
		if err != nil {
			return errors.New("wants a whole number, 0 or more")
		}
		*field = int(n)
	case *[]string:
		*field = nil
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" {
				*field = append(*field, item)
			}
		}
	case *map[string]string:
		var tree map[string]any
		if err := yaml.Unmarshal([]byte(value), &tree); err != nil {
			return errors.New("wants a mapping in YAML") // the text may hold secrets
		}
		return s.set(c, tree)
	}
	return nil
}

// resolve replaces each option NAME_file by NAME with the contents of that file.
func resolve(options map[string]string) (map[string]string, error) {
	var problems []error
	out := make(map[string]string, len(options))
	maps.Copy(out, options)
	for _, key := range slices.Sorted(maps.Keys(options)) {
		name, ok := strings.CutSuffix(key, "_file")
		if !ok {
			continue
		}
		delete(out, key)
		if _, both := options[name]; both {
			problems = append(problems, fmt.Errorf("%s and %s are both set", name, key))
			continue
		}
		text, err := readText(options[key])
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", key, err))
			continue
		}
		out[name] = strings.TrimSpace(text)
	}
	if len(out) == 0 {
		out = nil
	}
	return out, errors.Join(problems...)
}

func readText(path string) (text string, err error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", err
	}
	if len(b) > maxFile {
		return "", fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return string(b), nil
}
