package verify

import "errors"

// ErrInvalid is matched by every error that is the token's fault. The answer to its
// bearer is 401.
var ErrInvalid = errors.New("verify: the token is not valid")

// ErrScope is the error of a good token that does not reach this far. The answer is 403.
var ErrScope = errors.New("verify: the token lacks a scope")

// ErrUnavailable is the error when the server had to be asked and did not answer. The
// token may be good: the answer is 503, and the client should keep it.
var ErrUnavailable = errors.New("verify: the identity server cannot be asked")

// Refusal is what is wrong with a token, in words. The constants are for errors.Is. Every
// Refusal matches ErrInvalid too.
type Refusal string

// What may be wrong with a token.
const (
	ErrMissing   Refusal = "there is no token"
	ErrMalformed Refusal = "the token is malformed"
	ErrAlgorithm Refusal = "the token's algorithm is not accepted"
	ErrKey       Refusal = "the token is signed with an unknown key"
	ErrSignature Refusal = "the token's signature is wrong"
	ErrIssuer    Refusal = "the token is of another issuer"
	ErrAudience  Refusal = "the token is for another application"
	ErrPool      Refusal = "the token is of another user pool"
	ErrKind      Refusal = "the token is of another kind"
	ErrExpired   Refusal = "the token has expired"
	ErrNotYet    Refusal = "the token is not valid yet"
	ErrRevoked   Refusal = "the token's session has ended"
)

// Error is the text of an error.
func (r Refusal) Error() string { return "verify: " + string(r) }

// Is reports whether target is ErrInvalid; errors.Is sees itself that it is r.
func (r Refusal) Is(target error) bool { return target == ErrInvalid }
