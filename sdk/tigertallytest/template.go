package tigertallytest

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/tigertally/tigertally/internal/app"
	"github.com/tigertally/tigertally/internal/config"
)

// template is the data directory of a server that was just made, by file name. Most of
// what starting costs is making keys and tables, so all servers of a test binary begin as
// a copy of one. They therefore share their keys, unless WithOwnKeys says otherwise; an
// issuer still tells them apart.
var template = sync.OnceValues(makeTemplate)

// makeTemplate makes a server with all its keys and reads what it left. No test's context
// is right for it, since every test after the first uses it too.
func makeTemplate() (files map[string][]byte, err error) {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "tigertallytest")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	conf := configure(dir)
	server, err := app.OpenDev(ctx, app.DevOptions{Config: conf, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	_, err = server.Keys.TransportRaw(ctx, app.DevPool)
	if err == nil {
		_, err = server.Keys.JWKS(ctx, app.DevPool)
	}
	if err := errors.Join(err, server.Close()); err != nil {
		return nil, err
	}
	return readFiles(dir)
}

// readFiles reads the files right in dir.
func readFiles(dir string) (map[string][]byte, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		if files[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// fill writes the template to dir.
func fill(dir string) error {
	files, err := template()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// configure is how every server of this package runs.
func configure(dir string) config.Config {
	conf := config.Default()
	conf.DataDir = dir
	conf.HashWorkers = 1 // tests share the machine with the program they test
	return conf
}
