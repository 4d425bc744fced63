package secret

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// LoadKeyring reads the master key from the file at path: 32 bytes, in base64. With
// create it makes the file first when there is none; pass create only when there is
// no database yet, for a new key cannot open what the old one sealed.
func LoadKeyring(path string, create bool) (*Keyring, error) {
	text, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, fmt.Errorf("master key file %s is missing; put back the file this database was made with: %w", path, err)
		}
		if err := createKeyFile(path); err != nil {
			return nil, err
		}
		text, err = readPrivate(path)
	}
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	master, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("master key file %s is not base64", path) // the cause could quote the key
	}
	k, err := NewKeyring(master)
	if err != nil {
		return nil, fmt.Errorf("master key file %s: %w", path, err)
	}
	return k, nil
}

// readPrivate refuses a file that other users of the machine may read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	if mode := info.Mode().Perm(); runtime.GOOS != "windows" && mode&0o077 != 0 {
		return nil, fmt.Errorf("%s may be read by other users (mode %04o); run chmod 600 on it", path, mode)
	}
	return os.ReadFile(path) //nolint:gosec // The operator names the file.
}

// createKeyFile never replaces a file: O_EXCL makes two starting servers agree on
// whichever came first. The file is complete before it has its name.
func createKeyFile(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	f, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(Bytes(masterBytes)) + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create master key: %w", err)
	}
	return nil
}
