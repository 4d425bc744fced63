package authing_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tigertally/tigertally/sdk/authing"
)

func newFiles(t *testing.T, dir string) *authing.FileStorage {
	t.Helper()
	s, err := authing.NewFileStorage(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStorages(t *testing.T) {
	for name, s := range map[string]authing.Storage{
		"memory": authing.NewMemoryStorage(), "file": newFiles(t, filepath.Join(t.TempDir(), "a", "b")),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			for _, key := range []string{"authing_app", "../escaped", "a/b:c*"} {
				if _, ok, err := s.Get(ctx, key); ok || err != nil {
					t.Fatalf("%s: got %v, %v", key, ok, err)
				}
				if err := s.Delete(ctx, key); err != nil {
					t.Fatal(err)
				}
				for _, value := range []string{"one, which is longer", key} {
					if err := s.Set(ctx, key, value); err != nil {
						t.Fatal(err)
					}
					if got, ok, err := s.Get(ctx, key); err != nil || !ok || got != value {
						t.Errorf("%s: got %q, %v, %v", key, got, ok, err)
					}
				}
			}
			if err := s.Delete(ctx, "authing_app"); err != nil {
				t.Fatal(err)
			}
			if _, ok, err := s.Get(ctx, "authing_app"); ok || err != nil {
				t.Errorf("got %v, %v", ok, err)
			}
			if got, _, _ := s.Get(ctx, "a/b:c*"); got != "a/b:c*" {
				t.Errorf("a key lost its value: %q", got)
			}
		})
	}
}

// Only the owner may read the files, whatever was there before, and nothing else stays.
func TestFilesAreTheOwners(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "session")
	s := newFiles(t, dir)
	if err := s.Set(t.Context(), "key", "one"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%v, %v", entries, err)
	}
	path := filepath.Join(dir, entries[0].Name())
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Set(t.Context(), "key", "two"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, dir: 0o700} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if entries, err = os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// broken is a storage whose disk fails.
type broken struct{ get, set error }

// Get fails.
func (b broken) Get(context.Context, string) (value string, ok bool, err error) {
	return "", false, b.get
}

// Set fails.
func (b broken) Set(context.Context, string, string) error { return b.set }

// Delete fails.
func (b broken) Delete(context.Context, string) error { return b.set }

func TestStorageThatFails(t *testing.T) {
	w := newWorld(t)
	disk := errors.New("disk full")
	c := w.client(func(config *authing.Config) { config.Storage = broken{nil, disk} })
	u, err := c.RegisterByUserName(t.Context(), w.name(), password, nil)
	if !errors.Is(err, disk) || u == nil {
		t.Fatalf("got %v, %v", u, err)
	}
	if token, err := c.Token(t.Context()); err != nil || token != u.Token {
		t.Errorf("the session is lost: %v", err)
	}
	if err := c.Logout(t.Context(), nil); !errors.Is(err, disk) {
		t.Errorf("got %v", err)
	}

	c = w.client(func(config *authing.Config) { config.Storage = broken{disk, nil} })
	calls := map[string]func() error{
		"GetCurrentUser": func() error { _, err := c.GetCurrentUser(t.Context()); return err },
		"LoginByAccount": func() error { _, err := c.LoginByAccount(t.Context(), "ann", password, nil); return err },
		"SendSms":        func() error { return c.SendSms(t.Context(), w.phone(), nil) },
		"Logout":         func() error { return c.Logout(t.Context(), nil) },
		"Token":          func() error { _, err := c.Token(t.Context()); return err },
		"RefreshToken":   func() error { _, err := c.RefreshToken(t.Context()); return err },
		"CachedUser":     func() error { _, err := c.CachedUser(t.Context()); return err },
		"SetToken":       func() error { return c.SetToken(t.Context(), "t") },
		"Captcha":        func() error { _, err := c.Captcha(t.Context()); return err },
	}
	for name, run := range calls {
		if err := run(); !errors.Is(err, disk) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestStorageOfSomethingElse(t *testing.T) {
	s := authing.NewMemoryStorage()
	if err := s.Set(t.Context(), "authing_app", "not a session"); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, authing.Config{AppID: "app", Storage: s})
	if _, err := c.Token(t.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("got %v", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := authing.NewFileStorage(filepath.Join(file, "below")); err == nil {
		t.Error("a folder is made below a file")
	}
}
