package secret

import "log/slog"

const hidden = "[redacted]"

// Redacted is a string that never shows itself: not in logs, not in formatted text
// and not in JSON. Convert it to a string to use it.
type Redacted string

// LogValue hides the value from slog.
func (Redacted) LogValue() slog.Value { return slog.StringValue(hidden) }

// String hides the value from fmt.
func (Redacted) String() string { return hidden }

// GoString hides the value from %#v.
func (Redacted) GoString() string { return hidden }

// MarshalText hides the value from encoders.
func (Redacted) MarshalText() ([]byte, error) { return []byte(hidden), nil }
