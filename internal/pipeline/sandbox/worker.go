package sandbox

import (
	"bufio"
	"context"
	"io"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	workerMemory = 160 << 20 // where the collector of a worker tries harder
	workerCalls  = 5000      // after which a worker gives way to a new one
	bigInstance  = 8 << 20   // memory worth giving back at once
)

// Worker is the life of a worker process: it limits itself, reads requests and writes
// answers until the server closes the pipe. Its caller has nothing else to do and ends
// when it returns.
func Worker(ctx context.Context, in io.Reader, out io.Writer, clock func() time.Time) error {
	runtime.GOMAXPROCS(1)
	debug.SetMemoryLimit(workerMemory)
	if err := confine(); err != nil {
		return err
	}
	e, err := newEngine(ctx)
	if err != nil {
		return err
	}
	s := &script{engine: e, now: clock}
	if s.engine.spare, err = e.take(ctx); err != nil {
		return err
	}
	debug.FreeOSMemory() // compiling is over
	if err := seal(); err != nil {
		return err
	}
	r := bufio.NewReaderSize(in, 16<<10)
	if err := writeFrame(out, response{}); err != nil {
		return err
	}
	for calls := 1; ; calls++ {
		var q request
		if err := readFrame(r, &q); err != nil {
			if err == io.EOF { //nolint:errorlint // what ReadFull returns between frames.
				return nil
			}
			return err
		}
		res := s.run(ctx, q)
		res.Retire = calls >= workerCalls
		if err := writeFrame(out, res); err != nil {
			return err
		}
		big := s.used != nil && s.used.module.Memory().Size() > bigInstance
		s.tidy()
		if e.spare == nil {
			if e.spare, err = e.take(ctx); err != nil {
				return err
			}
		}
		if big {
			debug.FreeOSMemory()
		}
	}
}
