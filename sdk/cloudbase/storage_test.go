package cloudbase_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tigertally/tigertally/sdk/cloudbase"
)

func files(t *testing.T, dir string) *cloudbase.FileStorage {
	t.Helper()
	s, err := cloudbase.NewFileStorage(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestStorages(t *testing.T) {
	for name, s := range map[string]cloudbase.Storage{
		"memory": cloudbase.NewMemoryStorage(), "files": files(t, filepath.Join(t.TempDir(), "deep", "session")),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			want := func(key, value string, there bool) {
				t.Helper()
				if got, ok, err := s.Get(ctx, key); got != value || ok != there || err != nil {
					t.Errorf("%s: got %q, %v, %v", key, got, ok, err)
				}
			}
			set := func(key, value string) {
				t.Helper()
				if err := s.Set(ctx, key, value); err != nil {
					t.Fatal(err)
				}
			}
			want("a", "", false)
			set("a", "1")
			set("../b/c", "2")
			set("..", "3")
			set("a", "4")
			want("a", "4", true)
			want("../b/c", "2", true)
			want("..", "3", true)
			for range 2 {
				if err := s.Delete(ctx, "a"); err != nil {
					t.Error(err)
				}
			}
			want("a", "", false)
		})
	}
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "session")
	s := files(t, dir)
	if err := s.Set(t.Context(), "credentials_e", "secret"); err != nil {
		t.Fatal(err)
	}
	unlock, err := s.Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A reader finds a whole value while others write, and nothing else is left behind.
func TestFilesAreWrittenWhole(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for n := range 4 {
		s := files(t, dir)
		writers.Go(func() {
			value := strings.Repeat(fmt.Sprint(n), 10_000)
			for ctx.Err() == nil {
				if err := s.Set(t.Context(), "k", value); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	s, read := files(t, dir), 0
	for read < 100 {
		value, ok, err := s.Get(t.Context(), "k")
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		if read++; value != strings.Repeat(value[:1], 10_000) {
			t.Fatalf("read %d bytes of several values", len(value))
		}
	}
	cancel()
	writers.Wait()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestTheLockKeepsOthersOut(t *testing.T) {
	dir := t.TempDir()
	var inside atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		s := files(t, dir) // as another process has
		all.Go(func() {
			for range 20 {
				unlock, err := s.Lock(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if n := inside.Add(1); n != 1 {
					t.Errorf("%d inside", n)
				}
				inside.Add(-1)
				unlock()
			}
		})
	}
	all.Wait()

	unlock, err := files(t, dir).Lock(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := files(t, dir).Lock(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// What another program left in the storage is no session, and no reason to fail.
func TestRubbishInTheStorage(t *testing.T) {
	w := newCity(t).world(t)
	for key, value := range map[string]string{
		"credentials_" + w.srv.Env: "{", "user_info_" + w.srv.Env: "[]", "device_id": "x", "captcha_" + w.srv.Env: "null",
	} {
		w.ok(w.storage.Set(t.Context(), key, value))
	}
	_, err := w.auth.GetUserInfo(t.Context())
	w.refused(err, cloudbase.ErrUnauthenticated)
	w.signIn().me()
	if device, _, _ := w.storage.Get(t.Context(), "device_id"); len(device) != 32 {
		t.Errorf("the device is %q", device)
	}
}

// broken fails when it is told to.
type broken struct {
	cloudbase.Storage

	mu  sync.Mutex
	err error
}

func (b *broken) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *broken) now() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Get implements cloudbase.Storage.
func (b *broken) Get(ctx context.Context, key string) (string, bool, error) {
	if err := b.now(); err != nil {
		return "", false, err
	}
	return b.Storage.Get(ctx, key)
}

// Set implements cloudbase.Storage.
func (b *broken) Set(ctx context.Context, key, value string) error {
	if err := b.now(); err != nil {
		return err
	}
	return b.Storage.Set(ctx, key, value)
}

// A storage that fails is an error and not "nobody is signed in".
func TestTheStorageMayFail(t *testing.T) {
	disk := errors.New("the disk is on fire")
	s := &broken{Storage: cloudbase.NewMemoryStorage()}
	w := newCity(t).world(t, func(c *cloudbase.Config) { c.Storage = s })
	w.signIn()
	s.fail(disk)
	for name, err := range map[string]error{
		"GetUserInfo":    only(w.auth.GetUserInfo(t.Context())),
		"GetAccessToken": only(w.auth.GetAccessToken(t.Context())),
		"GetLoginState":  only(w.auth.GetLoginState(t.Context())),
		"LoginScope":     only(w.auth.LoginScope(t.Context())),
		"SignIn":         only(w.auth.SignIn(t.Context(), cloudbase.SignInRequest{Username: w.username, Password: password})),
		"SignOut":        w.auth.SignOut(t.Context()),
	} {
		if !errors.Is(err, disk) || errors.Is(err, cloudbase.ErrUnauthenticated) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, ok := w.auth.HasLoginState(t.Context()); ok {
		t.Error("somebody is signed in")
	}
	s.fail(nil)
	w.me()
}
