package db

import (
	"strconv"
	"strings"
	"time"
)

// Millis is how times are stored: Unix milliseconds.
func Millis(t time.Time) int64 { return t.UnixMilli() }

// Time is the reverse of Millis, in UTC.
func Time(ms int64) time.Time { return time.UnixMilli(ms).UTC() }

// Clock tells the time of now as it comes back from the database, so that what was just
// stored is what is read later.
func Clock(now func() time.Time) func() time.Time {
	return func() time.Time { return Time(Millis(now())) }
}

// NullMillis is Millis for a column that may be NULL: the zero time is NULL.
func NullMillis(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

// Askew is by how much the clocks of nodes that share a database may differ. A time that
// is further ahead than it can be, by more than this, was stored before a clock was set
// back. It is well above the TxLimit, for how old the time may be that a waiting
// transaction has looked at.
const Askew = time.Minute

// In writes the placeholders of an IN list: In(3, 2) is "$3, $4". An IN list of no
// values is not valid SQL, so In(1, 0) is "NULL", which nothing equals.
func In(first, n int) string {
	if n <= 0 {
		return "NULL"
	}
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(first + i))
	}
	return b.String()
}

// rebind turns $1 into ?1, the numbered parameter of SQLite, outside quotes. SQLite
// knows $1 too, but as a name that drivers bind in different orders. Where each parameter
// stands once and in order they become plain ?: of numbers SQLite keeps a list, which
// takes a time that grows with the square of a long one.
func rebind(query string) string {
	if !strings.Contains(query, "$") {
		return query
	}
	plain := make([]byte, 0, len(query))
	b := []byte(query)
	var quote byte
	count, inOrder := 0, true
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '$' && i+1 < len(b) && digit(b[i+1]):
			b[i] = '?'
			n := 0
			for i+1 < len(b) && digit(b[i+1]) {
				i++
				n = 10*n + int(b[i]-'0')
			}
			count++
			inOrder = inOrder && n == count
			plain = append(plain, '?')
			continue
		}
		plain = append(plain, c)
	}
	if inOrder {
		return string(plain)
	}
	return string(b)
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// Tuples writes the placeholders of a VALUES list of n rows: Tuples(2, 2) is
// "($1, $2), ($3, $4)". Both engines take some 30,000 of them in one statement.
func Tuples(n, columns int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteByte('(')
		b.WriteString(In(i*columns+1, columns))
		b.WriteByte(')')
	}
	return b.String()
}
