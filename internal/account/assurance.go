package account

import "github.com/tigertally/tigertally/internal/user"

// Assurance is what a protocol can ask of somebody who wants to change what they sign in
// with, or to be deleted.
type Assurance int

// The assurances.
const (
	// BySudo asks for a sudo token, as SudoToken says.
	BySudo Assurance = iota
	// BySession takes the live session alone: the protocol has no second proof.
	BySession
)

// nothingToShow says that u has neither a password nor a contact to prove themselves with.
func nothingToShow(u user.User) bool {
	return !u.HasPassword() && u.Phone == "" && u.Email == ""
}
