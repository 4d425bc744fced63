package authing

import "context"

// gate is a mutex one can stop waiting for.
type gate chan struct{}

func newGate() gate { return make(gate, 1) }

// enter waits for its turn, or for the end of ctx.
func (g gate) enter(ctx context.Context) error {
	select {
	case g <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (g gate) leave() { <-g }
