package app

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/limit"
)

// Check reports everything that is wrong with conf, also what only the parts know that use
// it.
func Check(conf config.Config) error {
	problems := []error{conf.Check(), adjust(&limit.Service{}, conf.Limits), checkUpstreams(conf)}
	if _, err := networks(conf.NetworksFile); err != nil {
		problems = append(problems, err)
	}
	if _, err := operatorEmail(conf); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// adjust sets the limits that the operator has other numbers for.
func adjust(s *limit.Service, numbers map[string]string) error {
	all := make(map[string]int, len(numbers))
	for name, text := range numbers {
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("limits: %s: %q is no number", name, text)
		}
		all[name] = n
	}
	if err := s.Adjust(all); err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	return nil
}

// networks reads the groups of networks at path, "" for none.
func networks(path string) (caller.Networks, error) {
	if path == "" {
		return caller.Networks{}, nil
	}
	f, err := os.Open(path) //nolint:gosec // the operator's own file
	if err != nil {
		return caller.Networks{}, fmt.Errorf("networks_file: %w", err)
	}
	defer func() { _ = f.Close() }()
	n, err := caller.ParseNetworks(f)
	if err != nil {
		return n, fmt.Errorf("networks_file: %w", err)
	}
	return n, nil
}

func operatorEmail(conf config.Config) (string, error) {
	if conf.OperatorEmail == "" {
		return "", nil
	}
	email, err := contact.Email(conf.OperatorEmail)
	if err != nil {
		return "", errors.New("operator_email: is no mail address")
	}
	return email, nil
}
