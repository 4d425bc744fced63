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
	k, err := ParseKey(string(text))
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
	return storeKeyFile(path, base64.StdEncoding.EncodeToString(Bytes(masterBytes)))
}

func storeKeyFile(path, text string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	f, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("master key: %w", err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(text + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("create master key: %w", err)
	}
	return nil
}

// KeyText is the master key as its file holds it. Only a backup that a passphrase seals
// may have it.
func (k *Keyring) KeyText() string { return base64.StdEncoding.EncodeToString(k.master) }

// ParseKey is the reverse of KeyText.
func ParseKey(text string) (*Keyring, error) {
	master, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, errors.New("master key is not base64") // the cause could quote the key
	}
	return NewKeyring(master)
}

// Store writes the master key to the file at path, unless that holds it already. It never
// replaces another key.
func (k *Keyring) Store(path string) error {
	if err := storeKeyFile(path, k.KeyText()); err != nil {
		return err
	}
	there, err := LoadKeyring(path, false)
	if err != nil {
		return err
	}
	if there.id != k.id {
		return fmt.Errorf("master key file %s holds another key; move it away first", path)
	}
	return nil
}
