package web

import (
	"log/slog"
	"net/http"
	"time"
)

// NewServer makes an HTTP server that slow or greedy clients cannot hold: each phase
// of a request has its time, and headers and streams their number. A handler that
// streams sets its own write deadline through http.ResponseController.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      15 * time.Second,
		IdleTimeout:       60 * time.Second,
		MaxHeaderBytes:    12 << 10, // net/http adds 4 KB of its own: 16 KB
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 100},
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
	}
}
