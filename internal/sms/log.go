package sms

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

const logName = "log"

func logOptions() []driver.Option {
	return []driver.Option{
		{Name: "path", Doc: "File that gets each message with its code, readable by its owner only.", Required: true},
		{Name: "development", Doc: "Must be `true`: whoever reads the file can sign in as anybody.", Required: true},
	}
}

// logFile writes messages to a file instead of sending them, for a server nobody else uses.
// It is not the server's log, which must never see a code.
type logFile struct {
	path string
	now  func() time.Time
	mu   sync.Mutex
}

func newLog(set map[string]string, now func() time.Time) (Driver, error) {
	if set["development"] != "true" {
		return nil, errors.New("the log driver is for development; say so with development: true")
	}
	return &logFile{path: set["path"], now: now}, nil
}

// Send appends m to the file.
func (l *logFile) Send(_ context.Context, m Message) (driver.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f, err := os.OpenFile(l.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return driver.Receipt{}, unsent(logName, err)
	}
	_, err = fmt.Fprintf(f, "%s\t%s\t%s\t%q\n", l.now().UTC().Format(time.RFC3339), m.To, m.Template, m.Text)
	if err = errors.Join(err, f.Close()); err != nil {
		return driver.Receipt{}, unsent(logName, err)
	}
	return driver.Receipt{Driver: logName, VendorID: m.ID}, nil
}
