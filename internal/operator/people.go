package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
)

// account is an operator as kept.
type account struct {
	id, name, key string
	role          Role
	pools         []string
	phc           string
	seed, fresh   []byte // sealed authenticators: in use, and shown but not proven
	disabled      bool
}

func (a account) step() Step {
	if a.seed == nil {
		return Enrol
	}
	return Factor
}

// may refuses who may not administer operators. The edge asks before; this is for when it
// forgets.
func (s *Service) may(by Principal, scope Scope) error {
	if !by.Can(scope, "") {
		return errs.New(errs.PermissionDenied)
	}
	if !by.Fresh(scope, s.d.Now()) {
		return errs.New(errs.SudoRequired)
	}
	return nil
}

// Create makes an operator, who has to set up a second factor at the first sign-in.
//
// Errors: PermissionDenied, SudoRequired, OperatorName, OperatorTaken, BadRequest and
// those of a password.
func (s *Service) Create(ctx context.Context, by Principal, p NewPerson) (Person, error) {
	if err := s.may(by, AdminsWrite); err != nil {
		return Person{}, err
	}
	shown, key, err := nameOf(p.Name)
	if err != nil {
		return Person{}, err
	}
	if err := errors.Join(checkRole(p.Role), checkPools(p.Role, p.Pools)); err != nil {
		return Person{}, err
	}
	if err := checkPassword(p.Password, shown); err != nil {
		return Person{}, err
	}
	phc, err := s.d.Hasher.Hash(ctx, tenant, p.Password)
	if err != nil {
		return Person{}, err
	}
	made := account{id: secret.ID(), name: shown, key: key, role: p.Role, pools: p.Pools, phc: phc}
	err = s.d.DB.InTx(ctx, func(ctx context.Context) error {
		n, err := s.insertOperator(ctx, made)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.New(errs.OperatorTaken)
		}
		return s.record(ctx, by, audit.OperatorCreate, "", described(made))
	})
	if err != nil {
		return Person{}, err
	}
	return s.person(ctx, made.id)
}

// List returns the operators by name. Errors: PermissionDenied.
func (s *Service) List(ctx context.Context, by Principal) ([]Person, error) {
	if err := s.may(by, AdminsRead); err != nil {
		return nil, err
	}
	return s.listOperators(ctx, "")
}

// Names are what operators and API keys are called, by what Principal.Actor says in audit
// records. Who may read those may know them.
func (s *Service) Names(ctx context.Context) (map[string]string, error) {
	return s.listNames(ctx)
}

// Get returns one operator; anybody may see themselves. Errors: PermissionDenied,
// OperatorNotFound.
func (s *Service) Get(ctx context.Context, by Principal, id string) (Person, error) {
	if by.Kind != KindOperator || by.ID != id || !by.MFA {
		if err := s.may(by, AdminsRead); err != nil {
			return Person{}, err
		}
	}
	return s.person(ctx, id)
}

// Find returns the operator with a name, in any case. Errors: PermissionDenied,
// OperatorNotFound.
func (s *Service) Find(ctx context.Context, by Principal, name string) (Person, error) {
	if err := s.may(by, AdminsRead); err != nil {
		return Person{}, err
	}
	_, key, err := nameOf(name)
	if err != nil {
		return Person{}, errs.New(errs.OperatorNotFound)
	}
	who, err := s.findByName(ctx, key)
	if errors.Is(err, db.ErrNoRows) {
		return Person{}, errs.New(errs.OperatorNotFound)
	}
	if err != nil {
		return Person{}, fmt.Errorf("find operator: %w", err)
	}
	return s.person(ctx, who.id)
}

func (s *Service) person(ctx context.Context, id string) (Person, error) {
	all, err := s.listOperators(ctx, id)
	if err != nil {
		return Person{}, fmt.Errorf("read operator: %w", err)
	}
	if len(all) == 0 {
		return Person{}, errs.New(errs.OperatorNotFound)
	}
	return all[0], nil
}

// SetRole changes what an operator may do, at once and in the sessions they have.
// Errors: PermissionDenied, SudoRequired, OperatorNotFound, LastOwner, BadRequest.
func (s *Service) SetRole(ctx context.Context, by Principal, id string, role Role, pools []string) error {
	if err := errors.Join(checkRole(role), checkPools(role, pools)); err != nil {
		return err
	}
	return s.change(ctx, by, id, audit.OperatorChange, func(ctx context.Context, who account) (map[string]string, error) {
		who.role, who.pools = role, pools
		return described(who), s.updateRole(ctx, id, role, pools)
	})
}

// Disable keeps an operator out and ends their sessions.
// Errors: PermissionDenied, SudoRequired, OperatorNotFound, LastOwner.
func (s *Service) Disable(ctx context.Context, by Principal, id string) error {
	return s.change(ctx, by, id, audit.OperatorChange, func(ctx context.Context, _ account) (map[string]string, error) {
		if err := s.setDisabled(ctx, id, true); err != nil {
			return nil, err
		}
		return map[string]string{"operator": id, "disabled": "true"}, s.deleteSession(ctx, id, "")
	})
}

// Enable lets a disabled operator in again.
// Errors: PermissionDenied, SudoRequired, OperatorNotFound.
func (s *Service) Enable(ctx context.Context, by Principal, id string) error {
	return s.change(ctx, by, id, audit.OperatorChange, func(ctx context.Context, _ account) (map[string]string, error) {
		return map[string]string{"operator": id, "disabled": "false"}, s.setDisabled(ctx, id, false)
	})
}

// Remove deletes an operator with their sessions. API keys stay: they belong to the
// installation. Errors: PermissionDenied, SudoRequired, OperatorNotFound, LastOwner.
func (s *Service) Remove(ctx context.Context, by Principal, id string) error {
	return s.change(ctx, by, id, audit.OperatorRemove, func(ctx context.Context, who account) (map[string]string, error) {
		if err := s.deleteRecovery(ctx, id); err != nil {
			return nil, err
		}
		if err := s.deleteSession(ctx, id, ""); err != nil {
			return nil, err
		}
		return described(who), s.deleteOperator(ctx, id)
	})
}

// change runs a change of one operator with the guard held, so that of two owners who
// demote each other one stays.
func (s *Service) change(ctx context.Context, by Principal, id, action string,
	do func(ctx context.Context, who account) (map[string]string, error),
) error {
	if err := s.may(by, AdminsWrite); err != nil {
		return err
	}
	return s.d.DB.InTx(ctx, func(ctx context.Context) error {
		if err := s.lockGuard(ctx); err != nil {
			return err
		}
		who, err := s.findByID(ctx, id)
		if errors.Is(err, db.ErrNoRows) {
			return errs.New(errs.OperatorNotFound)
		}
		if err != nil {
			return err
		}
		detail, err := do(ctx, who)
		if err != nil {
			return err
		}
		owners, err := s.countOwners(ctx)
		if err != nil {
			return err
		}
		if owners == 0 {
			return errs.New(errs.LastOwner)
		}
		return s.record(ctx, by, action, "", detail)
	})
}

// described is what the record says of an operator.
func described(a account) map[string]string {
	d := map[string]string{"operator": a.id, "name": a.name, "role": string(a.role)}
	if a.pools != nil {
		d["pools"] = strings.Join(slices.Sorted(slices.Values(a.pools)), ",")
	}
	return d
}
