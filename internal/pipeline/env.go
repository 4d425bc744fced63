package pipeline

import (
	"context"
	"fmt"
	"regexp"
	"strconv"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
)

// The bounds of a pool's env.
const (
	maxNames = 64
	maxValue = 4 << 10
)

var envPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func envPlace(poolID, name string) string { return "function_env|" + poolID + "|" + name }

// Env returns what a pool's functions read as env.
func (s *Service) Env(ctx context.Context, poolID string) (map[string]string, error) {
	env, err := s.env(ctx, poolID)
	if err != nil {
		return nil, fmt.Errorf("read env: %w", err)
	}
	return env, nil
}

// env opens the values. One that does not open is left out: it must not end the
// sign-ins of other pools.
func (s *Service) env(ctx context.Context, poolID string) (map[string]string, error) {
	sealed, err := s.sealedEnv(ctx, poolID)
	if err != nil {
		return nil, err
	}
	env := make(map[string]string, len(sealed))
	for name, value := range sealed {
		plain, err := s.ring.Open(value, envPlace(poolID, name))
		if err != nil {
			s.log.ErrorContext(ctx, "value of env does not open", "pool", poolID, "name", name, "err", err)
			continue
		}
		env[name] = string(plain)
	}
	return env, nil
}

// SetEnv gives one name of env its value, which is stored sealed; by is recorded.
func (s *Service) SetEnv(ctx context.Context, poolID, name, value, by string) error {
	switch {
	case !envPattern.MatchString(name):
		return errs.New(errs.BadRequest, "field", "name")
	case len(value) > maxValue:
		return errs.New(errs.FieldTooLong, "field", "value", "max", strconv.Itoa(maxValue))
	}
	sealed, err := s.ring.Seal([]byte(value), envPlace(poolID, name))
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return s.change(ctx, func(ctx context.Context) error {
		there, err := s.sealedEnv(ctx, poolID)
		if err != nil {
			return err
		}
		if _, old := there[name]; !old && len(there) >= maxNames {
			return errs.New(errs.FieldTooLong, "field", "env", "max", strconv.Itoa(maxNames))
		}
		if err := s.setEnv(ctx, poolID, name, sealed); err != nil {
			return err
		}
		return s.record(ctx, audit.FunctionEnv, Function{PoolID: poolID}, by, "set", name)
	})
}

// RemoveEnv takes a name away; by is recorded.
func (s *Service) RemoveEnv(ctx context.Context, poolID, name, by string) error {
	return s.change(ctx, func(ctx context.Context) error {
		n, err := s.removeEnv(ctx, poolID, name)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.BadRequest, "field", "name")
		}
		return s.record(ctx, audit.FunctionEnv, Function{PoolID: poolID}, by, "unset", name)
	})
}
