package db

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Reach says whether a database answers, beside a server that may be using it. It writes
// nothing and looks at no schema: a PostgreSQL database may still be empty. Its errors
// never have the password.
func Reach(ctx context.Context, address string) error {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "sqlite":
		f, err := os.OpenFile(strings.TrimPrefix(rest, "//"), os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return f.Close()
	case "postgres", "postgresql":
	default:
		return errors.New("database URL needs sqlite: or postgres: in front")
	}
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return errors.New("is not an address of PostgreSQL") // the error would repeat much of it
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("does not answer: %w", err) // pgx hides the password
	}
	return errors.Join(conn.Ping(ctx), conn.Close(ctx))
}
