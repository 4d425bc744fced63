package app

import (
	"context"
	"io"
	"time"

	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
)

// PipelineWorker is the life of a process for functions; the server starts it. It does
// nothing but what it is told through in, and returns when that ends.
func PipelineWorker(ctx context.Context, in io.Reader, out io.Writer) error {
	return sandbox.Worker(ctx, in, out, time.Now)
}
