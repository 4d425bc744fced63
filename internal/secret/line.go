package secret

import "slices"

// job is one hash somebody waits for.
type job struct {
	tenant string
	run    func(*scratch) error
	done   chan struct{}
	result result
	err    error
}

// line holds the waiting jobs: first come first served within a tenant, and the
// tenants in turn.
type line struct {
	jobs map[string][]*job
	turn []string // tenants with jobs, whose turn is next first
	len  int
}

func newLine() line { return line{jobs: map[string][]*job{}} }

func (l *line) join(j *job) {
	if len(l.jobs[j.tenant]) == 0 {
		l.turn = append(l.turn, j.tenant)
	}
	l.jobs[j.tenant] = append(l.jobs[j.tenant], j)
	l.len++
}

// next takes the job whose turn it is, nil when nobody waits.
func (l *line) next() *job {
	if len(l.turn) == 0 {
		return nil
	}
	tenant := l.turn[0]
	l.turn = l.turn[1:]
	own := l.jobs[tenant]
	j := own[0]
	own[0] = nil
	if len(own) > 1 {
		l.jobs[tenant] = own[1:]
		l.turn = append(l.turn, tenant)
	} else {
		delete(l.jobs, tenant)
	}
	l.len--
	return j
}

// leave takes j out; false says that it has been taken already.
func (l *line) leave(j *job) bool {
	own := l.jobs[j.tenant]
	i := slices.Index(own, j)
	if i < 0 {
		return false
	}
	if own = slices.Delete(own, i, i+1); len(own) > 0 {
		l.jobs[j.tenant] = own
	} else {
		delete(l.jobs, j.tenant)
		l.turn = slices.DeleteFunc(l.turn, func(t string) bool { return t == j.tenant })
	}
	l.len--
	return true
}

// ahead counts the jobs that are served before a new one of tenant: its own, and of
// every other tenant as many as there are turns until then.
func (l *line) ahead(tenant string) int {
	own := len(l.jobs[tenant])
	n := own
	for t, jobs := range l.jobs {
		if t != tenant {
			n += min(len(jobs), own+1)
		}
	}
	return n
}

// fair reports whether tenant holds less than its share of capacity places.
func (l *line) fair(tenant string, capacity int) bool {
	tenants := len(l.jobs)
	if len(l.jobs[tenant]) == 0 {
		tenants++
	}
	return len(l.jobs[tenant]) < capacity/tenants
}
