package verify

import "errors"

// ErrInvalid is matched by every error that is the token's fault. The answer to its
// bearer is 401.
var ErrInvalid = errors.New("verify: the token is not valid")

// What may be wrong with a token. All match ErrInvalid.
var (
	ErrMissing   error = &refusal{"there is no token"}
	ErrMalformed error = &refusal{"the token is malformed"}
	ErrAlgorithm error = &refusal{"the token's algorithm is not accepted"}
	ErrKey       error = &refusal{"the token is signed with an unknown key"}
	ErrSignature error = &refusal{"the token's signature is wrong"}
	ErrIssuer    error = &refusal{"the token is of another issuer"}
	ErrAudience  error = &refusal{"the token is for another application"}
	ErrPool      error = &refusal{"the token is of another user pool"}
	ErrKind      error = &refusal{"the token is of another kind"}
	ErrExpired   error = &refusal{"the token has expired"}
	ErrNotYet    error = &refusal{"the token is not valid yet"}
	ErrRevoked   error = &refusal{"the token's session has ended"}
)

// ErrScope is the error of a good token that does not reach this far. The answer is 403.
var ErrScope = errors.New("verify: the token lacks a scope")

// ErrUnavailable is the error when the server had to be asked and did not answer. The
// token may be good: the answer is 503, and the client should keep it.
var ErrUnavailable = errors.New("verify: the identity server cannot be asked")

// refusal is a reason that matches ErrInvalid too.
type refusal struct{ reason string }

func (r *refusal) Error() string { return "verify: " + r.reason }

// Is reports whether target is ErrInvalid.
func (r *refusal) Is(target error) bool { return target == ErrInvalid }
