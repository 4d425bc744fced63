package app

import (
	"context"
	"io"
	"time"

	"github.com/tigertally/tigertally/internal/pipeline/sandbox"
)

// WorkerCommand is the argument that makes this program a worker.
const WorkerCommand = "pipeline-worker"

// PipelineWorker is the life of a process for functions; the server starts it. It does
// nothing but what it is told through in, and returns when that ends.
func PipelineWorker(ctx context.Context, in io.Reader, out io.Writer) error {
	return sandbox.Worker(ctx, in, out, time.Now)
}
