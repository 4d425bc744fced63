package doctor

import (
	"fmt"
	"time"
)

// Database is what was measured of the database.
type Database struct {
	Engine  string // "sqlite" or "postgres"
	Version string
	Schema  int
	Latency time.Duration
	Skew    time.Duration // of its clock against ours; 0 on this machine
	Durable bool          // a commit that was acknowledged survives a power cut
	Err     error
}

// slow is when reading one row takes too long for a sign-in, which reads several.
const slow = 50 * time.Millisecond

// maxSkew is by how much clocks may differ: codes of authenticator apps live 30 seconds.
const (
	maxSkew  = 5 * time.Second
	badSkew  = time.Minute
	noisyLag = time.Second // answers say whole seconds, and take their time
)

// CheckDatabase judges a database.
func CheckDatabase(d Database) []Finding {
	if d.Err != nil {
		return []Finding{fail("database_down", "reason", reason(d.Err))}
	}
	params := []string{"engine", d.Engine, "version", d.Version, "ms", fmt.Sprint(d.Latency.Milliseconds()), "schema", fmt.Sprint(d.Schema)}
	all := []Finding{ok("database_ok", params...)}
	if d.Latency > slow {
		all[0] = warn("database_slow", params...)
	}
	if !d.Durable {
		all = append(all, fail("database_not_durable", params...))
	}
	return append(all, CheckClock("database", d.Skew)...)
}

// CheckClock judges by how much our clock is ahead of somebody else's.
func CheckClock(of string, skew time.Duration) []Finding {
	away := skew.Abs()
	params := []string{"of", of, "seconds", fmt.Sprint(int64(away.Round(time.Second) / time.Second))}
	switch {
	case away > badSkew:
		return []Finding{fail("clock_wrong", params...)}
	case away > maxSkew+noisyLag:
		return []Finding{warn("clock_wrong", params...)}
	case of == "database" && skew == 0:
		return nil // the same machine
	}
	return []Finding{ok("clock_ok", params...)}
}

// Disk is the file system of the data directory.
type Disk struct {
	Path        string
	Free, Total uint64
	Writable    bool
	Err         error
}

const (
	lowDisk  = 2 << 30
	fullDisk = 200 << 20
)

// CheckDisk judges a disk.
func CheckDisk(d Disk) []Finding {
	if d.Err != nil {
		return []Finding{fail("disk_unreadable", "path", d.Path, "reason", reason(d.Err))}
	}
	params := []string{"path", d.Path, "free", size(d.Free), "total", size(d.Total)}
	switch {
	case !d.Writable:
		return []Finding{fail("disk_readonly", params...)}
	case d.Total == 0: // not known on this system
		return nil
	case d.Free < fullDisk:
		return []Finding{fail("disk_low", params...)}
	case d.Free < lowDisk || d.Free < d.Total/20:
		return []Finding{warn("disk_low", params...)}
	}
	return []Finding{ok("disk_ok", params...)}
}

func size(n uint64) string {
	if n >= 1<<30 {
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	}
	return fmt.Sprintf("%d MiB", n>>20)
}

// Backups is when the server was last backed up.
type Backups struct {
	Hours  int       // between two; 0 when none are made by themselves
	Done   time.Time // zero for never
	Failed time.Time // of one that failed since
	Err    error
}

// CheckBackups judges backups at a moment.
func CheckBackups(b Backups, now time.Time) []Finding {
	age := "–"
	if !b.Done.IsZero() {
		age = fmt.Sprint(int(now.Sub(b.Done) / time.Hour))
	}
	params := []string{"hours", fmt.Sprint(b.Hours), "age", age}
	switch {
	case b.Err != nil:
		return []Finding{warn("backup_unknown", "reason", reason(b.Err))}
	case !b.Failed.IsZero():
		return []Finding{fail("backup_failed", params...)}
	case b.Done.IsZero():
		return []Finding{warn("backup_none", params...)}
	case now.Sub(b.Done) > max(48*time.Hour, 2*time.Duration(b.Hours)*time.Hour):
		return []Finding{warn("backup_old", params...)}
	}
	return []Finding{ok("backup_ok", params...)}
}

// Jobs is what waits in the queue.
type Jobs struct {
	Waiting, Dead int
	Err           error
}

// backlog is how many jobs wait when messages are late.
const backlog = 1000

// CheckJobs judges the queue.
func CheckJobs(j Jobs) []Finding {
	if j.Err != nil {
		return []Finding{warn("jobs_unknown", "reason", reason(j.Err))}
	}
	all := []Finding{ok("jobs_ok", "waiting", fmt.Sprint(j.Waiting))}
	if j.Waiting > backlog {
		all[0] = warn("jobs_late", "waiting", fmt.Sprint(j.Waiting))
	}
	if j.Dead > 0 {
		all = append(all, warn("jobs_dead", "dead", fmt.Sprint(j.Dead)))
	}
	return all
}

// Key is the newest signing key of a pool.
type Key struct {
	Pool  string
	Since time.Time // it signs
}

// keyLife is how long a signing key may serve.
const keyLife = 365 * 24 * time.Hour

// CheckKeys judges signing keys at a moment.
func CheckKeys(all []Key, now time.Time) []Finding {
	var old []Finding
	for _, k := range all {
		if age := now.Sub(k.Since); age > keyLife {
			old = append(old, warn("key_old", "pool", k.Pool, "days", fmt.Sprint(int(age/(24*time.Hour)))))
		}
	}
	if len(old) == 0 && len(all) > 0 {
		return []Finding{ok("keys_ok")}
	}
	return old
}
