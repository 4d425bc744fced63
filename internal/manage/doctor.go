package manage

import (
	"context"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/caller"
	"github.com/tigertally/tigertally/internal/doctor"
	"github.com/tigertally/tigertally/internal/operator"
)

// DoctorRun looks for mistakes of the installation.
const DoctorRun Op = "doctor.run"

// Doctor is what is needed to look for mistakes of the installation.
type Doctor struct {
	// New makes the checks; running is false for a command on the files of a server that
	// does not run.
	New   func(running bool) *doctor.Doctor
	Words *doctor.Words
}

// doctorOperations are what can be done with checks of the installation.
func doctorOperations() []Operation {
	return []Operation{{DoctorRun, operator.SettingsRead, "Look for what is wrong with the installation, and say how to mend it"}}
}

// Examine runs every check, which changes nothing, and says what was found in the
// caller's language.
func (s *Service) Examine(ctx context.Context, p operator.Principal, _ api.None) (api.Checkup, error) {
	if _, err := s.may(ctx, p, DoctorRun, ""); err != nil {
		return api.Checkup{}, err
	}
	found := s.d.Doctor.New(p.Kind != operator.KindLocal).Run(ctx)
	out := api.Checkup{
		Level: string(doctor.Worst(found)), At: s.d.Now().UTC(), Findings: make([]api.Finding, len(found)),
	}
	lang := caller.From(ctx).Lang
	for i, f := range found {
		title, detail, fix := s.d.Doctor.Words.Text(lang, f)
		out.Findings[i] = api.Finding{ID: f.ID, Level: string(f.Level), Title: title, Detail: detail, Fix: fix}
	}
	return out, nil
}
