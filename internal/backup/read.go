package backup

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/tigertally/tigertally/internal/db"
	"github.com/tigertally/tigertally/internal/secret"
)

// sink gets what a backup holds, in order.
type sink interface {
	begin(first begin) error
	table(t db.Table) error
	rows(t db.Table, rows [][]any) error
}

// Verify reads a whole backup, and says what it holds if nothing of it is missing.
//
// Errors: ErrLock, ErrNoKey, ErrDamaged.
func Verify(ctx context.Context, r io.Reader, lock Lock) (Summary, error) {
	return read(ctx, r, lock, nothing{})
}

// nothing only looks.
type nothing struct{}

func (nothing) begin(begin) error            { return nil }
func (nothing) table(db.Table) error         { return nil }
func (nothing) rows(db.Table, [][]any) error { return nil }

// read hands a backup to a sink. Only when it returns nil has everything been there.
func read(ctx context.Context, r io.Reader, lock Lock, to sink) (Summary, error) {
	out := Summary{Counts: map[string]int64{}}
	plain, err := lock.open(r)
	if err != nil {
		return out, err
	}
	packed, err := gzip.NewReader(plain)
	if err != nil {
		return out, unreadable(err)
	}
	p := &parser{ctx: ctx, lines: bufio.NewReaderSize(packed, 256<<10), to: to, out: &out}
	if err := p.all(); err != nil {
		return out, err
	}
	if _, err := plain.Read(make([]byte, 1)); !errors.Is(err, io.EOF) { // the last chunk is proved
		return out, unreadable(err)
	}
	return out, nil
}

// unreadable tells a wrong key from damage as far as one can: a wrong key opens nothing.
func unreadable(err error) error {
	if errors.Is(err, secret.ErrStream) {
		return fmt.Errorf("%w, or %w", ErrLock, ErrDamaged)
	}
	return fmt.Errorf("%w: %v", ErrDamaged, err) //nolint:errorlint // one reason decides.
}

// parser reads the lines of a backup.
type parser struct {
	ctx   context.Context //nolint:containedctx // a parser lives for one call.
	lines *bufio.Reader
	to    sink
	out   *Summary
}

func (p *parser) all() error {
	var first begin
	text, err := p.line()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &first); err != nil || first.Schema < 1 {
		return fmt.Errorf("%w: its first line cannot be read", ErrDamaged)
	}
	p.out.Schema, p.out.TakenAt, p.out.HasKey = first.Schema, first.TakenAt, first.MasterKey != ""
	if err := p.to.begin(first); err != nil {
		return err
	}
	for {
		text, err := p.line()
		if err != nil {
			return err
		}
		var t struct {
			db.Table
			end
		}
		if err := json.Unmarshal(text, &t); err != nil {
			return fmt.Errorf("%w: a line cannot be read", ErrDamaged)
		}
		if t.Name == "" {
			return p.finish(t.end)
		}
		if err := p.table(t.Table); err != nil {
			return err
		}
	}
}

// finish compares the sums, and lets nothing follow.
func (p *parser) finish(last end) error {
	if last.Tables != p.out.Tables || last.Rows != p.out.Rows || last.Tables == 0 {
		return fmt.Errorf("%w: tables or rows are missing", ErrDamaged)
	}
	if _, err := p.lines.ReadByte(); !errors.Is(err, io.EOF) {
		return unreadable(err)
	}
	return nil
}

func (p *parser) table(t db.Table) error {
	if err := p.to.table(t); err != nil {
		return err
	}
	sum, n := sha256.New(), int64(0)
	rows := make([][]any, 0, rowsAtOnce)
	for {
		text, err := p.line()
		if err != nil {
			return err
		}
		if text[0] != '[' {
			if err := p.to.rows(t, rows); err != nil {
				return err
			}
			return p.tableEnd(t, text, n, sum)
		}
		sum.Write(append(text, '\n'))
		row, err := parseRow(t, text)
		if err != nil {
			return err
		}
		n++
		if rows = append(rows, row); len(rows) == rowsAtOnce {
			if err := p.to.rows(t, rows); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
}

func (p *parser) tableEnd(t db.Table, text []byte, n int64, sum hash.Hash) error {
	var last tableEnd
	if err := json.Unmarshal(text, &last); err != nil || last.End != t.Name || last.Rows != n || !bytes.Equal(last.Sum, sum.Sum(nil)) {
		return fmt.Errorf("%w: rows of %s are missing or changed", ErrDamaged, t.Name)
	}
	p.out.count(t.Name, n)
	return nil
}

// line reads one line without its end.
func (p *parser) line() ([]byte, error) {
	if err := p.ctx.Err(); err != nil {
		return nil, err
	}
	var long []byte
	for {
		part, err := p.lines.ReadSlice('\n')
		if err == nil && long == nil && len(part) > 1 {
			return part[:len(part)-1], nil
		}
		if long = append(long, part...); len(long) > maxLine {
			return nil, fmt.Errorf("%w: a line has no end", ErrDamaged)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case err != nil:
			return nil, unreadable(err)
		case len(long) < 2:
			return nil, fmt.Errorf("%w: a line is empty", ErrDamaged)
		default:
			return long[:len(long)-1], nil
		}
	}
}

// parseRow reads a row as db.Loader takes it.
func parseRow(t db.Table, text []byte) ([]any, error) {
	var raw []json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil || len(raw) != len(t.Columns) {
		return nil, fmt.Errorf("%w: a row of %s cannot be read", ErrDamaged, t.Name)
	}
	row := make([]any, len(raw))
	for i, v := range raw {
		if string(v) == "null" {
			continue
		}
		value, err := parseValue(t.Columns[i].Kind, v)
		if err != nil {
			return nil, fmt.Errorf("%w: column %s of %s", ErrDamaged, t.Columns[i].Name, t.Name)
		}
		row[i] = value
	}
	return row, nil
}

func parseValue(kind db.Kind, text []byte) (any, error) {
	switch kind {
	case db.Int:
		var n int64
		err := json.Unmarshal(text, &n)
		return n, err
	case db.Bool:
		var b bool
		err := json.Unmarshal(text, &b)
		return b, err
	case db.Text, db.Bytes:
		var s string
		if err := json.Unmarshal(text, &s); err != nil || kind == db.Text {
			return s, err
		}
		return base64.StdEncoding.DecodeString(s)
	}
	return nil, errors.New("a kind nobody knows")
}
