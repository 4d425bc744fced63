package db

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// Lanes is how many transactions may hold a lane of one name at once.
const Lanes = 16

// Lane gives the running transaction the first lane of name that no other transaction
// holds, from 0 to Lanes-1, and keeps it until the end: rows of one lane are written one
// after the other, those of different lanes at once. SQLite writes one after the other
// anyway and needs but lane 0. What others wrote in the lane is visible to the next
// statement. A transaction that asks again has the same lane.
func (d *DB) Lane(ctx context.Context, name string) (int, error) {
	t := d.txFrom(ctx)
	if t == nil {
		return 0, errors.New("a lane is held by a transaction")
	}
	if _, ok := d.engine.(*postgres); !ok {
		return 0, nil
	}
	t.mu.Lock()
	lane, held := t.lanes[name]
	t.mu.Unlock()
	if held {
		return lane, nil
	}
	lane, err := d.takeLane(ctx, name)
	if err != nil {
		return 0, fmt.Errorf("take a lane: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lanes == nil {
		t.lanes = map[string]int{}
	}
	t.lanes[name] = lane
	return lane, nil
}

// Lock makes the running transaction wait until no other one holds name, and hold it until
// its end: of those who read first and write then, each sees what the one before wrote, if
// it reads after Lock. SQLite runs one transaction after the other anyway.
func (d *DB) Lock(ctx context.Context, name string) error {
	if d.txFrom(ctx) == nil {
		return errors.New("a lock is held by a transaction")
	}
	if _, ok := d.engine.(*postgres); !ok {
		return nil
	}
	err := d.QueryRow(ctx, `SELECT COUNT(pg_advisory_xact_lock($1::int, -1))`, number(name)).Scan(new(int))
	if err != nil {
		return fmt.Errorf("wait for a lock: %w", err)
	}
	return nil
}

// number stands for a name where PostgreSQL locks numbers. Names that hash alike wait for
// each other, which costs time and nothing else.
func number(name string) int32 {
	h := fnv.New32a()
	h.Write([]byte(name))   // never fails
	return int32(h.Sum32()) //nolint:gosec // any 32 bits will do.
}

// takeLane locks on PostgreSQL.
func (d *DB) takeLane(ctx context.Context, name string) (int, error) {
	key := number(name)
	var lane int
	err := d.QueryRow(ctx, `SELECT n FROM generate_series(0, $2::int - 1) AS n
		WHERE pg_try_advisory_xact_lock($1::int, n) LIMIT 1`, key, Lanes).Scan(&lane)
	if !errors.Is(err, ErrNoRows) {
		return lane, err
	}
	lane = rand.IntN(Lanes) //nolint:gosec // spreads those who wait, and is no secret.
	err = d.QueryRow(ctx, `SELECT COUNT(pg_advisory_xact_lock($1::int, $2::int))`, key, lane).Scan(new(int))
	return lane, err
}
