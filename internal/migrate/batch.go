package migrate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"strconv"
	"sync"

	"github.com/tigertally/tigertally/internal/contact"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/secret"
	"github.com/tigertally/tigertally/internal/signin"
	"github.com/tigertally/tigertally/internal/user"
)

// candidate is one record, checked: a person, or why there is none.
type candidate struct {
	user.User
	line     int64
	password string // to be hashed
	status   bool   // the file states one
	givenID  bool
	err      error
}

// batch is what one transaction writes.
type batch struct {
	people []candidate
	bytes  int64 // of the file, up to its end
}

// produce sends the records that are not done yet, checked and hashed.
func (r *run) produce(ctx context.Context, out chan<- batch) error {
	done := r.at.Rows
	for row := int64(0); ; {
		b := batch{people: make([]candidate, 0, r.o.BatchSize)}
		ended := false
		for !ended && len(b.people) < r.o.BatchSize {
			rec, err := r.src.next()
			if ended = errors.Is(err, io.EOF); ended {
				break
			}
			if err != nil {
				return fmt.Errorf("read the file: %w", err)
			}
			if row++; row > r.o.MaxRows {
				return errs.New(errs.FieldTooLong, "field", "file", "max", strconv.FormatInt(r.o.MaxRows, 10))
			}
			if row > done {
				b.people = append(b.people, r.check(ctx, rec))
			}
		}
		if err := r.hash(ctx, b.people); err != nil {
			return err
		}
		if b.bytes = r.src.bytes(); len(b.people) > 0 {
			select {
			case out <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if ended {
			return nil
		}
	}
}

// check makes a person of a record by the rules for people an operator makes.
func (r *run) check(ctx context.Context, rec record) candidate {
	c := candidate{line: rec.line, err: rec.err}
	if c.err != nil {
		return c
	}
	fields, err := r.o.translate(rec.fields)
	if err != nil {
		c.err = err
		return c
	}
	p, err := parse(fields, r.o.IgnoreUnknown || r.o.From != "")
	if err != nil {
		c.err = err
		return c
	}
	p.CreatedFrom, c.status = "import", p.Status != ""
	if c.User, c.err = p.Vet(ctx, r.pool, r.d.Fields); c.err != nil {
		return c
	}
	c.ID, c.givenID, c.CreatedAt = p.id, p.id != "", p.createdAt
	if c.PasswordHash, c.password = p.hash, p.Password; c.password != "" {
		c.err = signin.VetPassword(r.pool, c.User, c.password)
	}
	return c
}

// hash replaces plain passwords, on as many at once as the pool has threads.
func (r *run) hash(ctx context.Context, people []candidate) error {
	var plain []*candidate
	for i := range people {
		if c := &people[i]; c.password != "" && c.err == nil && !r.o.DryRun {
			plain = append(plain, c)
		}
	}
	if len(plain) == 0 {
		return nil
	}
	if r.d.Hasher == nil {
		return errs.New(errs.BadRequest, "field", "password")
	}
	work := make(chan *candidate)
	var all sync.WaitGroup
	for range r.d.Hasher.Workers() {
		all.Go(func() {
			for c := range work {
				c.PasswordHash, c.err = r.d.Hasher.Hash(ctx, r.pool.ID, c.password)
				c.password = ""
			}
		})
	}
	for _, c := range plain {
		work <- c
	}
	close(work)
	all.Wait()
	return ctx.Err()
}

// store writes the people of a batch and counts what became of them.
func (r *run) store(ctx context.Context, b batch, after *job, found *[]Problem) error {
	var people []user.User
	var from []int
	gone, err := r.deleted(ctx, b)
	if err != nil {
		return err
	}
	for i, c := range b.people {
		switch {
		case errors.Is(c.err, errNobody):
			after.Skipped++
			*found = append(*found, problem(c.line, Skipped, c.err))
		case c.err != nil && errs.From(c.err) == nil:
			return c.err
		case c.err == nil && gone[c.ID]:
			after.Refused++
			*found = append(*found, problem(c.line, Refused, errs.New(errs.IdentifierTaken, "field", "id").Because(flaw("of somebody who was deleted"))))
		case c.err != nil:
			after.Refused++
			*found = append(*found, problem(c.line, Refused, c.err))
		default:
			people, from = append(people, c.User), append(from, i)
		}
	}
	left, err := r.d.Users.CreateMany(ctx, people)
	if err != nil {
		return err
	}
	for i := range people {
		c := b.people[from[i]]
		code, taken := left[i]
		if !taken && r.repeated(c.User) {
			code, taken = errs.IdentifierTaken, true
		}
		if !taken {
			after.Created++
			continue
		}
		if err := r.conflict(ctx, c, errs.New(code), after, found); err != nil {
			return err
		}
	}
	return nil
}

// conflict deals with somebody who is there already.
func (r *run) conflict(ctx context.Context, c candidate, why error, after *job, found *[]Problem) error {
	switch r.o.OnConflict {
	case Fail:
		return fmt.Errorf("line %d: %w", c.line, why)
	case Update:
		refused, err := r.update(ctx, c)
		if err != nil {
			return fmt.Errorf("line %d: %w", c.line, err)
		}
		if refused == nil {
			after.Updated++
			return nil
		}
		after.Refused++
		*found = append(*found, problem(c.line, Refused, refused))
		return nil
	}
	after.Skipped++
	*found = append(*found, problem(c.line, Skipped, why))
	return nil
}

// deleted says whose ids were somebody's who is gone.
func (r *run) deleted(ctx context.Context, b batch) (map[string]bool, error) {
	var given []string
	for _, c := range b.people {
		if c.givenID && c.err == nil {
			given = append(given, c.ID)
		}
	}
	return r.d.Users.Gone(ctx, r.pool.ID, given)
}

// repeated reports, in a dry run, whether an earlier record has an identifier of u: what
// a dry run wrote is gone with its transaction.
func (r *run) repeated(u user.User) bool {
	if r.seen == nil {
		return false
	}
	keys := []string{"id " + u.ID, "phone " + u.Phone, "email " + u.Email, "external " + u.ExternalID}
	if u.Username != "" {
		keys = append(keys, "name "+contact.UsernameKey(u.Username, r.pool.Settings.CasedUsernames))
	}
	for _, i := range u.Identities {
		keys = append(keys, "identity "+i.Provider+" "+i.Subject)
	}
	again := false
	for _, key := range keys {
		if key[len(key)-1] == ' ' {
			continue
		}
		sum := maphash.String(r.seed, key)
		_, twice := r.seen[sum]
		again = again || twice
		r.seen[sum] = struct{}{}
	}
	return again
}

// report writes problems where the committed ones end, and moves that end on.
func (r *run) report(found []Problem, after *job) error {
	if r.o.Report == nil || len(found) == 0 {
		return nil
	}
	var text []byte
	for _, p := range found {
		line, err := json.Marshal(p)
		if err != nil {
			return err
		}
		text = append(append(text, line...), '\n')
	}
	if _, err := r.o.Report.WriteAt(text, after.reportBytes); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	after.reportBytes += int64(len(text))
	return nil
}

// problem is what a report says about a refusal: its code, never a value.
func problem(line int64, result string, err error) Problem {
	e := errs.From(err)
	p := Problem{Line: line, Result: result, Reason: string(e.Code), Field: e.Params["field"]}
	switch cause := e.Unwrap(); {
	case errors.Is(cause, secret.ErrHashUnknown), errors.Is(cause, secret.ErrHashDamaged), errors.Is(cause, secret.ErrHashCost):
		p.Detail = cause.Error()
	default:
		f, _ := errors.AsType[flaw](cause)
		p.Detail = string(f)
	}
	return p
}
