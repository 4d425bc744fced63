package testkit_test

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// notice bounds how long the end of a connection may stay unnoticed.
const notice = 2 * time.Second

// link is an address that leads to another one until it is cut.
type link struct {
	addr, to string

	mu       sync.Mutex
	listener net.Listener // nil while nobody listens
	near     []*net.TCPConn
	work     sync.WaitGroup
}

// newLink makes a link to host and port.
func newLink(t *testing.T, to string) *link {
	t.Helper()
	l := &link{addr: "127.0.0.1:0", to: to}
	l.mend(t)
	t.Cleanup(l.cut)
	return l
}

// mend listens where the link was before it was cut.
func (l *link) mend(t *testing.T) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	l.listener, l.addr = listener, listener.Addr().String()
	l.work.Go(func() { l.accept(listener) })
}

// cut ends every connection; new ones are refused. It waits until those at the near end have
// noticed: a request sent on a connection that is gone might have arrived, for all its
// sender knows.
func (l *link) cut() {
	l.mu.Lock()
	if l.listener != nil {
		_ = l.listener.Close()
	}
	for _, c := range l.near {
		_, _ = c.CloseWrite(), c.SetReadDeadline(time.Now().Add(notice))
	}
	l.listener, l.near = nil, nil
	l.mu.Unlock()
	l.work.Wait()
}

func (l *link) accept(listener net.Listener) {
	for {
		near, err := listener.Accept()
		if err != nil {
			return
		}
		far, err := (&net.Dialer{}).DialContext(context.Background(), "tcp", l.to)
		if err != nil {
			_ = near.Close()
			continue
		}
		l.mu.Lock()
		if tcp, ok := near.(*net.TCPConn); ok {
			l.near = append(l.near, tcp)
		}
		gone := l.listener != listener
		l.mu.Unlock()
		if gone {
			_, _ = near.Close(), far.Close()
		}
		l.work.Go(func() { pass(near, far) })
		l.work.Go(func() { pass(far, near) })
	}
}

// pass copies until either end is closed, as it was closed.
func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if tcp, ok := to.(*net.TCPConn); ok && err != nil {
		_ = tcp.SetLinger(0) // a reset goes on as one
	}
	_ = to.Close()
	_ = from.Close()
}
