package cloudbase

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// What servers of this protocol send in more than one form. The types take each; a value
// of no known form is as good as none, for it must not make a success a failure.

// integer is a number or a string of digits.
type integer int

// UnmarshalJSON implements json.Unmarshaler.
func (i *integer) UnmarshalJSON(b []byte) error {
	var n number
	_ = n.UnmarshalJSON(b) // never fails
	*i = integer(n)
	return nil
}

// seconds is the length of time that many seconds are.
func (i integer) seconds() time.Duration { return time.Duration(i) * time.Second }

// number is a number or a string with one.
type number float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	if err == nil {
		*n = number(f)
	}
	return nil
}

// word is a string; numbers other than 0 count as the word they are written with.
type word string

// UnmarshalJSON implements json.Unmarshaler.
func (w *word) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) == nil {
		*w = word(s)
	} else if text := string(b); text != "0" && text != "false" && text != "null" {
		*w = word(text)
	}
	return nil
}

// truth is a boolean or the word "true".
type truth bool

// UnmarshalJSON implements json.Unmarshaler.
func (t *truth) UnmarshalJSON(b []byte) error {
	*t = truth(string(bytes.Trim(b, `"`)) == "true")
	return nil
}

// instant is a time of RFC 3339.
type instant time.Time

// UnmarshalJSON implements json.Unmarshaler.
func (i *instant) UnmarshalJSON(b []byte) error {
	if t, err := time.Parse(time.RFC3339, strings.Trim(string(b), `"`)); err == nil {
		*i = instant(t)
	}
	return nil
}
