package db

import (
	"context"
	"sync"
)

type freshKey struct{}

// looked are the caches that have been compared with the database for one request.
type looked struct {
	mu  sync.Mutex
	all map[any]bool
}

// Fresh makes each Cached that is read with the context look first, once, whether another
// node has changed it; in a transaction each time, so that it sees what the transaction
// would. It is for requests whose caller has just changed something by way of another node
// and wants to see it: an operator's. It costs one short read for each Cached that the
// request uses.
func Fresh(ctx context.Context) context.Context {
	return context.WithValue(ctx, freshKey{}, &looked{all: map[any]bool{}})
}

func isFresh(ctx context.Context) bool { return ctx.Value(freshKey{}) != nil }

// fresh says whether c is to be compared now: it is the first time for ctx.
func fresh(ctx context.Context, c any) bool {
	l, _ := ctx.Value(freshKey{}).(*looked)
	if l == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	first := !l.all[c]
	l.all[c] = true
	return first
}
