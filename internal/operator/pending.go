package operator

import (
	"context"
	"net/netip"
	"time"

	"github.com/tigertally/tigertally/internal/errs"
)

func pending() error { return errs.New(errs.NotImplemented) }

// Empty says whether nobody may administer yet, so that a bootstrap token is worth asking for.
func (s *Service) Empty(ctx context.Context) (bool, error) { return false, pending() }

// NewBootstrap makes the one-time token of the first owner. Errors: OperatorExists.
func (s *Service) NewBootstrap(ctx context.Context) (string, time.Time, error) {
	return "", time.Time{}, pending()
}

// Bootstrap makes the first owner. Errors: BootstrapInvalid.
func (s *Service) Bootstrap(ctx context.Context, token string, p NewPerson) (Opened, error) {
	return Opened{}, pending()
}

// SignIn checks a password and opens a session that lacks its second factor.
func (s *Service) SignIn(ctx context.Context, name, password string) (Opened, error) {
	return Opened{}, pending()
}

// SecondFactor completes a session with a code of the authenticator or a recovery code.
func (s *Service) SecondFactor(ctx context.Context, token, code string) (Opened, error) {
	return Opened{}, pending()
}

// BeginTOTP shows a new authenticator.
func (s *Service) BeginTOTP(ctx context.Context, token string) (Authenticator, error) {
	return Authenticator{}, pending()
}

// ConfirmTOTP takes the authenticator into use and returns recovery codes.
func (s *Service) ConfirmTOTP(ctx context.Context, token, code string) (Opened, []string, error) {
	return Opened{}, nil, pending()
}

// Sudo lets the session do sensitive things for SudoLife.
func (s *Service) Sudo(ctx context.Context, token, code string) (time.Time, error) {
	return time.Time{}, pending()
}

// SignOut ends the session.
func (s *Service) SignOut(ctx context.Context, token string) error { return pending() }

// Authenticate returns whom a session token or an API key stands for.
func (s *Service) Authenticate(ctx context.Context, credential string, from netip.Addr) (Principal, error) {
	return Principal{}, pending()
}

// Session returns whom a session token stands for and what it still lacks.
func (s *Service) Session(ctx context.Context, token string) (Principal, Step, error) {
	return Principal{}, Done, pending()
}

// ChangePassword replaces the operator's own password and ends their other sessions.
func (s *Service) ChangePassword(ctx context.Context, token, old, fresh string) error {
	return pending()
}

// RenewRecovery replaces the operator's recovery codes.
func (s *Service) RenewRecovery(ctx context.Context, token string) ([]string, error) {
	return nil, pending()
}

// Sessions lists the sessions of an operator.
func (s *Service) Sessions(ctx context.Context, by Principal, id string) ([]Session, error) {
	return nil, pending()
}

// EndSession ends one session of an operator.
func (s *Service) EndSession(ctx context.Context, by Principal, id, sessionID string) error {
	return pending()
}

// Create makes an operator.
func (s *Service) Create(ctx context.Context, by Principal, p NewPerson) (Person, error) {
	return Person{}, pending()
}

// List returns the operators by name.
func (s *Service) List(ctx context.Context, by Principal) ([]Person, error) { return nil, pending() }

// SetRole changes what an operator may do.
func (s *Service) SetRole(ctx context.Context, by Principal, id string, role Role, pools []string) error {
	return pending()
}

// Disable keeps an operator out.
func (s *Service) Disable(ctx context.Context, by Principal, id string) error { return pending() }

// Enable lets a disabled operator in again.
func (s *Service) Enable(ctx context.Context, by Principal, id string) error { return pending() }

// Remove deletes an operator.
func (s *Service) Remove(ctx context.Context, by Principal, id string) error { return pending() }

// ResetFactor takes away a lost second factor; only the command line may.
func (s *Service) ResetFactor(ctx context.Context, by Principal, id string) error { return pending() }

// SetPassword gives an operator another password; only the command line may.
func (s *Service) SetPassword(ctx context.Context, by Principal, id, password string) error {
	return pending()
}

// NewKey makes an API key and returns its text, shown this once.
func (s *Service) NewKey(ctx context.Context, by Principal, k NewKey) (string, Key, error) {
	return "", Key{}, pending()
}

// AddKey makes text, 256 random bits, an API key; one that is known is left as it is.
func (s *Service) AddKey(ctx context.Context, by Principal, text string, k NewKey) error {
	return pending()
}

// Keys lists the API keys, newest first.
func (s *Service) Keys(ctx context.Context, by Principal) ([]Key, error) { return nil, pending() }

// RevokeKey ends an API key.
func (s *Service) RevokeKey(ctx context.Context, by Principal, id string) error { return pending() }

// Sweep deletes sessions that are over.
func (s *Service) Sweep(ctx context.Context) error { return pending() }
