package migrate

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"
	"strconv"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/pool"
	"github.com/tigertally/tigertally/internal/secret"
)

// errDryRun takes back what a dry run has written.
var errDryRun = errors.New("dry run")

// errElsewhere says that another process goes on with the same import.
var errElsewhere = errors.New("the import is going on elsewhere, or has ended")

// run is one call of Import.
type run struct {
	*Service
	m     admin.Manager
	pool  pool.Pool
	o     Options
	src   source
	total int64
	at    job // what is committed
	out   Report

	// seen has the identifiers of a dry run, which stores none.
	seen map[uint64]struct{}
	seed maphash.Seed
}

// Import makes people of the records of file, and says what became of each. People come
// in transactions of o.BatchSize, each with one audit event and with how far the file is
// done, so that what was cut off at any moment goes on with o.Resume and nobody comes
// twice. Passwords in plain text are hashed in the pool of the server, some tens a second.
//
// A record that breaks a rule is a problem in the report and stops nothing. Errors:
// PoolNotFound, BadRequest for options and files that cannot be read, FieldTooLong for
// files over the limits, IdentifierTaken with Fail, and those of ctx and of the storage.
// Even then the Report says how far it came.
func (s *Service) Import(ctx context.Context, m admin.Manager, file io.ReadSeeker, o Options) (Report, error) {
	p, err := s.d.Pools.Get(ctx, m.PoolID)
	if err != nil {
		return Report{}, err
	}
	r := &run{Service: s, m: m, pool: p, o: o.withDefaults(), out: Report{DryRun: o.DryRun}}
	if err := r.begin(ctx, file); err != nil {
		return r.out, err
	}
	err = r.all(ctx)
	r.out.Counts = r.at.Counts
	if err != nil || o.DryRun {
		return r.out, err
	}
	n, err := s.finish(ctx, r.at.id)
	if err == nil && n == 0 {
		err = errElsewhere
	}
	return r.out, err
}

// begin checks the options, measures the file and finds where to go on.
func (r *run) begin(ctx context.Context, file io.ReadSeeker) error {
	switch r.o.OnConflict {
	case Skip, Update, Fail:
	default:
		return errs.New(errs.BadRequest, "field", "on_conflict")
	}
	switch r.o.From {
	case "", CloudBase, Authing:
	default:
		return errs.New(errs.BadRequest, "field", "from")
	}
	digest := sha256.New()
	var err error
	if r.total, err = io.Copy(digest, io.LimitReader(file, r.o.MaxBytes+1)); err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	if r.total > r.o.MaxBytes {
		return errs.New(errs.FieldTooLong, "field", "file", "max", strconv.FormatInt(r.o.MaxBytes, 10))
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the file: %w", err)
	}
	if r.src, err = open(file, r.o.Format); err != nil {
		return errs.New(errs.BadRequest, "field", "file").Because(err)
	}
	if t, ok := r.src.(*table); ok && r.o.From == "" && !r.o.IgnoreUnknown {
		if err := t.known(); err != nil {
			return err
		}
	}
	if r.o.DryRun {
		r.seen, r.seed = map[uint64]struct{}{}, maphash.MakeSeed()
		return r.truncateReport()
	}
	return r.enter(ctx, digest.Sum(nil))
}

// enter finds the import to go on with, or begins one.
func (r *run) enter(ctx context.Context, digest []byte) error {
	if r.o.Resume {
		j, found, err := r.unfinished(ctx, r.pool.ID, digest, r.o.From)
		if err != nil {
			return err
		}
		if found {
			r.at, r.out.ID, r.out.Resumed = j, j.id, j.Rows
			return r.truncateReport()
		}
	}
	r.at.id = secret.ID()
	r.out.ID = r.at.id
	if err := r.Service.begin(ctx, r.at.id, r.pool.ID, digest, r.o.From, r.m.Actor); err != nil {
		return err
	}
	return r.truncateReport()
}

// truncateReport forgets problems of a transaction that was not committed.
func (r *run) truncateReport() error {
	if r.o.Report == nil {
		return nil
	}
	if err := r.o.Report.Truncate(r.at.reportBytes); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// all reads and checks the next people while the ones before are written.
func (r *run) all(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan batch)
	read := make(chan error, 1)
	go func() {
		defer close(batches)
		read <- r.produce(ctx, batches)
	}()
	var failed error
	for b := range batches {
		if failed != nil {
			continue // let the reader end
		}
		if failed = r.write(ctx, b); failed != nil {
			cancel()
			continue
		}
		if r.o.Progress != nil {
			r.o.Progress(Progress{Counts: r.at.Counts, Bytes: b.bytes, Total: r.total})
		}
	}
	if err := <-read; failed == nil {
		return err
	}
	return failed
}

// write commits one batch and what is known of the import with it.
func (r *run) write(ctx context.Context, b batch) error {
	var after job
	var found []Problem
	err := r.d.DB.InTx(ctx, func(ctx context.Context) error {
		after, found = r.at, nil
		if err := r.store(ctx, b, &after, &found); err != nil {
			return err
		}
		after.Rows += int64(len(b.people))
		slices.SortStableFunc(found, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
		if err := r.report(found, &after); err != nil {
			return err
		}
		if r.o.DryRun {
			return errDryRun
		}
		return r.commit(ctx, after)
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return err
	}
	r.at = after
	room := maxKept - len(r.out.Problems)
	r.out.Problems = append(r.out.Problems, found[:min(room, len(found))]...)
	return nil
}

// commit records a batch and moves the import on, in the transaction of the batch.
func (r *run) commit(ctx context.Context, after job) error {
	n := func(after, before int64) string { return strconv.FormatInt(after-before, 10) }
	err := r.d.Audit.Record(ctx, audit.Event{
		PoolID: r.pool.ID, Action: audit.UserImport, Actor: r.m.Actor,
		Detail: map[string]string{
			"import": after.id, "from_row": strconv.FormatInt(r.at.Rows+1, 10), "rows": n(after.Rows, r.at.Rows),
			"created": n(after.Created, r.at.Created), "updated": n(after.Updated, r.at.Updated),
			"skipped": n(after.Skipped, r.at.Skipped), "refused": n(after.Refused, r.at.Refused),
		},
	})
	if err != nil {
		return err
	}
	moved, err := r.advance(ctx, r.at, after)
	if err == nil && moved == 0 {
		err = errElsewhere
	}
	return err
}
