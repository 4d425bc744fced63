package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// meter shows how far long work is: a bar that is drawn over on a terminal, and a line for
// every tenth of the work elsewhere.
type meter struct {
	to       io.Writer
	terminal bool
	last     int64 // what was shown, in steps
}

func newMeter(to io.Writer, quiet bool) *meter {
	if quiet {
		to = io.Discard
	}
	m := &meter{to: to, last: -1}
	if f, ok := to.(*os.File); ok {
		info, err := f.Stat()
		m.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return m
}

const barWidth = 30

// show says that done of total is done.
func (m *meter) show(done, total int64, text string) {
	if total <= 0 {
		return
	}
	steps := int64(10)
	if m.terminal {
		steps = 1000
	}
	step := done * steps / total
	if step == m.last {
		return
	}
	m.last = step
	if !m.terminal {
		fmt.Fprintf(m.to, "%d %%, %s\n", done*100/total, text)
		return
	}
	full := int(done * barWidth / total)
	fmt.Fprintf(m.to, "\r[%s%s] %3d %%  %s ", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), done*100/total, text)
}

// count says that n are done of a number nobody knows.
func (m *meter) count(n int64, what string) {
	if step := n / 10_000; step == m.last {
		return
	} else if m.last = step; m.terminal {
		fmt.Fprintf(m.to, "\r%d %s ", n, what)
		return
	}
	fmt.Fprintf(m.to, "%d %s\n", n, what)
}

// end leaves the bar where it is.
func (m *meter) end() {
	if m.terminal && m.last >= 0 {
		fmt.Fprintln(m.to)
	}
}
