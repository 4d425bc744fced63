// Package backup owns the form of a backup: every table of one moment, compressed, sealed
// and with sums that prove it whole, the same for SQLite and PostgreSQL. It also owns what
// a restore must make void. When backups are made, and where they are kept, is app's.
package backup

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/tigertally/tigertally/internal/secret"
)

// Lock is what a backup is sealed with: one of the two.
type Lock struct {
	// Ring is the server's own master key. Such a backup does not hold that key, so that
	// neither is of use without the other.
	Ring *secret.Keyring
	// Passphrase seals a backup that holds the master key as well: with the passphrase it
	// is all that an empty machine needs.
	Passphrase string
}

// Summary is what a backup holds.
type Summary struct {
	TakenAt time.Time        `json:"taken_at"`
	Engine  string           `json:"-"`
	Schema  int              `json:"schema"`
	Tables  int              `json:"tables"`
	Rows    int64            `json:"rows"`
	Users   int64            `json:"users"`
	Counts  map[string]int64 `json:"counts"` // rows by table
	HasKey  bool             `json:"has_key"`
	Epoch   int64            `json:"epoch,omitempty"` // of the restored server
}

// What can be wrong with a backup.
var (
	ErrDamaged = errors.New("the backup is damaged or cut off")
	ErrLock    = errors.New("the backup is sealed with another key or passphrase")
	ErrNoKey   = errors.New("the backup does not hold the master key: put the server's key file in place first")
)

const (
	magic     = "tigertally-backup 1\n"
	saltBytes = 32
	maxHeader = 4 << 10
	purpose   = "backup"
	// rowsAtOnce is how many rows are handed to the database together.
	rowsAtOnce = 500
	// maxLine bounds one row: an uploaded picture is the longest.
	maxLine = 64 << 20
)

// header is the part of a backup that anybody may read.
type header struct {
	Lock   string `json:"lock"`             // lockMaster or lockPassphrase
	KeyID  string `json:"key_id,omitempty"` // of the master key
	Salt   []byte `json:"salt"`
	Memory uint32 `json:"memory,omitempty"` // of argon2id, KiB
	Time   uint32 `json:"time,omitempty"`
}

const (
	lockMaster     = "master-key"
	lockPassphrase = "passphrase"
)

// phrase are the costs of argon2id for a passphrase: dearer than those of a sign-in, for
// nobody else waits.
func phrase() secret.Argon2Params { return secret.Argon2Params{Memory: 128 << 10, Time: 3} }

// seal writes the header of a new backup to w and returns where the rest goes.
func (l Lock) seal(w io.Writer) (io.WriteCloser, error) {
	h := header{Lock: lockMaster, Salt: secret.Bytes(saltBytes)}
	if l.Passphrase != "" {
		h.Lock, h.Memory, h.Time = lockPassphrase, phrase().Memory, phrase().Time
	} else if l.Ring != nil {
		h.KeyID = l.Ring.ID()
	}
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	text = append([]byte(magic), append(text, '\n')...)
	key, err := l.key(h)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	return secret.SealStream(w, key, text)
}

// open reads the header of a backup and returns a reader of the rest.
func (l Lock) open(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, maxHeader)
	var text []byte
	for range 2 {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("%w: it has no header", ErrDamaged)
		}
		text = append(text, line...)
	}
	body, ok := bytes.CutPrefix(text, []byte(magic))
	if !ok {
		return nil, fmt.Errorf("%w: it does not begin as a backup of this version does", ErrDamaged)
	}
	var h header
	if err := json.Unmarshal(body, &h); err != nil {
		return nil, fmt.Errorf("%w: its header cannot be read", ErrDamaged)
	}
	key, err := l.key(h)
	if err != nil {
		return nil, err
	}
	return secret.OpenStream(in, key, text)
}

// key is the key of one backup.
func (l Lock) key(h header) ([]byte, error) {
	switch {
	case h.Lock == lockPassphrase && l.Passphrase != "":
		return secret.PassphraseKey(l.Passphrase, h.Salt, secret.Argon2Params{Memory: h.Memory, Time: h.Time})
	case h.Lock == lockPassphrase:
		return nil, fmt.Errorf("%w: it needs the passphrase it was made with", ErrLock)
	case h.Lock != lockMaster:
		return nil, fmt.Errorf("%w: it is sealed in a way this version does not know", ErrLock)
	case l.Ring == nil:
		return nil, fmt.Errorf("%w: it needs the server's master key %s", ErrNoKey, h.KeyID)
	case l.Ring.ID() != h.KeyID:
		return nil, fmt.Errorf("%w: it needs the master key %s, this is %s", ErrLock, h.KeyID, l.Ring.ID())
	}
	return l.Ring.StreamKey(purpose + base64.StdEncoding.EncodeToString(h.Salt))
}

// begin, tableHead, tableEnd and end are the lines between the rows. A row is a list.
type begin struct {
	Schema    int       `json:"schema"`
	TakenAt   time.Time `json:"taken_at"`
	MasterKey string    `json:"master_key,omitempty"`
}

type tableEnd struct {
	End  string `json:"end"`
	Rows int64  `json:"rows"`
	Sum  []byte `json:"sha256"` // of the lines of the rows
}

type end struct {
	Tables int   `json:"tables"`
	Rows   int64 `json:"rows"`
}
