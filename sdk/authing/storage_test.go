package authing_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/tigertally/tigertally/sdk/authing"
)

func TestStorages(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a", "b")
	for name, s := range map[string]authing.Storage{
		"memory": authing.NewMemoryStorage(), "file": authing.NewFileStorage(filepath.Join(folder, "session")),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if _, err := s.Load(ctx); !errors.Is(err, authing.ErrNoSession) {
				t.Fatalf("got %v", err)
			}
			if err := s.Delete(ctx); err != nil {
				t.Fatalf("got %v", err)
			}
			for _, text := range []string{"one, which is longer", "two"} {
				given := []byte(text)
				if err := s.Save(ctx, given); err != nil {
					t.Fatal(err)
				}
				given[0] = 'x'
				if got, err := s.Load(ctx); err != nil || string(got) != text {
					t.Errorf("got %q, %v", got, err)
				}
			}
			if err := s.Delete(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Load(ctx); !errors.Is(err, authing.ErrNoSession) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// Only the owner may read the file, whatever was there before, and nothing stays beside it.
func TestFileIsTheOwners(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "session")
	path := filepath.Join(folder, "authing.json")
	s := authing.NewFileStorage(path)
	if err := s.Save(t.Context(), []byte("one")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Save(t.Context(), []byte("two")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, folder: 0o700} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// broken is a storage whose disk fails.
type broken struct{ load, save error }

// Load fails.
func (b broken) Load(context.Context) ([]byte, error) { return nil, b.load }

// Save fails.
func (b broken) Save(context.Context, []byte) error { return b.save }

// Delete fails.
func (b broken) Delete(context.Context) error { return b.save }

func TestStorageThatFails(t *testing.T) {
	w := newWorld(t)
	disk := errors.New("disk full")
	c := w.client(func(config *authing.Config) { config.Storage = broken{authing.ErrNoSession, disk} })
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

func TestFileOfSomethingElse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "session")
	if err := os.WriteFile(path, []byte("not a session"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newClient(t, authing.Config{AppID: "app", Storage: authing.NewFileStorage(path)})
	if _, err := c.Token(t.Context()); !errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("got %v", err)
	}
	c = newClient(t, authing.Config{AppID: "app", Storage: authing.NewFileStorage(t.TempDir())})
	if _, err := c.Token(t.Context()); err == nil || errors.Is(err, authing.ErrNotLoggedIn) {
		t.Errorf("a folder is read: %v", err)
	}
	if err := authing.NewFileStorage(filepath.Join(path, "below")).Save(t.Context(), nil); err == nil {
		t.Error("saved below a file")
	}
}
