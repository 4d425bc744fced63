package manage

import (
	"slices"

	"github.com/tigertally/tigertally/internal/operator"
)

// Op names one thing an administrator can do, as noun.verb. The management API, the
// command line and the console do the same things by the same names.
type Op string

// Operation is an Op with what somebody who does it needs. Whether that is fresh proof of
// who they are (AD-04), and whether it concerns the whole installation, is its scope's.
type Operation struct {
	Op      Op
	Scope   operator.Scope
	Summary string // one line: the title in the API document and on the command line
}

// Operations lists everything an administrator can do.
func Operations() []Operation {
	return slices.Concat(
		poolOperations(), userOperations(), appOperations(), fieldOperations(), providerOperations(), pipelineOperations(),
		messageOperations(), webhookOperations(), keyOperations(), limitOperations(), auditOperations(),
		metricOperations(), doctorOperations(), operatorOperations(), backupOperations(), transferOperations(),
	)
}

// ByName returns every operation by its name.
func ByName() map[Op]Operation {
	all := Operations()
	m := make(map[Op]Operation, len(all))
	for _, o := range all {
		m[o.Op] = o
	}
	return m
}

// Fresh reports whether op would not ask p to prove again who they are, for pages with
// forms that would be lost.
func (s *Service) Fresh(p operator.Principal, op Op) bool {
	return p.Fresh(s.rules[op].Scope, s.d.Now())
}
