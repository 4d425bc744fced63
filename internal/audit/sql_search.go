package audit

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/tigertally/tigertally/internal/db"
)

// where collects the conditions of a search. Only constants become text; every value is a
// parameter.
type where struct {
	terms []string
	args  []any
}

// add appends a condition in which each $ stands for one of args.
func (w *where) add(condition string, args ...any) {
	var b strings.Builder
	for _, part := range strings.SplitAfter(condition, "$") {
		b.WriteString(part)
		if strings.HasSuffix(part, "$") {
			w.args = append(w.args, args[0])
			args = args[1:]
			b.WriteString(strconv.Itoa(len(w.args)))
		}
	}
	w.terms = append(w.terms, b.String())
}

// frequent are the actions that index audit_by_rare leaves out; notFrequent is its
// condition, word for word, without which no engine takes the index.
func frequent() []string { return []string{SignIn, SignUp, SignOut, CodeSend, CodeVerify} }

const notFrequent = `action NOT IN ('user.sign_in', 'user.sign_up', 'user.sign_out', 'code.send', 'code.verify')`

// conditions turns a query into SQL in which the engines recognise the partial indexes.
func (q Query) conditions(poolID string, after position) where {
	var w where
	w.add(`pool_id = $`, poolID)
	w.add(`(at < $ OR (at = $ AND id < $))`, after.at, after.at, after.id)
	if !q.Since.IsZero() {
		w.add(`at >= $`, db.Millis(q.Since))
	}
	if !q.Until.IsZero() {
		w.add(`at < $`, db.Millis(q.Until))
	}
	if q.Action != "" {
		w.add(`substr(action, 1, $) = $`, utf8.RuneCountInString(q.Action), q.Action)
		if !slices.ContainsFunc(frequent(), func(a string) bool { return strings.HasPrefix(a, q.Action) }) {
			w.add(notFrequent)
		}
	}
	if len(q.actions) > 0 {
		args := make([]any, len(q.actions))
		for i, a := range q.actions {
			args[i] = a
		}
		w.add(`action IN ($`+strings.Repeat(`, $`, len(args)-1)+`)`, args...)
	}
	switch q.Result {
	case "":
	case OK:
		w.add(`result = 'ok'`)
	case AnyRefusal:
		w.add(`result <> 'ok'`)
	default:
		w.add(`result = $ AND result <> 'ok'`, q.Result)
	}
	if q.Actor != "" && q.UserID == "" {
		if isPerson(q.Actor) {
			w.add(`user_id = $`, q.Actor)
		} else {
			w.add(`actor <> user_id`)
		}
	}
	for _, equal := range []struct{ condition, value string }{
		{`user_id = $`, q.UserID},
		{`actor = $`, q.Actor},
		{`client_id = $`, q.ClientID},
		{`session_id = $`, q.SessionID},
		{`ip = $ AND ip <> ''`, q.IP},
		{`request_id = $ AND request_id <> ''`, q.RequestID},
	} {
		if equal.value != "" {
			w.add(equal.condition, equal.value)
		}
	}
	return w
}

// isPerson says whether an actor is a person of the pool, who acts on themselves only:
// ids are 26 characters, and whoever else acts has a word for a name.
func isPerson(actor string) bool { return len(actor) == 26 && !strings.ContainsAny(actor, ":@.") }

func (s *Service) search(ctx context.Context, poolID string, q Query, after position, limit int) ([]Record, error) {
	w := q.conditions(poolID, after)
	w.args = append(w.args, limit)
	rows, err := s.db.Query(ctx, `SELECT `+columns+` FROM audit WHERE `+strings.Join(w.terms, " AND ")+
		` ORDER BY at DESC, id DESC LIMIT $`+strconv.Itoa(len(w.args)), w.args...)
	if err != nil {
		return nil, err
	}
	found, err := scanRows(rows, (*row).dest)
	if err != nil {
		return nil, err
	}
	return records(found)
}

// get reads one record.
func (s *Service) get(ctx context.Context, poolID, id string) (Record, error) {
	var r row
	if err := s.db.QueryRow(ctx, `SELECT `+columns+` FROM audit WHERE id = $1 AND pool_id = $2`, id, poolID).Scan(r.dest()...); err != nil {
		return Record{}, err
	}
	return r.record()
}

// byRequest orders by the place in the chain where the time is the same: a transaction
// writes its records into one lane.
func (s *Service) byRequest(ctx context.Context, poolID, requestID string, limit int) ([]Record, error) {
	rows, err := s.db.Query(ctx, `SELECT `+columns+` FROM audit
		WHERE pool_id = $1 AND request_id = $2 AND request_id <> ''
		ORDER BY at DESC, seq DESC, id DESC LIMIT $3`, poolID, requestID, limit)
	if err != nil {
		return nil, err
	}
	found, err := scanRows(rows, (*row).dest)
	if err != nil {
		return nil, err
	}
	slices.Reverse(found)
	return records(found)
}
