package mail_test

import (
	"errors"
	"testing"

	"github.com/tigertally/tigertally/internal/driver"
	"github.com/tigertally/tigertally/internal/mail"
)

// Asking whether a mail server takes us sends nothing, and a wrong password is named.
func TestAMailServerIsAskedWithoutAMessage(t *testing.T) {
	for _, mode := range []string{"implicit", "starttls"} {
		t.Run(mode, func(t *testing.T) {
			sim, d := office(t, mode)
			if proven, err := d.(mail.Tester).Test(t.Context()); err != nil || !proven {
				t.Errorf("proven %v, %v", proven, err)
			}
			for _, e := range sim.Journal("smtp") {
				if e.Action == "DATA" || e.Action == "MAIL" {
					t.Errorf("a message was begun: %+v", e)
				}
			}
			_, wrong := office(t, mode, "password", "not-the-password")
			_, err := wrong.(mail.Tester).Test(t.Context())
			if f, ok := errors.AsType[*driver.Failure](err); !ok || f.Class != driver.Misconfigured {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
	_, open := office(t, "starttls", "username", "", "password", "")
	if proven, err := open.(mail.Tester).Test(t.Context()); err != nil || proven {
		t.Errorf("without an account: proven %v, %v", proven, err)
	}
}
