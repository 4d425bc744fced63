package provider

import (
	"fmt"

	"github.com/tigertally/tigertally/internal/errs"
)

// refuse is ProviderRefused with one word for the audit log, its parameter "reason". The
// person is told no more than that it did not work.
func refuse(reason, format string, args ...any) error {
	return because(errs.ProviderRefused, reason, format, args...)
}

func because(code errs.Code, reason, format string, args ...any) error {
	return errs.New(code, "reason", reason).Because(fmt.Errorf(format, args...))
}

// noClientTokens refuses a token the app got itself, where that is not switched on.
func noClientTokens() error {
	return because(errs.MethodDisabled, "client_token", "tokens from clients are not taken here")
}
