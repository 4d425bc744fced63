package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/config"
	"github.com/tigertally/tigertally/internal/db"
)

// placeTimeout is for each thing that is asked.
const placeTimeout = 5 * time.Second

// CheckPlace reports every reason why a server could not start here with conf, and notes
// what is worth knowing. It changes nothing. offline leaves out addresses and a database
// elsewhere.
func CheckPlace(ctx context.Context, conf config.Config, offline bool) (notes []string, err error) {
	problems := []error{checkDataDir(conf.DataDir)}
	if offline {
		return nil, errors.Join(problems...)
	}
	for name, address := range map[string]string{"listen": conf.Listen, "metrics_listen": conf.MetricsListen} {
		if address == "" {
			continue
		}
		note, err := checkAddress(ctx, name, address)
		problems = append(problems, err)
		if note != "" {
			notes = append(notes, note)
		}
	}
	return notes, errors.Join(append(problems, checkDatabase(ctx, conf))...)
}

// checkDataDir says whether the server can make and fill its directory.
func checkDataDir(dir string) error {
	if dir == "" {
		return nil // Check has said so
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("data_dir: %w", err)
	}
	for path := abs; ; path = filepath.Dir(path) {
		info, err := os.Stat(path)
		switch {
		case errors.Is(err, os.ErrNotExist) && path != filepath.Dir(path):
			continue // it will be made in the one above
		case err != nil:
			return fmt.Errorf("data_dir: %w", err)
		case !info.IsDir():
			return fmt.Errorf("data_dir: %s is not a directory", path)
		}
		if d := measureDisk(path); d.Err != nil || !d.Writable {
			return fmt.Errorf("data_dir: this user may not write to %s", path)
		}
		return nil
	}
}

// checkAddress says whether the server could listen there. If somebody does, it may well
// be the server itself.
func checkAddress(ctx context.Context, name, address string) (note string, err error) {
	listener, err := Listen(ctx, address)
	if err == nil {
		return "", listener.Close()
	}
	if _, port, splitErr := net.SplitHostPort(address); splitErr != nil || port == "0" {
		return "", nil //nolint:nilerr // Check has said what is wrong with it
	}
	if name == "listen" && strings.Contains(err.Error(), "in use") {
		if page, err := fetchSelf(ctx, "http://"+address+"/healthz"); err == nil && page.Server {
			return fmt.Sprintf("a server is running at %s", address), nil
		}
	}
	return "", fmt.Errorf("%s: %w", name, err)
}

// checkDatabase says whether the database answers. A file that is not there yet is made
// when the server starts.
func checkDatabase(ctx context.Context, conf config.Config) error {
	address := conf.Database()
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		if path = strings.TrimPrefix(path, "//"); path == "" {
			return nil
		}
		if _, err := os.Stat(path); errors.Is(err, os.ErrNotExist) {
			return nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, placeTimeout)
	defer cancel()
	if err := db.Reach(ctx, address); err != nil {
		return fmt.Errorf("database_url: %w", err)
	}
	return nil
}
