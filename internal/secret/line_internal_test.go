package secret

import (
	"strings"
	"testing"
)

// A flood in one pool delays another pool's next job by one turn, not by the flood.
func TestLineServesTenantsInTurn(t *testing.T) {
	l := newLine()
	for _, tenant := range []string{"a", "a", "a", "a", "b", "c", "b"} {
		l.join(&job{tenant: tenant})
	}
	if got := l.ahead("new"); got != 3 {
		t.Errorf("%d jobs ahead of a new tenant, want one of each", got)
	}
	if got := l.ahead("a"); got != 4+2+1 {
		t.Errorf("%d jobs ahead of the flood's next, want 7", got)
	}
	var order strings.Builder
	for j := l.next(); j != nil; j = l.next() {
		order.WriteString(j.tenant)
	}
	if order.String() != "abcabaa" || l.len != 0 || len(l.jobs) != 0 {
		t.Errorf("served %s, %d left", order.String(), l.len)
	}
}

func TestLineLetsJobsLeave(t *testing.T) {
	l := newLine()
	a1, a2, b := &job{tenant: "a"}, &job{tenant: "a"}, &job{tenant: "b"}
	for _, j := range []*job{a1, a2, b} {
		l.join(j)
	}
	if !l.leave(a1) || !l.leave(b) || l.leave(b) {
		t.Error("leaving does not report whether the job was there")
	}
	if l.len != 1 || l.next() != a2 || l.next() != nil || l.leave(a2) {
		t.Error("the wrong job is left")
	}
}

func TestLineSharesItsPlaces(t *testing.T) {
	l := newLine()
	for range 10 {
		l.join(&job{tenant: "flood"})
	}
	if l.fair("flood", 10) || !l.fair("other", 10) {
		t.Error("the flood may go on, or nobody else may come in")
	}
}
