package testkit_test

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/internal/testkit"
	"github.com/tigertally/tigertally/internal/upsim"
)

// The longest a fault may keep somebody waiting, and what a busy machine needs besides.
const inTime = 3*time.Second + time.Second

// told is what a caller must learn of a fault, in whatever words its protocol has.
type told = string

const (
	fine    told = "fine"    // nothing: the answer was good enough
	down    told = "down"    // the vendor cannot be asked; try again
	often   told = "often"   // the vendor wants fewer questions
	denied  told = "denied"  // the vendor let nobody through
	doubted told = "doubted" // what the vendor says proves nothing
)

// fault is one thing that goes wrong at a vendor.
type fault struct {
	name string // as the simulator has it, or cut
	want told
	// late says that the vendor had done its part before, so that a one-time code may be
	// used up there.
	late bool
	not  string // the protocol whose callers do not need what fails
}

// cut is the fault of a vendor that nothing listens for any more; untrusted, of one whose
// certificate nobody we know has signed.
const (
	cut       = "CUT"
	untrusted = "UNTRUSTED"
)

// commonFaults are those of the network and of HTTP, which every vendor may have.
func commonFaults() []fault {
	return []fault{
		{name: cut, want: down},
		{name: untrusted, want: down},
		{name: "HANG", want: down},
		{name: "RST", want: down},
		{name: "SLOW20000", want: down, late: true},
		{name: "DRIP", want: down, late: true},
		{name: "TRUNC", want: down, late: true},
		{name: "BIG", want: down},
		{name: "GZIP", want: down},
		{name: "REDIR", want: down},
		{name: "HTML", want: down},
		{name: "NOERR", want: down},
		{name: "H404", want: down},
		{name: "H500", want: down},
		{name: "H502", want: down},
		{name: "H503", want: down},
		{name: "CHARSET", want: fine, late: true},
	}
}

// way is how the callers of one protocol use a driver.
type way struct {
	protocol string
	// words are how the protocol says what is told.
	words map[told]string
	// begin goes as far as the vendor is well, for somebody new. What it returns does the
	// rest, as often as it is called: it returns the word for what went wrong, "" if nothing.
	begin func(t *testing.T, s *testkit.Server, who string) (show func(t *testing.T) string)
}

// row is one driver of the matrix.
type row struct {
	sim      *upsim.Server
	upstream string
	faults   []fault
	ways     []way
	// sever leads the driver to another origin than the simulator's until undo.
	sever func(t *testing.T, s *testkit.Server, origin string) (undo func())
	// other asks another vendor on behalf of who, and is fine.
	other func(s *testkit.Server, who string) error
}

// made are the tables in which a sign-in leaves something.
func made() []string {
	return []string{"users", "identities", "unions", "sessions", "tickets", "codes", "device_grants"}
}

// run tries every fault in every protocol.
func (r row) run(t *testing.T, s *testkit.Server) {
	var serial atomic.Int32
	for _, f := range r.faults {
		for _, w := range r.ways {
			if w.protocol == f.not {
				continue
			}
			t.Run(f.name+" "+w.protocol, func(t *testing.T) {
				punctual(t, func() time.Duration { return r.try(t, s, f, w, fmt.Sprintf("p%d", serial.Add(1))) })
			})
		}
	}
}

// punctual runs a case that tells how long its caller waited. A machine that is busy with
// other tests may be late by itself, but not three times.
func punctual(t *testing.T, try func() time.Duration) {
	t.Helper()
	for n := 1; ; n++ {
		took := try()
		if took <= inTime {
			return
		}
		if n == 3 {
			t.Errorf("the answer took %s", took)
			return
		}
	}
}

// try is one case, with somebody new.
func (r row) try(t *testing.T, s *testkit.Server, f fault, w way, who string) (took time.Duration) {
	show := w.begin(t, s.On(t), who)
	want := s.On(t).Rows(made()...)
	mend := r.inflict(t, s.On(t), f.name)
	end := func(time.Time) {}
	if f.name == "HANG" && r.other != nil {
		end = r.meanwhile(t, s.On(t), who, want)
	}
	begin := time.Now()
	word := show(t)
	took = time.Since(begin)
	end(time.Now())
	if word != w.words[f.want] {
		t.Errorf("the caller hears %q, want %q", word, w.words[f.want])
	}
	got := s.On(t).Rows(made()...)
	if f.want == denied || f.want == doubted { // that the code was shown is noted
		want["tickets"] = got["tickets"]
	}
	if diff := cmp.Diff(want, got); word != "" && diff != "" {
		t.Errorf("half made: %s", diff)
	}
	mend()
	if f.want == fine {
		return took
	}
	word = show(t)
	if word != "" && f.late { // the vendor keeps the code, and gives another
		word = w.begin(t, s.On(t), who)(t)
	}
	if word != "" {
		t.Errorf("afterwards the caller hears %q", word)
	}
	return took
}

// inflict makes the vendor fail until mend.
func (r row) inflict(t *testing.T, s *testkit.Server, name string) (mend func()) {
	t.Helper()
	switch name {
	case cut:
		return r.sever(t, s, "http://127.0.0.1:1")
	case untrusted:
		return r.sever(t, s, r.sim.Bases().HTTPS)
	}
	id, err := r.sim.Arm(upsim.Fault{Match: upsim.Match{Upstream: r.upstream}, Fault: name})
	if err != nil {
		t.Fatal(err)
	}
	return func() { r.sim.Disarm(id) }
}

// meanwhile asks another vendor while this one hangs, and adds what that makes to rows.
// What it returns takes the time at which this one was given up.
func (r row) meanwhile(t *testing.T, s *testkit.Server, who string, rows map[string]int) (end func(givenUp time.Time)) {
	t.Helper()
	before := s.Rows(made()...)
	if err := r.other(s, who+"x"); err != nil {
		t.Fatalf("another vendor: %v", err)
	}
	for table, n := range s.Rows(made()...) {
		rows[table] += 2 * (n - before[table]) // this one and the next
	}
	var wg sync.WaitGroup
	var failed error
	var answered time.Time
	wg.Go(func() { failed, answered = r.other(s, who+"y"), time.Now() })
	return func(givenUp time.Time) {
		wg.Wait()
		if failed != nil {
			t.Errorf("another vendor: %v", failed)
		}
		if answered.After(givenUp) {
			t.Error("another vendor's caller waited for this one")
		}
	}
}

// with returns faults and more, where more replaces what has its name.
func with(faults []fault, more ...fault) []fault {
	names := map[string]fault{}
	for _, f := range more {
		names[f.name] = f
	}
	var all []fault
	for _, f := range faults {
		if own, ok := names[f.name]; ok {
			f = own
			delete(names, f.name)
		}
		all = append(all, f)
	}
	for _, f := range more {
		if _, ok := names[f.name]; ok {
			all = append(all, f)
		}
	}
	return all
}

// moved returns settings whose addresses of from lead to another origin.
func moved(set map[string]string, from, to string) map[string]string {
	set = maps.Clone(set)
	for name, value := range set {
		if rest, ok := strings.CutPrefix(value, from); ok {
			set[name] = to + rest
		}
	}
	return set
}
