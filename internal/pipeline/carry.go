package pipeline

import "sync"

// Carry hands what functions put into their context from one point of a request to the
// next. The zero value is ready; one request has one.
type Carry struct {
	mu   sync.Mutex
	keys map[string]any
}
