package authing

import (
	"context"
	"maps"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/session"
	"github.com/tigertally/tigertally/internal/web"
)

// operation is what a root field stands for.
type operation struct {
	kind  string // query or mutation
	words words
	run   func(ctx context.Context, args []byte) (any, error)
}

// The kinds of operations.
const (
	query    = "query"
	mutation = "mutation"
)

// operations lists what we answer, by root field. Whatever else clients ask for is
// NotImplemented.
func (p *Protocol) operations() map[string]operation {
	all := make(map[string]operation)
	for _, topic := range []map[string]operation{
		p.signinOperations(), p.selfOperations(), p.fieldOperations(), p.peopleOperations(),
		p.poolOperations(), p.emptyOperations(),
	} {
		maps.Copy(all, topic)
	}
	return all
}

// open makes an operation anybody may call. The Bearer is not looked at.
func open[In any](p *Protocol, kind string, w words, fn func(context.Context, pool.Client, In) (any, error)) operation {
	read := web.Object[In]()
	return operation{kind, w, func(ctx context.Context, args []byte) (any, error) {
		in, err := read(args)
		if err != nil {
			return nil, err
		}
		c, err := p.app(ctx)
		if err != nil {
			return nil, err
		}
		return fn(withClient(ctx, c.ID), c, in)
	}}
}

// input unwraps the argument most mutations have.
type input[T any] struct {
	Input *T `json:"input"`
}

// openInput is open for an operation whose arguments are in one named input.
func openInput[In any](p *Protocol, kind string, w words, fn func(context.Context, pool.Client, In) (any, error)) operation {
	return open(p, kind, w, func(ctx context.Context, c pool.Client, in input[In]) (any, error) {
		if in.Input == nil {
			return nil, missing("input")
		}
		return fn(ctx, c, *in.Input)
	})
}

// speaker is whom the Bearer of a request speaks for: a person, or the server of a
// customer that manages a pool. Exactly one is set.
type speaker struct {
	person  *session.Principal
	manager *admin.Manager
}

func (p *Protocol) speaker(ctx context.Context) (speaker, error) {
	m, err := p.manager(ctx)
	if err == nil {
		return speaker{manager: &m}, nil
	}
	if errs.CodeOf(err) != errs.SessionInvalid {
		return speaker{}, err
	}
	who, err := p.caller(ctx)
	if err != nil {
		return speaker{}, err
	}
	return speaker{person: &who}, nil
}

// either makes an operation for a person and a manager; fn tells them apart.
func either[In any](p *Protocol, kind string, w words, fn func(context.Context, speaker, In) (any, error)) operation {
	read := web.Object[In]()
	return operation{kind, w, func(ctx context.Context, args []byte) (any, error) {
		in, err := read(args)
		if err != nil {
			return nil, err
		}
		s, err := p.speaker(ctx)
		if err != nil {
			return nil, err
		}
		if s.person != nil {
			ctx = withClient(ctx, s.person.ClientID)
		}
		return fn(ctx, s, in)
	}}
}

// own makes an operation people do to themselves.
func own[In any](p *Protocol, kind string, w words, fn func(context.Context, session.Principal, In) (any, error)) operation {
	return either(p, kind, w, func(ctx context.Context, s speaker, in In) (any, error) {
		if s.person == nil {
			return nil, errs.New(errs.PermissionDenied)
		}
		return fn(ctx, *s.person, in)
	})
}

// managed makes an operation only managers may call.
func managed[In any](p *Protocol, kind string, fn func(context.Context, admin.Manager, In) (any, error)) operation {
	return either(p, kind, nil, func(ctx context.Context, s speaker, in In) (any, error) {
		if s.manager == nil {
			return nil, errs.New(errs.PermissionDenied)
		}
		return fn(ctx, *s.manager, in)
	})
}
