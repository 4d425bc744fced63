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
	r := bufio.NewReaderSize(in, 16<<10)
	var first hello
	if err := readFrame(r, &first); err != nil {
		return err
	}
	e, err := newEngine(ctx, first.Cache)
	if err != nil && first.Cache != "" { // a damaged or forbidden cache costs time and no more
		e, err = newEngine(ctx, "")
	}
	if err != nil {
		return err
	}
	if e.spare, err = e.take(ctx); err != nil {
		return err
	}
	debug.FreeOSMemory() // compiling is over
	if err := enclose(); err != nil {
		return err
	}
	if err := writeFrame(out, response{}); err != nil {
		return err
	}
	return serve(ctx, &script{engine: e, now: clock}, r, out)
}

// serve answers requests until there are no more.
func serve(ctx context.Context, s *script, in io.Reader, out io.Writer) error {
	for calls := 1; ; calls++ {
		var r request
		if err := readFrame(in, &r); err != nil {
			if err == io.EOF { //nolint:errorlint // what ReadFull returns between frames.
				return nil
			}
			return err
		}
		res := s.run(ctx, r)
		res.Retire = calls >= workerCalls
		if err := writeFrame(out, res); err != nil {
			return err
		}
		if err := s.ready(ctx); err != nil {
			return err
		}
	}
}
