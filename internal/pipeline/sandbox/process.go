package sandbox

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"
)

// worker is a running worker process as the server sees it.
type worker struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	stderr *tail
	killed chan struct{}
	ended  chan struct{} // closed after err is set
	err    error         // how the process ended
	once   sync.Once
	log    *slog.Logger
}

// startWorker starts a process and waits until it is ready. done counts it until it has
// ended.
func startWorker(o Options, done *sync.WaitGroup) (*worker, error) {
	if len(o.Command) == 0 {
		return nil, errors.New("it is not known how to start one")
	}
	cache, empty := filepath.Join(o.Dir, "compiled"), filepath.Join(o.Dir, "empty")
	for _, dir := range []string{cache, empty} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	w, err := launch(o, empty, isolated())
	if err != nil { // namespaces may be forbidden here
		w, err = launch(o, empty, nil)
	}
	if err != nil {
		return nil, err
	}
	done.Go(w.reap)
	err = w.within(startTime, func() error {
		if err := writeFrame(w.in, hello{Cache: cache}); err != nil {
			return err
		}
		return readFrame(w.out, &response{})
	})
	if err != nil {
		w.stop()
		return nil, fmt.Errorf("the worker is not ready: %w", err)
	}
	return w, nil
}

func launch(o Options, dir string, attr *processAttr) (*worker, error) {
	cmd := exec.Command(o.Command[0], o.Command[1:]...) //nolint:gosec,noctx // our own program, which outlives requests.
	cmd.Env, cmd.Dir = []string{}, dir
	cmd.SysProcAttr = attr.sys()
	w := &worker{cmd: cmd, stderr: &tail{}, killed: make(chan struct{}), ended: make(chan struct{}), log: o.Logger}
	cmd.Stderr = w.stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	w.in, w.out = in, bufio.NewReaderSize(out, 16<<10)
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return w, nil
}

// call sends a request and reads the answer; the process ends when that takes longer
// than limit. The fault says whether the time was up or the process ended by itself.
func (w *worker) call(r request, limit time.Duration) (res response, fault *Fault) {
	err := w.within(limit, func() error {
		if err := writeFrame(w.in, r); err != nil {
			return err
		}
		return readFrame(w.out, &res)
	})
	if err == nil {
		return res, nil
	}
	select {
	case <-w.killed:
		return response{}, &Fault{Kind: Slow, Message: "the worker did not answer in time"}
	default:
	}
	select {
	case <-w.ended:
		return response{}, &Fault{Kind: Crashed, Message: fmt.Sprintf("the worker ended: %v", w.err)}
	case <-time.After(killMargin): // it runs on, but what it said is no answer
		return response{}, &Fault{Kind: Crashed, Message: "the worker did not answer: " + err.Error()}
	}
}

func (w *worker) within(limit time.Duration, f func() error) error {
	timer := time.AfterFunc(max(limit, 0), w.stop)
	defer timer.Stop()
	return f()
}

// stop kills the process. It has nothing to tidy up.
func (w *worker) stop() {
	w.once.Do(func() {
		close(w.killed)
		_ = w.cmd.Process.Kill() // it may be gone already
	})
}

// reap waits for the end of the process, which the reader has seen by then.
func (w *worker) reap() {
	w.err = w.cmd.Wait()
	select {
	case <-w.killed:
	default:
		w.log.Warn("worker ended by itself", "err", w.err, "output", w.stderr.String())
	}
	close(w.ended)
}

// tail keeps the end of what a worker complains about.
type tail struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

const maxTail = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if room := maxTail - t.buf.Len(); room > 0 {
		t.buf.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.buf.String()
}
